/* SPDX-License-Identifier: MIT */
/*
 * Guest memory of one generation, as virtqueues want it, over a transport.
 *
 * Stateless but for the generation, which its owner sets before each use of the
 * device by a driver. Locking: calls from any thread; memory_begin() only while
 * nobody else uses it.
 */
#ifndef DEVICE_MEMORY_H
#define DEVICE_MEMORY_H

#include "mdev/device/transport.h"
#include "virtio/guest_memory.h"

struct memory {
	struct guest_memory guest;
	struct transport *transport;
	uint32_t gen;
};

/**
 * memory_init - guest memory over a transport
 * @memory: what to fill
 * @transport: outlives it
 */
void memory_init(struct memory *memory, struct transport *transport);

/**
 * memory_begin - from here on reach the guest of this generation
 * @memory: the memory
 * @gen: generation
 */
void memory_begin(struct memory *memory, uint32_t gen);

#endif
