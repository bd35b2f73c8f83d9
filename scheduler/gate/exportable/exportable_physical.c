/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/exportable/exportable_physical.h"

#include <stdlib.h>
#include <string.h>

#include "scheduler/gate/chain.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Listed where the driver does not; bit i of `missing` is entry i. */
static const VkExtensionProperties extensions[] = {
	{VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME,
	 VK_KHR_EXTERNAL_MEMORY_SPEC_VERSION},
	{VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
	 VK_KHR_EXTERNAL_MEMORY_FD_SPEC_VERSION},
	{VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	 VK_EXT_EXTERNAL_MEMORY_DMA_BUF_SPEC_VERSION},
	{VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME,
	 VK_EXT_QUEUE_FAMILY_FOREIGN_SPEC_VERSION},
	{VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME,
	 VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_SPEC_VERSION},
};

#define EXTENSION_MEMORY (1u << 0)
#define EXTENSION_DMA_BUF (1u << 2)
#define EXTENSION_MODIFIER (1u << 4)

/* What may stand beside the external-memory structure in an image query. */
static const struct chain_kind image_query_kinds[] = {
	{VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO,
	 sizeof(VkImageFormatListCreateInfo)},
	{VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO,
	 sizeof(VkImageStencilUsageCreateInfo)},
	{VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT,
	 sizeof(VkImageCompressionControlEXT)},
	{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_VIEW_IMAGE_FORMAT_INFO_EXT,
	 sizeof(VkPhysicalDeviceImageViewImageFormatInfoEXT)},
};

static void free_ptr(void *ptrp)
{
	free(*(void **)ptrp);
}

#define _cleanup_free_ __attribute__((cleanup(free_ptr)))

/* ------------------------------------------------------------------------
 * Finding out
 * ------------------------------------------------------------------------ */

/* The driver's whole list. Return: VK_SUCCESS, with *@listp to be freed. */
static VkResult driver_extensions(const struct exportable_physical *physical,
				  VkExtensionProperties **listp,
				  uint32_t *countp)
{
	_cleanup_free_ VkExtensionProperties *list = NULL;
	uint32_t count = 0;
	VkResult result;

	result = physical->ops->enumerate_extensions(physical->handle, NULL,
						     &count, NULL);
	if (result != VK_SUCCESS)
		return result;
	list = calloc(count + 1u, sizeof(*list));
	if (!list)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = physical->ops->enumerate_extensions(physical->handle, NULL,
						     &count, list);
	if (result != VK_SUCCESS)
		return result;
	*countp = count;
	*listp = list;
	list = NULL;
	return VK_SUCCESS;
}

static bool list_has(const VkExtensionProperties *list, uint32_t count,
		     const char *name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(list[i].extensionName, name))
			return true;
	}
	return false;
}

static uint32_t list_missing(const VkExtensionProperties *list, uint32_t count)
{
	uint32_t missing = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (!list_has(list, count, extensions[i].extensionName))
			missing |= 1u << i;
	}
	return missing;
}

static VkExternalMemoryFeatureFlags
buffer_features(const struct exportable_physical *physical,
		VkExternalMemoryHandleTypeFlagBits type)
{
	VkPhysicalDeviceExternalBufferInfo info = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
		.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
			 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
		.handleType = type,
	};
	VkExternalBufferProperties properties = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES,
	};

	physical->ops->get_buffer_properties(physical->handle, &info,
					     &properties);
	return properties.externalMemoryProperties.externalMemoryFeatures;
}

/* Can it export dma-bufs without help? Then there is nothing to do. */
static bool driver_exports(const struct exportable_physical *physical)
{
	if (physical->missing & EXTENSION_DMA_BUF)
		return false;
	return buffer_features(physical,
			       VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT) &
	       VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT;
}

