/* SPDX-License-Identifier: MIT */
/*
 * The virtio-gpu device proper (virtio 1.3 §5.7): takes requests from the
 * control and cursor queues, executes them and gives them back. No thread and
 * no register in it: worker.h drives it, function.h shows it on PCI.
 *
 *   idle      no queues; nothing of a guest exists
 *   running   gpu_start() was called: requests are taken, contexts and
 *             resources come and go
 *   broken    the driver broke a rule: nothing moves until gpu_reset()
 *
 * gpu_reset() leads back to idle from everywhere, and leaves nothing behind.
 *
 * Owner: the worker; owns the tables and all they hold. Locking: everything is
 * the queue thread's alone, but for gpu_fence_done() and gpu_look().
 */
#ifndef DEVICE_GPU_H
#define DEVICE_GPU_H

#include "mdev/device/contexts.h"
#include "mdev/device/counters.h"
#include "mdev/device/fences.h"
#include "mdev/device/memory.h"
#include "mdev/device/renderer.h"
#include "mdev/device/resources.h"
#include "mdev/device/rings.h"
#include "mdev/device/watch.h"
#include "mdev/device/window.h"
#include "mdev/transport/transport.h"
#include "virtio/queue.h"

/* Longest request that is taken, bytes. */
#define GPU_REQUEST_MAX (1u << 20)

#define GPU_QUEUE_CONTROL 0
#define GPU_QUEUE_CURSOR 1
#define GPU_QUEUES 2

#define GPU_NO_VECTOR 0xffff

/* What a driver set up: from DRIVER_OK to the next reset. */
struct gpu_session {
	struct tranche_transport *view; /* of its guest; the GPU's, with this */
	struct virtq *queues[GPU_QUEUES];
	uint16_t vectors[GPU_QUEUES]; /* or GPU_NO_VECTOR */
};

struct gpu {
	struct renderer *renderer;
	struct counters counters;
	struct watch watch;
	_Atomic uint32_t given_up; /* a context whose call was too late, or 0 */
	struct memory memory;
	int wake; /* eventfd: a fence is done */

	struct contexts contexts;
	struct rings rings;
	struct resources resources;
	struct window window;
	struct fences fences;

	uint32_t capset_version;
	uint32_t capset_size;
	uint8_t capset[RENDERER_CAPSET_SIZE_MAX];

	struct gpu_session session;
	bool running;
	bool broken;
	uint8_t *request; /* GPU_REQUEST_MAX bytes, 8-byte aligned */
	struct virtq_chain chain;
};

/**
 * gpu_init - a device in idle
 * @gpu: what to fill
 * @window_size: bytes, as layout_init() takes
 * @renderer: executes; outlives it, and calls gpu_fence_done() from now on
 * @wake: an eventfd to signal when a fence is done; stays the caller's
 *
 * Return: 0 or negative errno; -ENOTSUP when the renderer knows no venus.
 */
int gpu_init(struct gpu *gpu, uint64_t window_size, struct renderer *renderer,
	     int wake);
void gpu_deinit(struct gpu *gpu);

/**
 * gpu_start - a driver is ready
 * @gpu: the device, idle
 * @session: what it set up; copied
 *
 * Return: 0, or a negative errno: the device is broken then.
 */
int gpu_start(struct gpu *gpu, const struct gpu_session *session);

/* Which queues were notified, combined. */
#define GPU_RUNG(queue) (1u << (queue))

/**
 * gpu_run - give back what fences finished, then take requests
 * @gpu: the device, in any state
 * @rung: GPU_RUNG() of the queues that were notified since the last call
 * @budget: at most so many requests of each
 *
 * Return: 1 when there may be more to do, 0 when not: the driver will ring,
 * -EPIPE when it broke a rule.
 */
int gpu_run(struct gpu *gpu, unsigned int rung, unsigned int budget);

/**
 * gpu_nudge - notify the rings of the guest's contexts (rings.h)
 * @gpu: the device, in any state
 *
 * To be called every RINGS_NUDGE_MS while gpu_has_rings().
 */
void gpu_nudge(struct gpu *gpu);

static inline bool gpu_has_rings(const struct gpu *gpu)
{
	return gpu->rings.count;
}

/**
 * gpu_look - see to a request that the renderer is late with
 * @gpu: the device, whose watch's timer is readable
 *
 * Bounds what one context's worker can do to others. Any thread, one at a time.
 */
void gpu_look(struct gpu *gpu);

/**
 * gpu_reset - forget the driver and destroy everything of its guest
 * @gpu: the device, in any state; idle afterwards
 */
void gpu_reset(struct gpu *gpu);

#endif
