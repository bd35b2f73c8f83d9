/* SPDX-License-Identifier: MIT */
/*
 * A driver that is a table: says what it is told to say, and notes what it is
 * asked for. It stands below exportable_physical.h and exportable_memory.h
 * where a test needs what no real driver at hand does.
 *
 * A pointer to the struct is both the physical device's and the device's
 * handle. Allocated "memory" is a number, counted up from 1.
 *
 * Ownership: everything is the test's.
 *
 * Locking: `live` and `allocations` are atomic; the other notes are for tests
 * with one thread, and are not taken while `threaded`.
 */
#ifndef TRANCHE_TESTS_FAKE_DRIVER_H
#define TRANCHE_TESTS_FAKE_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "scheduler/gate/exportable/exportable_memory.h"

struct fake_driver {
	/* What it says */
	const char *const *extensions; /* NULL-terminated */
	VkExternalMemoryFeatureFlags dma_buf;
	VkExternalMemoryFeatureFlags host;
	VkDeviceSize alignment;
	uint32_t host_types;
	VkResult allocate_result;
	bool threaded; /* note nothing but the counters */
	/* What it was asked for */
	const VkMemoryAllocateInfo *asked; /* only to compare the pointer */
	VkDeviceSize asked_size;
	VkStructureType asked_chain[8];
	void *asked_pointer;
	VkExternalMemoryHandleTypeFlags asked_types; /* of a buffer or image */
	atomic_int live;
	atomic_int allocations;
};

extern const struct exportable_physical_ops fake_physical_ops;
extern const struct exportable_device_ops fake_device_ops;

/**
 * fake_driver_init() - As lavapipe is without udmabuf
 * @fake:	to be initialised
 *
 * Memory type 0 is host-visible in a heap of 1 GiB, type 1 is not.
 */
void fake_driver_init(struct fake_driver *fake);

/**
 * fake_driver_asked_for() - Was a structure in the last request's chain?
 * @fake:	the driver
 * @type:	of the structure
 */
bool fake_driver_asked_for(const struct fake_driver *fake,
			   VkStructureType type);

#endif