static bool driver_imports_host(const struct exportable_physical *physical,
				const VkExtensionProperties *list,
				uint32_t count)
{
	if (!list_has(list, count, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
		return false;
	return buffer_features(
		       physical,
		       VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT) &
	       VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
}

static VkDeviceSize host_alignment(const struct exportable_physical *physical)
{
	VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &host,
	};

	physical->ops->get_properties(physical->handle, &properties);
	return host.minImportedHostPointerAlignment;
}

void exportable_physical_init(struct exportable_physical *physical,
			      const struct exportable_physical_ops *ops,
			      VkPhysicalDevice handle)
{
	_cleanup_free_ VkExtensionProperties *list = NULL;
	uint32_t count;

	*physical = (struct exportable_physical){
		.ops = ops,
		.handle = handle,
	};
	if (driver_extensions(physical, &list, &count) != VK_SUCCESS)
		return;
	physical->missing = list_missing(list, count);
	if (driver_exports(physical) ||
	    !driver_imports_host(physical, list, count))
		return;
	physical->ops->get_memory_properties(handle, &physical->memory);
	physical->alignment = host_alignment(physical);
	/* The specification asks for a power of two; do not rely on it. */
	physical->needed = physical->alignment &&
			   !(physical->alignment & (physical->alignment - 1));
}

/* ------------------------------------------------------------------------
 * Answering
 * ------------------------------------------------------------------------ */

/* Adds what is missing to the driver's @list, which has room for it. */
static uint32_t list_complete(VkExtensionProperties *list, uint32_t count,
			      uint32_t missing)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (missing & (1u << i))
			list[count++] = extensions[i];
	}
	return count;
}

VkResult
exportable_physical_enumerate(const struct exportable_physical *physical,
			      uint32_t *count,
			      VkExtensionProperties *properties)
{
	_cleanup_free_ VkExtensionProperties *list = NULL;
	VkExtensionProperties *longer;
	uint32_t total, copied;
	VkResult result;

	if (!physical->needed)
		return physical->ops->enumerate_extensions(
			physical->handle, NULL, count, properties);
	result = driver_extensions(physical, &list, &total);
	if (result != VK_SUCCESS)
		return result;
	longer =
		realloc(list, (total + ARRAY_SIZE(extensions)) * sizeof(*list));
	if (!longer)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	list = longer;
	total = list_complete(list, total, physical->missing);
	if (!properties) {
		*count = total;
		return VK_SUCCESS;
	}
	copied = *count < total ? *count : total;
	memcpy(properties, list, copied * sizeof(*list));
	*count = copied;
	return copied < total ? VK_INCOMPLETE : VK_SUCCESS;
}

/* From what is true of imported host memory to what is said of ours. */
static void properties_translate(VkExternalMemoryProperties *properties)
{
	if (!(properties->externalMemoryFeatures &
	      VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT)) {
		*properties = (VkExternalMemoryProperties){};
		return;
	}
	*properties = (VkExternalMemoryProperties){
		.externalMemoryFeatures =
			VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT |
			VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
		.exportFromImportedHandleTypes = EXPORTABLE_HANDLE_TYPES,
		.compatibleHandleTypes = EXPORTABLE_HANDLE_TYPES,
	};
}

void exportable_physical_buffer(const struct exportable_physical *physical,
				const VkPhysicalDeviceExternalBufferInfo *info,
				VkExternalBufferProperties *properties)
{
	VkPhysicalDeviceExternalBufferInfo query = *info;
	bool ours = physical->needed &&
		    (info->handleType & EXPORTABLE_HANDLE_TYPES);

	if (ours)
		query.handleType =
			VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
	physical->ops->get_buffer_properties(physical->handle, &query,
					     properties);
	if (ours)
		properties_translate(&properties->externalMemoryProperties);
}

