/* SPDX-License-Identifier: MIT */
/*
 * Devices and their queues under the gate.
 *
 * States: a device is found by its handle from gate_CreateDevice() until
 * gate_DestroyDevice(), a queue from the first time the application asks for it
 * until its device goes. With the first device of the process the gate's
 * threads start, with the last one they end.
 *
 * Ownership: a device owns its queues, and the video memory charged for it.
 * Locking: `lock` guards the list of queues; maps have locks of their own; the
 * rest is constant.
 */
#ifndef TRANCHE_GATE_DEVICE_H
#define TRANCHE_GATE_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/instance.h"
#include "scheduler/gate/next.h"
#include "scheduler/gate/queue.h"
#include "scheduler/gate/semaphore.h"

struct device {
	struct dispatch_node node;
	VkDevice handle;
	const struct physical *physical;
	PFN_vkGetDeviceProcAddr get_proc;
	PFN_vkSetDeviceLoaderData adopt; /* or NULL */
	struct next_device next;
	bool group; /* of several physical devices */
	bool timeline; /* may use timeline semaphores */
	struct semaphore_map semaphores;
	struct dispatch_map memory; /* memory.h */
	pthread_mutex_t lock;
	struct queue *queues; /* (lock) */
};

struct device *device_find(VkDevice handle);
struct queue *queue_find(VkQueue handle);

/**
 * device_create() - vkCreateDevice
 * @create:	of the next layer or the driver
 * @get:	likewise
 * @adopt:	the loader's, for command buffers that the gate makes; NULL for the
 *		driver's own functions
 * @physical:	of what
 * @info:	the request
 * @allocator:	for the driver
 * @handle:	the result
 *
 * Return: VK_SUCCESS, VK_ERROR_INITIALIZATION_FAILED without an arbiter, or
 * the driver's error.
 */
VkResult device_create(PFN_vkCreateDevice create, PFN_vkGetDeviceProcAddr get,
		       PFN_vkSetDeviceLoaderData adopt,
		       const struct physical *physical,
		       const VkDeviceCreateInfo *info,
		       const VkAllocationCallbacks *allocator,
		       VkDevice *handle);

/* device_forked() - In the child of a fork(): there are no devices */
void device_forked(void);

/* The calls of the application. */
VKAPI_ATTR void VKAPI_CALL
gate_DestroyDevice(VkDevice handle, const VkAllocationCallbacks *allocator);
VKAPI_ATTR void VKAPI_CALL gate_GetDeviceQueue(VkDevice handle, uint32_t family,
					       uint32_t index, VkQueue *queue);
VKAPI_ATTR void VKAPI_CALL gate_GetDeviceQueue2(VkDevice handle,
						const VkDeviceQueueInfo2 *info,
						VkQueue *queue);
VKAPI_ATTR VkResult VKAPI_CALL gate_CreateSemaphore(
	VkDevice handle, const VkSemaphoreCreateInfo *info,
	const VkAllocationCallbacks *allocator, VkSemaphore *semaphore);
VKAPI_ATTR void VKAPI_CALL
gate_DestroySemaphore(VkDevice handle, VkSemaphore semaphore,
		      const VkAllocationCallbacks *allocator);
VKAPI_ATTR VkResult VKAPI_CALL
gate_SignalSemaphore(VkDevice handle, const VkSemaphoreSignalInfo *info);

#endif
