/* SPDX-License-Identifier: MIT */
/*
 * What the gate has to know of a physical device before it lets anybody use it.
 * A struct physical is constant once made, but for what is atomic. Locking: none
 * needed.
 */
#ifndef TRANCHE_GATE_PHYSICAL_H
#define TRANCHE_GATE_PHYSICAL_H

#include "scheduler/gate/instance.h"

/* The GPU to be seen, as 0000:01:00.0; others are hidden if it is set. */
#define PHYSICAL_PCI_ENVIRONMENT "TRANCHE_GATE_PCI"
/* If set and not empty, no driver is trusted to hold binary semaphores. */
#define PHYSICAL_STRICT_ENVIRONMENT "TRANCHE_GATE_STRICT"
/* Whether jobs are stamped: on, off, or auto: where it is cheap. */
#define PHYSICAL_STAMPS_ENVIRONMENT "TRANCHE_GATE_STAMPS"

/**
 * physical_new() - Find out what a physical device is
 * @instance:	whose
 * @handle:	the driver's
 *
 * Return: NULL without memory.
 */
struct physical *physical_new(struct instance *instance,
			      VkPhysicalDevice handle);
void physical_free(struct physical *physical);

#endif
