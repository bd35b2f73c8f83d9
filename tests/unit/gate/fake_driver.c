/* SPDX-License-Identifier: MIT */
#include "tests/unit/gate/fake_driver.h"

#include <string.h>

#include "scheduler/gate/chain.h"

static const char *const lavapipe_extensions[] = {
	VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
	VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME, NULL};

void fake_driver_init(struct fake_driver *fake)
{
	*fake = (struct fake_driver){
		.extensions = lavapipe_extensions,
		.dma_buf = VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
		.host = VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
		.alignment = 4096,
		.host_types = 1,
	};
}

bool fake_driver_asked_for(const struct fake_driver *fake, VkStructureType type)
{
	for (size_t i = 0; i < 8; i++) {
		if (fake->asked_chain[i] == type)
			return true;
	}
	return false;
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_extensions(VkPhysicalDevice handle, const char *layer,
		     uint32_t *count, VkExtensionProperties *properties)
{
	const struct fake_driver *fake = (const void *)handle;
	uint32_t total = 0;

	(void)layer;
	for (; fake->extensions[total]; total++) {
		if (!properties)
			continue;
		if (total == *count)
			return VK_INCOMPLETE;
		properties[total] = (VkExtensionProperties){};
		strcpy(properties[total].extensionName,
		       fake->extensions[total]);
	}
	*count = total;
	return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
get_properties(VkPhysicalDevice handle, VkPhysicalDeviceProperties2 *properties)
{
	const struct fake_driver *fake = (const void *)handle;
	VkPhysicalDeviceExternalMemoryHostPropertiesEXT *host =
		properties->pNext;

	host->minImportedHostPointerAlignment = fake->alignment;
}

static VKAPI_ATTR void VKAPI_CALL get_memory_properties(
	VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties *memory)
{
	(void)handle;
	*memory = (VkPhysicalDeviceMemoryProperties){
		.memoryTypeCount = 2,
		.memoryTypes = {{VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT, 0},
				{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0}},
		.memoryHeapCount = 1,
		.memoryHeaps = {{.size = UINT64_C(1) << 30}},
	};
}

static VkExternalMemoryProperties
properties_of(const struct fake_driver *fake,
	      VkExternalMemoryHandleTypeFlagBits type)
{
	VkExternalMemoryProperties properties = {.compatibleHandleTypes = type};

	if (type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)
		properties.externalMemoryFeatures = fake->dma_buf;
	if (type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT)
		properties.externalMemoryFeatures = fake->host;
	return properties;
}

static VKAPI_ATTR void VKAPI_CALL get_buffer_properties(
	VkPhysicalDevice handle, const VkPhysicalDeviceExternalBufferInfo *info,
	VkExternalBufferProperties *properties)
{
	properties->externalMemoryProperties =
		properties_of((const void *)handle, info->handleType);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_image_properties(
	VkPhysicalDevice handle, const VkPhysicalDeviceImageFormatInfo2 *info,
	VkImageFormatProperties2 *properties)
{
	const VkPhysicalDeviceExternalImageFormatInfo *external = chain_find(
		info->pNext,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
	VkExternalImageFormatProperties *answer = properties->pNext;

	if (external && answer)
		answer->externalMemoryProperties = properties_of(
			(const void *)handle, external->handleType);
	return VK_SUCCESS;
}

const struct exportable_physical_ops fake_physical_ops = {
	.enumerate_extensions = enumerate_extensions,
	.get_properties = get_properties,
	.get_memory_properties = get_memory_properties,
	.get_buffer_properties = get_buffer_properties,
	.get_image_properties = get_image_properties,
};

static void note_chain(struct fake_driver *fake, const void *head)
{
	const VkBaseInStructure *node = head;

	memset(fake->asked_chain, 0, sizeof(fake->asked_chain));
	for (size_t i = 0; node && i < 8; i++, node = node->pNext)
		fake->asked_chain[i] = node->sType;
}

static void note_allocation(struct fake_driver *fake,
			    const VkMemoryAllocateInfo *info)
{
	const VkImportMemoryHostPointerInfoEXT *host = chain_find(
		info->pNext,
		VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);

	fake->asked = info;
	fake->asked_size = info->allocationSize;
	fake->asked_pointer = host ? host->pHostPointer : NULL;
	note_chain(fake, info->pNext);
}

static VKAPI_ATTR VkResult VKAPI_CALL
allocate(VkDevice handle, const VkMemoryAllocateInfo *info,
	 const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
	struct fake_driver *fake = (void *)handle;

	(void)allocator;
	if (!fake->threaded)
		note_allocation(fake, info);
	if (fake->allocate_result != VK_SUCCESS)
		return fake->allocate_result;
	atomic_fetch_add(&fake->live, 1);
	*memory =
		(VkDeviceMemory)(uintptr_t)(1 + atomic_fetch_add(
							&fake->allocations, 1));
	return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
free_memory(VkDevice handle, VkDeviceMemory memory,
	    const VkAllocationCallbacks *allocator)
{
	struct fake_driver *fake = (void *)handle;

	(void)allocator;
	if (memory)
		atomic_fetch_sub(&fake->live, 1);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fd(VkDevice handle,
					     const VkMemoryGetFdInfoKHR *info,
					     int *fdp)
{
	(void)handle;
	(void)info;
	*fdp = -2;
	return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_host_properties(
	VkDevice handle, VkExternalMemoryHandleTypeFlagBits type,
	const void *pointer, VkMemoryHostPointerPropertiesEXT *properties)
{
	const struct fake_driver *fake = (const void *)handle;

	(void)type;
	(void)pointer;
	properties->memoryTypeBits = fake->host_types;
	return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_buffer(VkDevice handle, const VkBufferCreateInfo *info,
	      const VkAllocationCallbacks *allocator, VkBuffer *buffer)
{
	struct fake_driver *fake = (void *)handle;
	const VkExternalMemoryBufferCreateInfo *external = chain_find(
		info->pNext,
		VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);

	(void)allocator;
	(void)buffer;
	fake->asked_types = external ? external->handleTypes : 0;
	note_chain(fake, info->pNext);
	return VK_SUCCESS;
}

const struct exportable_device_ops fake_device_ops = {
	.allocate = allocate,
	.free = free_memory,
	.get_fd = get_fd,
	.get_host_properties = get_host_properties,
	.create_buffer = create_buffer,
};
