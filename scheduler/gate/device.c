/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/device.h"

#include <stdlib.h>

#include "scheduler/gate/chain.h"
#include "scheduler/gate/connection.h"
#include "scheduler/gate/device_info.h"
#include "scheduler/gate/hold.h"
#include "scheduler/gate/memory.h"
#include "scheduler/gate/slack.h"

static struct dispatch_map devices = DISPATCH_MAP_INITIALIZER;
static struct dispatch_map queues = DISPATCH_MAP_INITIALIZER;

struct device *device_find(VkDevice handle)
{
	struct dispatch_node *node = dispatch_map_find(&devices, handle);

	return node ? dispatch_entry(node, struct device, node) : NULL;
}

struct queue *queue_find(VkQueue handle)
{
	struct dispatch_node *node = dispatch_map_find(&queues, handle);

	return node ? dispatch_entry(node, struct queue, node) : NULL;
}

void device_forked(void)
{
	dispatch_map_init(&devices);
	dispatch_map_init(&queues);
}

/* ------------------------------------------------------------------------
 * Devices
 * ------------------------------------------------------------------------ */

static VkResult create_next(PFN_vkCreateDevice create,
			    const struct physical *physical,
			    const VkDeviceCreateInfo *info,
			    const VkAllocationCallbacks *allocator,
			    VkDevice *handle)
{
	_cleanup_device_request_ struct device_info request = {};

	if (!physical->timeline)
		return create(physical->handle, info, allocator, handle);
	if (device_info_init(&request, physical, info) < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	return create(physical->handle, &request.info, allocator, handle);
}

static void device_init(struct device *device, const struct physical *physical,
			PFN_vkGetDeviceProcAddr get, VkDevice handle)
{
	device->handle = handle;
	device->physical = physical;
	device->get_proc = get;
	next_device_load(&device->next, get, handle);
	device->timeline = physical->timeline && device->next.get_counter &&
			   device->next.wait_semaphores &&
			   device->next.signal_semaphore;
	semaphore_map_init(&device->semaphores, &device->next, handle);
	dispatch_map_init(&device->memory);
	pthread_mutex_init(&device->lock, NULL);
	dispatch_map_insert(&devices, handle, &device->node);
}

/* Return: false when nothing can be let pass. */
static bool threads_start(void)
{
	if (connection_watch() < 0)
		return false;
	if (hold_start() == 0)
		return true;
	connection_unwatch();
	return false;
}

static void threads_stop(void)
{
	hold_stop();
	connection_unwatch();
}

/* Whether it is more than one physical device. */
static bool is_group(const VkDeviceCreateInfo *info)
{
	const VkDeviceGroupDeviceCreateInfo *group = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_DEVICE_GROUP_DEVICE_CREATE_INFO);

	return group && group->physicalDeviceCount > 1;
}

VkResult device_create(PFN_vkCreateDevice create, PFN_vkGetDeviceProcAddr get,
		       PFN_vkSetDeviceLoaderData adopt,
		       const struct physical *physical,
		       const VkDeviceCreateInfo *info,
		       const VkAllocationCallbacks *allocator, VkDevice *handle)
{
	struct device *device = calloc(1, sizeof(*device));
	VkResult result;

	if (!device)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (!threads_start()) {
		free(device);
		return VK_ERROR_INITIALIZATION_FAILED;
	}
	slack_plain();
	result = create_next(create, physical, info, allocator, handle);
	if (result != VK_SUCCESS) {
		threads_stop();
		free(device);
		return result;
	}
	device->adopt = adopt;
	device->group = is_group(info);
	device_init(device, physical, get, *handle);
	return VK_SUCCESS;
}

static void queues_free(struct device *device)
{
	struct queue *queue;

	while ((queue = device->queues)) {
		device->queues = queue->next;
		dispatch_map_remove(&queues, queue->handle);
		hold_drop(queue);
		queue_free(queue);
	}
}

VKAPI_ATTR void VKAPI_CALL
gate_DestroyDevice(VkDevice handle, const VkAllocationCallbacks *allocator)
{
	struct dispatch_node *node;
	struct device *device;

	if (!handle)
		return;
	node = dispatch_map_remove(&devices, handle);
	if (!node)
		return;
	device = dispatch_entry(node, struct device, node);
	queues_free(device);
	device->next.destroy(handle, allocator);
	memory_forget(device);
	semaphore_map_deinit(&device->semaphores);
	pthread_mutex_destroy(&device->lock);
	free(device);
	threads_stop();
}

/* ------------------------------------------------------------------------
 * Queues
 * ------------------------------------------------------------------------ */

/*
 * A queue that can't be looked after stays unknown: submissions to it are
 * refused.
 */
static void queue_meet(struct device *device, VkQueue handle, uint32_t family)
{
	struct queue *queue;

	if (family >= device->physical->family_count)
		return;
	pthread_mutex_lock(&device->lock);
	if (!queue_find(handle) &&
	    queue_new(&queue, device, handle, family) == VK_SUCCESS) {
		queue->next = device->queues;
		device->queues = queue;
		dispatch_map_insert(&queues, handle, &queue->node);
	}
	pthread_mutex_unlock(&device->lock);
}

VKAPI_ATTR void VKAPI_CALL gate_GetDeviceQueue(VkDevice handle, uint32_t family,
					       uint32_t index, VkQueue *queue)
{
	struct device *device = device_find(handle);

	*queue = VK_NULL_HANDLE;
	if (!device)
		return;
	device->next.get_queue(handle, family, index, queue);
	if (*queue)
		queue_meet(device, *queue, family);
}

VKAPI_ATTR void VKAPI_CALL gate_GetDeviceQueue2(VkDevice handle,
						const VkDeviceQueueInfo2 *info,
						VkQueue *queue)
{
	struct device *device = device_find(handle);

	*queue = VK_NULL_HANDLE;
	if (!device)
		return;
	device->next.get_queue2(handle, info, queue);
	if (*queue)
		queue_meet(device, *queue, info->queueFamilyIndex);
}

/* ------------------------------------------------------------------------
 * Semaphores
 * ------------------------------------------------------------------------ */

VKAPI_ATTR VkResult VKAPI_CALL gate_CreateSemaphore(
	VkDevice handle, const VkSemaphoreCreateInfo *info,
	const VkAllocationCallbacks *allocator, VkSemaphore *semaphore)
{
	struct device *device = device_find(handle);

	if (!device)
		return VK_ERROR_DEVICE_LOST;
	return semaphore_create(&device->semaphores, info, allocator,
				semaphore);
}

VKAPI_ATTR void VKAPI_CALL
gate_DestroySemaphore(VkDevice handle, VkSemaphore semaphore,
		      const VkAllocationCallbacks *allocator)
{
	struct device *device = device_find(handle);

	if (device)
		semaphore_destroy(&device->semaphores, semaphore, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL
gate_SignalSemaphore(VkDevice handle, const VkSemaphoreSignalInfo *info)
{
	struct device *device = device_find(handle);
	struct batch_semaphore signal = {info->semaphore, info->value};
	VkResult result;

	if (!device)
		return VK_ERROR_DEVICE_LOST;
	result = device->next.signal_semaphore(handle, info);
	if (result != VK_SUCCESS)
		return result;
	semaphore_promise(&device->semaphores, signal);
	hold_pass();
	return VK_SUCCESS;
}
