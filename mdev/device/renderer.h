/* SPDX-License-Identifier: MIT */
/*
 * What executes a guest's Vulkan: contexts, blobs, submissions, fences.
 *
 * Every identifier that reaches a renderer was checked against the device's own
 * tables before: contexts and resources exist exactly when they were made and
 * not yet destroyed. Calls may take long, since they wait for a context's
 * worker.
 *
 * Owner: the program's main function. Locking: calls belong to the queue
 * thread, but for give_up() and abandon(), which any thread may call at any
 * time.
 * The fence callback may come from any thread, at any time between fence() and
 * the end of context_destroy().
 */
#ifndef DEVICE_RENDERER_H
#define DEVICE_RENDERER_H

#include <stddef.h>
#include <stdint.h>

#define RENDERER_CAPSET_SIZE_MAX 4096
#define RENDERER_RINGS_MAX 64

struct renderer;

struct renderer_blob {
	uint32_t resource;
	uint32_t context;
	uint32_t flags; /* VIRTIO_GPU_BLOB_FLAG_* */
	uint64_t id; /* the context's own name of the memory; 0: new memory */
	uint64_t size; /* bytes, whole pages */
};

/* Each int is 0 or a negative errno. */
struct renderer_ops {
	/* Sets the version and fills at most @size bytes; returns how many. */
	int (*capset)(struct renderer *renderer, uint32_t *version, void *data,
		      size_t size);
	/* Makes sure that new contexts can be made; nothing exists now. */
	int (*begin)(struct renderer *renderer);
	int (*context_create)(struct renderer *renderer, uint32_t context,
			      const char *name);
	void (*context_destroy)(struct renderer *renderer, uint32_t context);
	void (*attach)(struct renderer *renderer, uint32_t context,
		       uint32_t resource);
	void (*detach)(struct renderer *renderer, uint32_t context,
		       uint32_t resource);
	int (*blob_create)(struct renderer *renderer,
			   const struct renderer_blob *blob);
	void (*unref)(struct renderer *renderer, uint32_t resource);
	/* The memory in this process, @length bytes of it, page aligned. */
	int (*map)(struct renderer *renderer, uint32_t resource,
		   uint64_t length, void **address, uint32_t *map_info);
	void (*unmap)(struct renderer *renderer, uint32_t resource);
	/* @data is 8-byte aligned and does not change. */
	int (*submit)(struct renderer *renderer, uint32_t context, void *data,
		      uint32_t dwords);
	/* Calls fence_done(@fence) once all earlier work of the ring is. */
	int (*fence)(struct renderer *renderer, uint32_t context, uint8_t ring,
		     uint64_t fence);
	/*
	 * Makes a call that waits for this context's worker come back, and all
	 * later ones on it fail. The context is still to be destroyed. Return:
	 * -ENOENT when the renderer knows no way to do that.
	 */
	int (*give_up)(struct renderer *renderer, uint32_t context);
	/*
	 * Makes a call that waits come back, and all later ones fail, until the
	 * next begin(). Costs every context.
	 */
	void (*abandon)(struct renderer *renderer);
};

struct renderer {
	const struct renderer_ops *ops;
	/* Set by the user before the first fence. */
	void (*fence_done)(void *user, uint64_t fence);
	void *user;
};

#endif
