// SPDX-License-Identifier: MIT
#include "mdev/gpu/export.h"

#include <unistd.h>

#define TRIAL_BYTES 65536

static bool export_promised(VkPhysicalDevice physical)
{
	const VkPhysicalDeviceExternalBufferInfo info = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
		.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
		.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
	};
	VkExternalBufferProperties properties = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES,
	};

	vkGetPhysicalDeviceExternalBufferProperties(physical, &info,
						    &properties);
	return properties.externalMemoryProperties.externalMemoryFeatures &
	       VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT;
}

static VkDevice device_open(VkPhysicalDevice physical)
{
	static const char *const extensions[] = {
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
		VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	};
	const float priority = 1;
	const VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	const VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.enabledExtensionCount = 2,
		.ppEnabledExtensionNames = extensions,
	};
	VkDevice device;

	if (vkCreateDevice(physical, &info, NULL, &device) != VK_SUCCESS)
		return VK_NULL_HANDLE;
	return device;
}

static int host_visible_type(VkPhysicalDevice physical)
{
	VkPhysicalDeviceMemoryProperties memory;

	vkGetPhysicalDeviceMemoryProperties(physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
		if (memory.memoryTypes[i].propertyFlags &
		    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
			return (int)i;
	return -1;
}

static VkDeviceMemory memory_allocate(VkDevice device, uint32_t type)
{
	const VkExportMemoryAllocateInfo export = {
		.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
		.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
	};
	const VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.pNext = &export,
		.allocationSize = TRIAL_BYTES,
		.memoryTypeIndex = type,
	};
	VkDeviceMemory memory;

	if (vkAllocateMemory(device, &info, NULL, &memory) != VK_SUCCESS)
		return VK_NULL_HANDLE;
	return memory;
}

static bool memory_export(VkDevice device, VkDeviceMemory memory)
{
	const VkMemoryGetFdInfoKHR info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
		.memory = memory,
		.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
	};
	PFN_vkGetMemoryFdKHR get_fd;
	int fd;

	get_fd = (PFN_vkGetMemoryFdKHR)vkGetDeviceProcAddr(device,
							   "vkGetMemoryFdKHR");
	if (!get_fd || get_fd(device, &info, &fd) != VK_SUCCESS)
		return false;
	close(fd);
	return true;
}

bool export_works(VkPhysicalDevice physical)
{
	int type = host_visible_type(physical);
	VkDeviceMemory memory;
	VkDevice device;
	bool works;

	if (type < 0 || !export_promised(physical))
		return false;
	device = device_open(physical);
	if (!device)
		return false;
	memory = memory_allocate(device, (uint32_t)type);
	works = memory && memory_export(device, memory);
	vkFreeMemory(device, memory, NULL);
	vkDestroyDevice(device, NULL);
	return works;
}
