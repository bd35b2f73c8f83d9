/* SPDX-License-Identifier: MIT */
/*
 * What is known of an application's semaphores: whether a submission that waits
 * for one can end without anything that the gate still holds.
 *
 * A semaphore is *promised* when its signal is done or will be done by work
 * that the gate let pass. Only submissions all of whose waits are promised are
 * let pass, so what is in flight always ends by itself: the depth of a lane
 * can't be used up by work that waits for held work, or for a signal that the
 * application gives later.
 *
 * A timeline has a highest promised value, which only grows. A binary semaphore
 * is treated as a timeline of its signals: each wait belongs to the signal that
 * was submitted last before it. Signals from elsewhere are not seen, and count
 * as promised.
 *
 * Ownership: a record lives from vkCreateSemaphore to vkDestroySemaphore, in
 * a map of its device. Locking: the map has a lock; the members are atomic.
 */
#ifndef TRANCHE_GATE_SEMAPHORE_H
#define TRANCHE_GATE_SEMAPHORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "scheduler/gate/batch.h"
#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/next.h"

struct semaphore {
	struct dispatch_node node;
	bool timeline;
	atomic_uint_fast64_t submitted; /* signals of a binary one */
	atomic_uint_fast64_t promised; /* of them, or a timeline's value */
};

struct semaphore_map {
	const struct next_device *next;
	VkDevice device;
	struct dispatch_map map;
};

void semaphore_map_init(struct semaphore_map *map,
			const struct next_device *next, VkDevice device);
void semaphore_map_deinit(struct semaphore_map *map);

/* semaphore_create() - vkCreateSemaphore */
VkResult semaphore_create(struct semaphore_map *map,
			  const VkSemaphoreCreateInfo *info,
			  const VkAllocationCallbacks *allocator,
			  VkSemaphore *handle);

/* semaphore_destroy() - vkDestroySemaphore */
void semaphore_destroy(struct semaphore_map *map, VkSemaphore handle,
		       const VkAllocationCallbacks *allocator);

/**
 * semaphore_resolve() - Say what a wait waits for
 * @map:	of the device
 * @wait:	about to be submitted; its value is filled in if it is binary
 */
void semaphore_resolve(struct semaphore_map *map, struct batch_semaphore *wait);

/**
 * semaphore_promised() - Whether a wait ends by itself
 * @map:	of the device
 * @wait:	the wait, resolved
 *
 * A timeline that is not promised far enough is asked for its value: it may be
 * signalled from outside of this device.
 */
bool semaphore_promised(struct semaphore_map *map, struct batch_semaphore wait);

/* semaphore_hold() - A signal was submitted, but is held */
void semaphore_hold(struct semaphore_map *map, struct batch_semaphore signal);

/* semaphore_enter() - A signal of semaphore_hold() will happen now */
void semaphore_enter(struct semaphore_map *map, struct batch_semaphore signal);

/* semaphore_promise() - A signal will happen that was not held */
void semaphore_promise(struct semaphore_map *map,
		       struct batch_semaphore signal);

/* semaphore_is_timeline() - false for binary and unknown semaphores */
bool semaphore_is_timeline(struct semaphore_map *map, VkSemaphore handle);

#endif
