/* SPDX-License-Identifier: MIT */
/*
 * What to ask of the driver at vkCreateDevice: what the application asks for,
 * and timeline semaphores, which the gate needs.
 *
 * Ownership: what is made here refers to the application's structures and does
 * not outlive its call. Locking: none.
 */
#ifndef TRANCHE_GATE_DEVICE_INFO_H
#define TRANCHE_GATE_DEVICE_INFO_H

#include "scheduler/gate/chain.h"
#include "scheduler/gate/instance.h"

struct device_info {
	VkDeviceCreateInfo info;
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline;
	struct chain chain;
	const char **names; /* owned */
};

/**
 * device_info_init() - Make the request
 * @request:	to be initialised; device_info_deinit() it in any case
 * @physical:	has timeline semaphores
 * @info:	the application's
 *
 * Return: 0 or -ENOMEM.
 */
int device_info_init(struct device_info *request,
		     const struct physical *physical,
		     const VkDeviceCreateInfo *info);
void device_info_deinit(struct device_info *request);

#define _cleanup_device_request_ __attribute__((cleanup(device_info_deinit)))

#endif
