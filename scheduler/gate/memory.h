/* SPDX-License-Identifier: MIT */
/*
 * The quota of video memory: what is allocated is charged to the account of
 * this process, and heaps are shown as large as the quota.
 *
 * Charged are allocations in device-local heaps (on a GPU without memory of its
 * own that is the one heap there is) but not what is imported by a descriptor:
 * whoever allocated it pays. Imported host memory is paid for where it counts
 * as device-local.
 *
 * States of an allocation: charged from before the driver is asked until it is
 * freed or its device goes. Ownership: a device has a record of each. Locking:
 * the device's map has a lock.
 */
#ifndef TRANCHE_GATE_MEMORY_H
#define TRANCHE_GATE_MEMORY_H

#include <vulkan/vulkan.h>

struct device;

/* memory_forget() - The device is gone, and what it had with it */
void memory_forget(struct device *device);

/* The calls of the application. */
VKAPI_ATTR VkResult VKAPI_CALL gate_AllocateMemory(
	VkDevice handle, const VkMemoryAllocateInfo *info,
	const VkAllocationCallbacks *allocator, VkDeviceMemory *memory);
VKAPI_ATTR void VKAPI_CALL
gate_FreeMemory(VkDevice handle, VkDeviceMemory memory,
		const VkAllocationCallbacks *allocator);
VKAPI_ATTR void VKAPI_CALL gate_GetPhysicalDeviceMemoryProperties(
	VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties *memory);
VKAPI_ATTR void VKAPI_CALL gate_GetPhysicalDeviceMemoryProperties2(
	VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties2 *memory);

#endif
