/* SPDX-License-Identifier: MIT */
/*
 * The rings of a guest's contexts (venus.h).
 *
 * A guest says in shared memory that there are commands, and reads there
 * whether the ring's thread sleeps and must be notified. Drivers do the one and
 * the other without a barrier between them, so that they may read too early and
 * not notify: the thread sleeps, the guest waits. So each ring is notified now
 * and then, which costs nothing where there is no command.
 *
 * Only rings that are known for sure: the renderer ends a context that notifies
 * one it does not have.
 *
 * Owner: the GPU (gpu.h). Locking: the queue thread's alone.
 */
#ifndef DEVICE_RINGS_H
#define DEVICE_RINGS_H

#include <stdint.h>

struct renderer;

/* More are not notified. A Vulkan instance has one or two for each thread. */
#define RINGS_MAX 256

/* How often rings are notified, milliseconds. */
#define RINGS_NUDGE_MS 1000

/* How long a ring's thread looks before it sleeps, at least: a request that
 * wakes it takes longer than many looks. */
#define RINGS_AWAKE_NS 10000000ull

struct rings {
	struct {
		uint32_t context;
		uint64_t ring;
	} known[RINGS_MAX];
	unsigned int count;
};

/**
 * rings_see - learn of rings from what a guest submits, before the renderer does
 * @rings: the table
 * @context: whose
 * @data: what it submits, a copy; the idle time of a new ring may be changed
 * @size: bytes, a multiple of 4, not 0
 *
 * After commands that may be anything nothing is known of a context's rings.
 */
void rings_see(struct rings *rings, uint32_t context, void *data,
	       uint32_t size);

/**
 * rings_forget - a context is gone or lost
 * @rings: the table
 * @context: any value
 */
void rings_forget(struct rings *rings, uint32_t context);

/**
 * rings_nudge - notify one ring
 * @rings: the table
 * @i: which one, less than @rings->count
 * @renderer: has the ring
 */
void rings_nudge(const struct rings *rings, unsigned int i,
		 struct renderer *renderer);

#endif