/* The query for an image whose memory is one of our files. */
static VkResult image_query(const struct exportable_physical *physical,
			    const VkPhysicalDeviceImageFormatInfo2 *info,
			    VkImageFormatProperties2 *properties)
{
	VkPhysicalDeviceExternalImageFormatInfo external = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
		.handleType =
			VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
	};
	VkPhysicalDeviceImageFormatInfo2 query = *info;
	VkExternalImageFormatProperties *answer;
	_cleanup_chain_ struct chain chain = {};
	VkResult result;
	int skipped;

	skipped = chain_init_copy(&chain, info->pNext, image_query_kinds,
				  ARRAY_SIZE(image_query_kinds));
	if (skipped < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	/* One is the structure replaced; of another nothing can be said. */
	if (skipped > 1)
		return VK_ERROR_FORMAT_NOT_SUPPORTED;
	chain_push(&chain, &external);
	query.pNext = chain.head;
	result = physical->ops->get_image_properties(physical->handle, &query,
						     properties);
	answer = (void *)chain_find(
		properties->pNext,
		VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES);
	if (result != VK_SUCCESS || !answer)
		return result;
	properties_translate(&answer->externalMemoryProperties);
	if (!answer->externalMemoryProperties.externalMemoryFeatures)
		return VK_ERROR_FORMAT_NOT_SUPPORTED;
	return VK_SUCCESS;
}

/* Is @info about an image whose memory would be one of our files? */
static bool image_is_ours(const VkPhysicalDeviceImageFormatInfo2 *info)
{
	const VkPhysicalDeviceExternalImageFormatInfo *external = chain_find(
		info->pNext,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);

	return external && external->handleType & EXPORTABLE_HANDLE_TYPES;
}

VkResult exportable_physical_image(const struct exportable_physical *physical,
				   const VkPhysicalDeviceImageFormatInfo2 *info,
				   VkImageFormatProperties2 *properties)
{
	if (physical->needed &&
	    info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT &&
	    physical->missing & EXTENSION_MODIFIER)
		return VK_ERROR_FORMAT_NOT_SUPPORTED;
	if (physical->needed && image_is_ours(info))
		return image_query(physical, info, properties);
	return physical->ops->get_image_properties(physical->handle, info,
						   properties);
}

void exportable_physical_format(const struct exportable_physical *physical,
				VkFormatProperties2 *properties)
{
	VkDrmFormatModifierPropertiesListEXT *list;
	VkDrmFormatModifierPropertiesList2EXT *list2;

	if (!physical->needed || !(physical->missing & EXTENSION_MODIFIER))
		return;
	list = (void *)chain_find(
		properties->pNext,
		VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT);
	if (list)
		list->drmFormatModifierCount = 0;
	list2 = (void *)chain_find(
		properties->pNext,
		VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_2_EXT);
	if (list2)
		list2->drmFormatModifierCount = 0;
}

/* ------------------------------------------------------------------------
 * Device creation
 * ------------------------------------------------------------------------ */

static bool name_missing(const struct exportable_physical *physical,
			 const char *name)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(extensions); i++) {
		if (!strcmp(name, extensions[i].extensionName))
			return physical->missing & (1u << i);
	}
	return false;
}

/* Is @name asked for whether or not the application asks? */
static bool name_implied(const char *name)
{
	return !strcmp(name, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) ||
	       !strcmp(name, VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME);
}

/* Fills @names, with room for two more than in @info. Return: how many. */
static uint32_t names_choose(const struct exportable_physical *physical,
			     const VkDeviceCreateInfo *info, const char **names)
{
	uint32_t count = 0;

	names[count++] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
	/* What the former depends on; part of Vulkan itself since 1.1. */
	if (!(physical->missing & EXTENSION_MEMORY))
		names[count++] = VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME;
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
		const char *name = info->ppEnabledExtensionNames[i];

		if (!name_implied(name) && !name_missing(physical, name))
			names[count++] = name;
	}
	return count;
}

VkResult exportable_device_info_init(struct exportable_device_info *out,
				     const struct exportable_physical *physical,
				     const VkDeviceCreateInfo *info)
{
	*out = (struct exportable_device_info){.info = *info};
	if (!physical->needed)
		return VK_SUCCESS;
	out->names =
		calloc(info->enabledExtensionCount + 2u, sizeof(*out->names));
	if (!out->names)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	out->info.enabledExtensionCount =
		names_choose(physical, info, out->names);
	out->info.ppEnabledExtensionNames = out->names;
	return VK_SUCCESS;
}

void exportable_device_info_deinit(struct exportable_device_info *info)
{
	free(info->names);
	info->names = NULL;
}
