/* SPDX-License-Identifier: MIT */
/*
 * Guest memory, as virtqueues want it, over a transport's view of one guest.
 *
 * Stateless but for the view, which its owner sets before each use of the device
 * by a driver. Locking: calls from any thread; memory_begin() only while nobody
 * else uses it.
 */
#ifndef DEVICE_MEMORY_H
#define DEVICE_MEMORY_H

#include "mdev/device/counters.h"
#include "mdev/transport/transport.h"
#include "virtio/guest_memory.h"

struct memory {
	struct guest_memory guest;
	struct tranche_transport *view; /* NULL: no guest, no memory */
	struct counters *counters;
};

/**
 * memory_init - no guest's memory yet
 * @memory: what to fill
 * @counters: counts calls; outlives it
 */
void memory_init(struct memory *memory, struct counters *counters);

/**
 * memory_begin - from here on reach this guest
 * @memory: the memory
 * @view: of the guest, or NULL; stays the caller's
 */
void memory_begin(struct memory *memory, struct tranche_transport *view);

#endif
