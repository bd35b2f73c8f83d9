/* SPDX-License-Identifier: MIT */
/*
 * One physical GPU and what the broker does with it: an arbiter, if Vulkan can
 * use it; types and a registration as parent, if the module is there.
 *
 * States: unused (@arbiter NULL), shared (programs may be enrolled), served
 * (@registered: vGPUs can be made; or software). @reason says why it is less
 * than served. A parent that goes takes its GPU back to shared; when its driver
 * is bound again, host_gpu_update() serves it as before.
 *
 * Ownership: the broker owns it; it owns its arbiter and what was found. It stays
 * where it is: an arbiter and vGPUs point to it. Locking: the event loop's thread
 * only.
 */
#ifndef BROKER_HOST_GPU_H
#define BROKER_HOST_GPU_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-varlink.h>

#include "mdev/broker/broker.h"
#include "mdev/broker/settings.h"
#include "mdev/broker/types.h"

/**
 * struct host_gpu - one of them
 * @broker: whose
 * @gpu: what was found last
 * @config: what holds for it
 * @arbiter: NULL: Vulkan can't use it
 * @policy: by which it is shared
 * @lasting: by which it is when nobody lends it another
 * @lender: connection that did, or NULL
 * @types: that it offers
 * @window: bytes, as registered
 * @registered: it is a parent
 * @left: it was one, until its driver let go
 * @silent: Vulkan, asked anew, says nothing of it; what it said once is kept
 * @parent: its number then
 * @existing: vGPUs of an earlier broker that are still to be told of
 * @reason: why it is not served; "": it is
 */
struct host_gpu {
	struct broker *broker;
	struct gpu *gpu;
	const struct gpu_config *config;
	struct arbiter *arbiter;
	enum tsched_policy policy;
	enum tsched_policy lasting;
	const sd_varlink *lender;
	struct type_table types;
	uint64_t window;
	bool registered;
	bool left;
	bool silent;
	uint32_t parent;
	uint32_t existing;
	char reason[160];
};

/**
 * host_gpu_new - begin to share a GPU
 * @gpup: the new one; what can't be had is in its reason
 * @broker: whose
 * @found: the GPU; taken over
 *
 * Registers it or takes its registration over. The events of vGPUs that exist
 * are the caller's to wait for.
 *
 * Return: 0; -ENOMEM.
 */
int host_gpu_new(struct host_gpu **gpup, struct broker *broker,
		 struct gpu *found);

/**
 * host_gpu_update - take over how a GPU was found again
 * @gpu: not registered
 * @found: the same GPU; taken over
 *
 * Begins to serve it if that can be. The events of vGPUs that exist are the
 * caller's to wait for.
 */
void host_gpu_update(struct host_gpu *gpu, struct gpu *found);

/* host_gpu_passed_through - whether guests get it whole, by vfio-pci */
bool host_gpu_passed_through(const struct gpu *found);

/* host_gpu_removed - it is no more in this host; not registered */
void host_gpu_removed(struct host_gpu *gpu);

/* host_gpu_notes - tell what arbiters told; @broker's pipe is readable */
void host_gpu_notes(struct broker *broker);

/* host_gpu_gone - its registration ended */
void host_gpu_gone(struct host_gpu *gpu);

/**
 * host_gpu_set_policy - share it by another policy from now on
 * @gpu: with an arbiter
 * @policy: which
 * @lender: connection with whose end it ends, or NULL: it lasts, and holds for
 *          the next broker too if the configuration stays the same
 *
 * Return: 0; a negative errno, and nothing is changed.
 */
int host_gpu_set_policy(struct host_gpu *gpu, enum tsched_policy policy,
			const sd_varlink *lender);

/* host_gpu_policies_return - a connection ended */
void host_gpu_policies_return(struct broker *broker, const sd_varlink *lender);

/* host_gpu_by_parent - NULL: none has this number */
struct host_gpu *host_gpu_by_parent(struct broker *broker, uint32_t parent);

/* host_gpu_served - whether vGPUs, or on software programs, can be had */
bool host_gpu_served(const struct host_gpu *gpu);

/* host_gpu_vram_free - bytes that nobody was promised */
uint64_t host_gpu_vram_free(const struct host_gpu *gpu);

/* host_gpu_reservable - permille that can still be reserved, without @but */
uint32_t host_gpu_reservable(const struct host_gpu *gpu,
			     const struct vgpu *but);

/* host_gpu_settings - what a vGPU of @type begins with */
struct arbiter_settings host_gpu_settings(const struct host_gpu *gpu,
					  const struct vgpu_type *type);

/* host_gpu_vgpus - how many vGPUs there are of @type, or of all when NULL */
unsigned int host_gpu_vgpus(const struct host_gpu *gpu,
			    const struct vgpu_type *type);

/* host_gpu_available - how many more vGPUs of @type can be made */
unsigned int host_gpu_available(const struct host_gpu *gpu,
				const struct vgpu_type *type);

/**
 * host_gpu_type_path - where sysfs has a type
 * @gpu: the GPU
 * @type: of it
 * @file: in the type's folder
 * @path: filled in
 * @size: of it
 */
void host_gpu_type_path(const struct host_gpu *gpu,
			const struct vgpu_type *type, const char *file,
			char *path, size_t size);

#endif
