/* SPDX-License-Identifier: MIT */
/*
 * VK_LAYER_TRANCHE_gate: the gate as a layer, for programs that choose it. Every
 * way to force a layer fails open, so what has to be gated uses the gate as its
 * driver instead (icd.h); then the layer steps aside.
 *
 * State and locking: none of its own.
 */
#include <string.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

#include "scheduler/gate/device.h"
#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/entry.h"
#include "scheduler/gate/icd.h"
#include "scheduler/gate/instance.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define LAYER_NAME "VK_LAYER_TRANCHE_gate"

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance(const VkInstanceCreateInfo *info,
		const VkAllocationCallbacks *allocator, VkInstance *handle)
{
	VkLayerInstanceCreateInfo *link = dispatch_instance_link(info);
	PFN_vkGetInstanceProcAddr get;

	if (!link)
		return VK_ERROR_INITIALIZATION_FAILED;
	get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	return instance_create(get, info, allocator, handle);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device(VkPhysicalDevice handle, const VkDeviceCreateInfo *info,
	      const VkAllocationCallbacks *allocator, VkDevice *device)
{
	const struct physical *physical = physical_find(handle);
	VkLayerDeviceCreateInfo *link = dispatch_device_link(info);
	PFN_vkGetDeviceProcAddr get;
	PFN_vkCreateDevice create;

	if (!link || !physical || !physical->visible)
		return VK_ERROR_INITIALIZATION_FAILED;
	get = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
	create = (PFN_vkCreateDevice)
			 link->u.pLayerInfo->pfnNextGetInstanceProcAddr(
				 physical->instance->handle, "vkCreateDevice");
	if (!create)
		return VK_ERROR_INITIALIZATION_FAILED;
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	return device_create(create, get, dispatch_device_adopt(info), physical,
			     info, allocator, device);
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_device_extensions(VkPhysicalDevice handle, const char *layer,
			    uint32_t *count, VkExtensionProperties *properties)
{
	const struct physical *physical = physical_find(handle);

	if (layer && !strcmp(layer, LAYER_NAME)) {
		*count = 0;
		return VK_SUCCESS;
	}
	if (!physical)
		return VK_ERROR_INITIALIZATION_FAILED;
	return physical->instance->next.enumerate_extensions(handle, layer,
							     count, properties);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc(VkInstance handle, const char *name);

static const struct entry entries[] = {
	ENTRY("vkGetInstanceProcAddr", get_instance_proc),
	ENTRY("vkCreateInstance", create_instance),
	ENTRY("vkCreateDevice", create_device),
	ENTRY("vkEnumerateDeviceExtensionProperties",
	      enumerate_device_extensions),
};

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc(VkInstance handle, const char *name)
{
	PFN_vkVoidFunction own = entry_find(entries, ARRAY_SIZE(entries), name);
	struct instance *instance;
	PFN_vkVoidFunction next;

	if (own || !handle)
		return own ? own : entry_instance(name);
	instance = instance_find(handle);
	next = instance ? instance->get_proc(handle, name) : NULL;
	own = next ? entry_instance(name) : NULL;
	return own ? own : next;
}

ENTRY_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface);

/**
 * vkNegotiateLoaderLayerInterfaceVersion() - Where the loader comes in
 * @interface:	the loader's version in, ours and our entry points out
 *
 * Return: VK_SUCCESS; VK_ERROR_INITIALIZATION_FAILED for a loader older than
 * version 2 of the interface, and in a process that the gate is the driver of.
 */
ENTRY_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface)
{
	if (interface->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT ||
	    interface->loaderLayerInterfaceVersion < 2 || icd_is_used())
		return VK_ERROR_INITIALIZATION_FAILED;
	interface->loaderLayerInterfaceVersion = 2;
	interface->pfnGetInstanceProcAddr = get_instance_proc;
	interface->pfnGetDeviceProcAddr = gate_GetDeviceProcAddr;
	interface->pfnGetPhysicalDeviceProcAddr = NULL;
	return VK_SUCCESS;
}
