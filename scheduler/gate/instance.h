/* SPDX-License-Identifier: MIT */
/*
 * Instances and physical devices under the gate.
 *
 * An instance comes into being only with a connection to the arbiter, and only
 * physical devices that the process may see are listed. Both are found by
 * their handles, which are the driver's: the loader writes to the first word of
 * a dispatchable object as it likes.
 *
 * Ownership: an instance owns its physical devices and one reference of the
 * connection. Locking: `lock` guards the list of physical devices, which only
 * grows; the rest is constant, but for the atomic verdict on a family's stamps.
 */
#ifndef TRANCHE_GATE_INSTANCE_H
#define TRANCHE_GATE_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/next.h"
#include "scheduler/gate/stamp.h"

struct instance {
	struct dispatch_node node;
	VkInstance handle;
	PFN_vkGetInstanceProcAddr get_proc;
	struct next_instance next;
	uint32_t api_version; /* that the application asked for */
	pthread_mutex_t lock;
	struct physical *physicals;
};

struct queue_family {
	VkQueueFlags flags;
	struct stamp_clock clock;
	atomic_int stamps; /* enum stamp_verdict: of all its queues */
};

struct physical {
	struct dispatch_node node;
	struct physical *next;
	struct instance *instance;
	VkPhysicalDevice handle;
	bool visible;
	bool timeline; /* has timeline semaphores */
	bool timeline_core; /* without an extension */
	/* Whether it bears a wait for a binary semaphore whose signal is behind
	 * a timeline that is not signalled yet. */
	bool holds_binary;
	/* Whether it must not be asked for the value of a timeline while it is
	 * given work that signals it. */
	bool marks_alone;
	/* Whether what it was told may lie unread until it is told more. */
	bool needs_nudges;
	VkPhysicalDeviceMemoryProperties memory; /* the driver's */
	struct queue_family *families; /* owned */
	uint32_t family_count;
};

struct instance *instance_find(VkInstance handle);
struct physical *physical_find(VkPhysicalDevice handle);

/**
 * instance_create() - vkCreateInstance
 * @get:	of the next layer or the driver
 * @info:	the request
 * @allocator:	for the driver
 * @handle:	the result
 *
 * Return: VK_SUCCESS; VK_ERROR_INITIALIZATION_FAILED without the arbiter's
 * consent; or the driver's error.
 */
VkResult instance_create(PFN_vkGetInstanceProcAddr get,
			 const VkInstanceCreateInfo *info,
			 const VkAllocationCallbacks *allocator,
			 VkInstance *handle);

/* The calls of the application. */
VKAPI_ATTR void VKAPI_CALL
gate_DestroyInstance(VkInstance handle, const VkAllocationCallbacks *allocator);
VKAPI_ATTR VkResult VKAPI_CALL gate_EnumeratePhysicalDevices(
	VkInstance handle, uint32_t *count, VkPhysicalDevice *devices);
VKAPI_ATTR VkResult VKAPI_CALL
gate_EnumeratePhysicalDeviceGroups(VkInstance handle, uint32_t *count,
				   VkPhysicalDeviceGroupProperties *groups);

#endif
