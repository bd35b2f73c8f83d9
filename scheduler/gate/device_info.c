/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/device_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vk_layer.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define KIND(type, structure) {VK_STRUCTURE_TYPE_##type, sizeof(structure)}

/*
 * What a chain at vkCreateDevice usually has. It has to be copied to change
 * a feature that the application left off.
 */
static const struct chain_kind kinds[] = {
	KIND(LOADER_DEVICE_CREATE_INFO, VkLayerDeviceCreateInfo),
	KIND(DEVICE_GROUP_DEVICE_CREATE_INFO, VkDeviceGroupDeviceCreateInfo),
	KIND(PHYSICAL_DEVICE_FEATURES_2, VkPhysicalDeviceFeatures2),
	KIND(PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
	     VkPhysicalDeviceVulkan11Features),
	KIND(PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
	     VkPhysicalDeviceVulkan12Features),
	KIND(PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
	     VkPhysicalDeviceVulkan13Features),
	KIND(PHYSICAL_DEVICE_VULKAN_1_4_FEATURES,
	     VkPhysicalDeviceVulkan14Features),
	KIND(PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
	     VkPhysicalDeviceTimelineSemaphoreFeatures),
	KIND(PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
	     VkPhysicalDeviceSynchronization2Features),
	KIND(PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES,
	     VkPhysicalDeviceDynamicRenderingFeatures),
	KIND(PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES,
	     VkPhysicalDeviceDescriptorIndexingFeatures),
	KIND(PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
	     VkPhysicalDeviceBufferDeviceAddressFeatures),
	KIND(PHYSICAL_DEVICE_HOST_QUERY_RESET_FEATURES,
	     VkPhysicalDeviceHostQueryResetFeatures),
	KIND(PHYSICAL_DEVICE_SCALAR_BLOCK_LAYOUT_FEATURES,
	     VkPhysicalDeviceScalarBlockLayoutFeatures),
	KIND(PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES,
	     VkPhysicalDevice8BitStorageFeatures),
	KIND(PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
	     VkPhysicalDevice16BitStorageFeatures),
	KIND(PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT,
	     VkPhysicalDeviceRobustness2FeaturesEXT),
	KIND(DEVICE_PRIVATE_DATA_CREATE_INFO, VkDevicePrivateDataCreateInfo),
};

enum timeline_request {
	TIMELINE_ASKED,
	TIMELINE_ABSENT,
	TIMELINE_DENIED,
};

/* The switch of the feature in a chain, or NULL when there is none. */
static const VkBool32 *timeline_switch(const void *chain)
{
	const VkPhysicalDeviceTimelineSemaphoreFeatures *timeline = chain_find(
		chain,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES);
	const VkPhysicalDeviceVulkan12Features *features = chain_find(
		chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);

	if (timeline)
		return &timeline->timelineSemaphore;
	return features ? &features->timelineSemaphore : NULL;
}

static enum timeline_request timeline_request(const void *chain)
{
	const VkBool32 *on = timeline_switch(chain);

	if (!on)
		return TIMELINE_ABSENT;
	return *on ? TIMELINE_ASKED : TIMELINE_DENIED;
}

/* An own structure in front of what the application passed. */
static void timeline_push(struct device_info *request)
{
	request->timeline = (VkPhysicalDeviceTimelineSemaphoreFeatures){
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
		.pNext = (void *)request->info.pNext,
		.timelineSemaphore = VK_TRUE,
	};
	request->info.pNext = &request->timeline;
}

/*
 * With a structure in the chain that can't be copied, the driver gets the
 * feature twice, off and on: drivers take what is on of each.
 */
static int timeline_turn_on(struct device_info *request)
{
	int r = chain_init_copy(&request->chain, request->info.pNext, kinds,
				ARRAY_SIZE(kinds));

	if (r < 0)
		return r;
	if (r > 0) {
		timeline_push(request);
		return 0;
	}
	*(VkBool32 *)timeline_switch(request->chain.head) = VK_TRUE;
	request->info.pNext = request->chain.head;
	return 0;
}

static bool names_have(const VkDeviceCreateInfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
		if (!strcmp(info->ppEnabledExtensionNames[i], name))
			return true;
	}
	return false;
}

static int extension_add(struct device_info *request, const char *name)
{
	VkDeviceCreateInfo *info = &request->info;
	uint32_t count = info->enabledExtensionCount;

	if (names_have(info, name))
		return 0;
	request->names = malloc((count + 1) * sizeof(*request->names));
	if (!request->names)
		return -ENOMEM;
	if (count)
		memcpy(request->names, info->ppEnabledExtensionNames,
		       count * sizeof(*request->names));
	request->names[count] = name;
	info->ppEnabledExtensionNames = request->names;
	info->enabledExtensionCount = count + 1;
	return 0;
}

int device_info_init(struct device_info *request,
		     const struct physical *physical,
		     const VkDeviceCreateInfo *info)
{
	*request = (struct device_info){.info = *info};
	if (!physical->timeline_core &&
	    extension_add(request, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME) <
		    0)
		return -ENOMEM;
	switch (timeline_request(info->pNext)) {
	case TIMELINE_ASKED:
		return 0;
	case TIMELINE_ABSENT:
		timeline_push(request);
		return 0;
	case TIMELINE_DENIED:
	default:
		return timeline_turn_on(request);
	}
}

void device_info_deinit(struct device_info *request)
{
	free(request->names);
	chain_deinit(&request->chain);
}
