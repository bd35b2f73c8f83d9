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

static bool type_exports(VkDevice device, uint32_t type)
{
	VkDeviceMemory memory = memory_allocate(device, type);
	bool works = memory && memory_export(device, memory);

	vkFreeMemory(device, memory, NULL);
	return works;
}

/* Other types need features that nobody has enabled here. */
static bool is_plain(VkMemoryPropertyFlags flags)
{
	const VkMemoryPropertyFlags plain =
		VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT |
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
		VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
		VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

	return (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) &&
	       !(flags & ~plain);
}

static bool types_export(VkPhysicalDevice physical, VkDevice device)
{
	VkPhysicalDeviceMemoryProperties memory;
	bool works = true;

	vkGetPhysicalDeviceMemoryProperties(physical, &memory);
	for (uint32_t i = 0; i < memory.memoryTypeCount && works; i++)
		if (is_plain(memory.memoryTypes[i].propertyFlags))
			works = type_exports(device, i);
	return works;
}

bool export_works(VkPhysicalDevice physical)
{
	VkDevice device;
	bool works;

	if (!export_promised(physical))
		return false;
	device = device_open(physical);
	if (!device)
		return false;
	works = types_export(physical, device);
	vkDestroyDevice(device, NULL);
	return works;
}
