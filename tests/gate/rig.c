/* SPDX-License-Identifier: MIT */
#include "tests/gate/rig.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "affine.spv.h"

static atomic_uint complaints;

uint64_t rig_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)time.tv_nsec;
}

void rig_check(VkResult result, const char *call)
{
	if (result == VK_SUCCESS)
		return;
	printf("failed: %d from %.60s\n", result, call);
	exit(1);
}

unsigned int rig_complaints(void)
{
	return atomic_load(&complaints);
}

/* ------------------------------------------------------------------------
 * Instance and device
 * ------------------------------------------------------------------------ */

static VKAPI_ATTR VkBool32 VKAPI_CALL
complaint_count(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
		VkDebugUtilsMessageTypeFlagsEXT types,
		const VkDebugUtilsMessengerCallbackDataEXT *data, void *unused)
{
	(void)severity;
	(void)types;
	(void)unused;
	atomic_fetch_add(&complaints, 1);
	fprintf(stderr, "validation: %s\n", data->pMessage);
	return VK_FALSE;
}

static void messenger_open(struct rig *rig)
{
	VkDebugUtilsMessengerCreateInfoEXT info = {
		.sType =
			VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.messageSeverity =
			VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
			VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
		.pfnUserCallback = complaint_count,
	};
	PFN_vkCreateDebugUtilsMessengerEXT create =
		(PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
			rig->instance, "vkCreateDebugUtilsMessengerEXT");

	RIG_CHECK(create(rig->instance, &info, NULL, &rig->messenger));
}

static void instance_open(struct rig *rig)
{
	bool watched = getenv("VK_INSTANCE_LAYERS");
	const char *names[4];
	VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.apiVersion = rig->options.api_version,
	};
	VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &application,
		.ppEnabledExtensionNames = names,
	};
	VkResult result;

	if (watched)
		names[info.enabledExtensionCount++] =
			VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
	if (rig->options.swapchain) {
		names[info.enabledExtensionCount++] =
			VK_KHR_SURFACE_EXTENSION_NAME;
		names[info.enabledExtensionCount++] =
			VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME;
	}
	result = vkCreateInstance(&info, NULL, &rig->instance);
	if (result != VK_SUCCESS) {
		printf("no instance: %d\n", result);
		exit(9);
	}
	if (watched)
		messenger_open(rig);
}

/* The application's features, in one of the ways in which it may state them. */
struct features {
	VkPhysicalDeviceVulkan12Features v12;
	VkPhysicalDeviceSynchronization2Features submit2;
	VkPhysicalDeviceFeatures core;
};

static const void *features_fill(const struct rig_options *options,
				 struct features *features)
{
	const void *chain = NULL;

	*features = (struct features){
		.v12.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
		.v12.timelineSemaphore = options->timeline == RIG_TIMELINE_ON,
		.submit2.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SYNCHRONIZATION_2_FEATURES,
		.submit2.synchronization2 = VK_TRUE,
		.core.sparseBinding = options->sparse,
	};
	if (options->timeline != RIG_TIMELINE_UNASKED)
		chain = &features->v12;
	if (options->submit2) {
		features->submit2.pNext = (void *)chain;
		chain = &features->submit2;
	}
	return chain;
}

static void device_open(struct rig *rig)
{
	float priority = 1.0f;
	const char *swapchain = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
	struct features features;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = features_fill(&rig->options, &features),
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.enabledExtensionCount = rig->options.swapchain,
		.ppEnabledExtensionNames = &swapchain,
		.pEnabledFeatures = &features.core,
	};
	VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	};
	uint32_t one = 1;

	vkEnumeratePhysicalDevices(rig->instance, &one, &rig->physical);
	if (!one) {
		printf("no device\n");
		exit(9);
	}
	RIG_CHECK(vkCreateDevice(rig->physical, &info, NULL, &rig->device));
	vkGetDeviceQueue(rig->device, 0, 0, &rig->queue);
	RIG_CHECK(vkCreateCommandPool(rig->device, &pool, NULL, &rig->pool));
}

/* ------------------------------------------------------------------------
 * Numbers and what changes them
 * ------------------------------------------------------------------------ */

static uint32_t memory_type(const struct rig *rig, uint32_t allowed)
{
	const VkMemoryPropertyFlags wanted =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
		VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	uint32_t i;

	vkGetPhysicalDeviceMemoryProperties(rig->physical, &memory);
	for (i = 0; i < memory.memoryTypeCount; i++) {
		if (allowed & (1u << i) &&
		    (memory.memoryTypes[i].propertyFlags & wanted) == wanted)
			break;
	}
	return i;
}

static void numbers_open(struct rig *rig)
{
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = sizeof(rig->wanted),
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
	};
	VkMemoryAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	};
	VkMemoryRequirements needs;
	void *map;

	RIG_CHECK(vkCreateBuffer(rig->device, &info, NULL, &rig->buffer));
	vkGetBufferMemoryRequirements(rig->device, rig->buffer, &needs);
	allocate.allocationSize = needs.size;
	allocate.memoryTypeIndex = memory_type(rig, needs.memoryTypeBits);
	RIG_CHECK(vkAllocateMemory(rig->device, &allocate, NULL, &rig->memory));
	RIG_CHECK(vkBindBufferMemory(rig->device, rig->buffer, rig->memory, 0));
	RIG_CHECK(vkMapMemory(rig->device, rig->memory, 0, VK_WHOLE_SIZE, 0,
			      &map));
	rig->numbers = map;
	for (uint32_t i = 0; i < RIG_NUMBERS; i++)
		rig->numbers[i] = rig->wanted[i] = i * 2654435761u;
}

static void layouts_open(struct rig *rig)
{
	VkDescriptorSetLayoutBinding binding = {
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.descriptorCount = 1,
		.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
	};
	VkDescriptorSetLayoutCreateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = 1,
		.pBindings = &binding,
	};
	VkPushConstantRange range = {
		.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
		.size = sizeof(struct rig_job),
	};
	VkPipelineLayoutCreateInfo layout = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &rig->set_layout,
		.pushConstantRangeCount = 1,
		.pPushConstantRanges = &range,
	};

	RIG_CHECK(vkCreateDescriptorSetLayout(rig->device, &set, NULL,
					      &rig->set_layout));
	RIG_CHECK(vkCreatePipelineLayout(rig->device, &layout, NULL,
					 &rig->layout));
}

static void set_open(struct rig *rig)
{
	VkDescriptorPoolSize size = {
		.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.descriptorCount = 1,
	};
	VkDescriptorPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = 1,
		.poolSizeCount = 1,
		.pPoolSizes = &size,
	};
	VkDescriptorSetAllocateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorSetCount = 1,
		.pSetLayouts = &rig->set_layout,
	};
	VkDescriptorBufferInfo range = {
		.buffer = rig->buffer,
		.range = VK_WHOLE_SIZE,
	};
	VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
		.descriptorCount = 1,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.pBufferInfo = &range,
	};

	RIG_CHECK(vkCreateDescriptorPool(rig->device, &pool, NULL,
					 &rig->set_pool));
	set.descriptorPool = rig->set_pool;
	RIG_CHECK(vkAllocateDescriptorSets(rig->device, &set, &rig->set));
	write.dstSet = rig->set;
	vkUpdateDescriptorSets(rig->device, 1, &write, 0, NULL);
}

static void pipeline_open(struct rig *rig)
{
	VkShaderModuleCreateInfo module = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = sizeof(affine_spv),
		.pCode = affine_spv,
	};
	VkComputePipelineCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.layout = rig->layout,
	};
	VkShaderModule shader;

	RIG_CHECK(vkCreateShaderModule(rig->device, &module, NULL, &shader));
	info.stage = (VkPipelineShaderStageCreateInfo){
		.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
		.stage = VK_SHADER_STAGE_COMPUTE_BIT,
		.module = shader,
		.pName = "main",
	};
	RIG_CHECK(vkCreateComputePipelines(rig->device, VK_NULL_HANDLE, 1,
					   &info, NULL, &rig->pipeline));
	vkDestroyShaderModule(rig->device, shader, NULL);
}

void rig_open(struct rig *rig, const struct rig_options *options)
{
	*rig = (struct rig){.options = *options};
	instance_open(rig);
	device_open(rig);
	numbers_open(rig);
	layouts_open(rig);
	set_open(rig);
	pipeline_open(rig);
}

static void messenger_close(struct rig *rig)
{
	PFN_vkDestroyDebugUtilsMessengerEXT destroy;

	if (!rig->messenger)
		return;
	destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
		rig->instance, "vkDestroyDebugUtilsMessengerEXT");
	destroy(rig->instance, rig->messenger, NULL);
}

void rig_close(struct rig *rig)
{
	VkDevice device = rig->device;
	VkResult result = vkDeviceWaitIdle(device);

	/* A lost one is to be destroyed like any other. */
	if (result != VK_ERROR_DEVICE_LOST)
		rig_check(result, "vkDeviceWaitIdle");
	vkDestroyPipeline(device, rig->pipeline, NULL);
	vkDestroyPipelineLayout(device, rig->layout, NULL);
	vkDestroyDescriptorPool(device, rig->set_pool, NULL);
	vkDestroyDescriptorSetLayout(device, rig->set_layout, NULL);
	vkDestroyBuffer(device, rig->buffer, NULL);
	vkFreeMemory(device, rig->memory, NULL);
	vkDestroyCommandPool(device, rig->pool, NULL);
	vkDestroyDevice(device, NULL);
	messenger_close(rig);
	vkDestroyInstance(rig->instance, NULL);
	*rig = (struct rig){};
}

VkCommandBuffer rig_record(struct rig *rig, struct rig_job job)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = rig->pool,
		.commandBufferCount = 1,
	};
	VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
	};
	/* After what ran before, and before what the host reads. */
	VkMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_SHADER_READ_BIT |
				 VK_ACCESS_SHADER_WRITE_BIT |
				 VK_ACCESS_HOST_READ_BIT,
	};
	const VkPipelineStageFlags after = VK_PIPELINE_STAGE_HOST_BIT |
					   VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
	VkCommandBuffer commands;

	RIG_CHECK(vkAllocateCommandBuffers(rig->device, &info, &commands));
	RIG_CHECK(vkBeginCommandBuffer(commands, &begin));
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
			  rig->pipeline);
	vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
				rig->layout, 0, 1, &rig->set, 0, NULL);
	vkCmdPushConstants(commands, rig->layout, VK_SHADER_STAGE_COMPUTE_BIT,
			   0, sizeof(job), &job);
	vkCmdDispatch(commands, RIG_NUMBERS / 64, 1, 1);
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
			     after, 0, 1, &barrier, 0, NULL, 0, NULL);
	RIG_CHECK(vkEndCommandBuffer(commands));
	return commands;
}

void rig_expect(struct rig *rig, struct rig_job job)
{
	for (uint32_t i = 0; i < RIG_NUMBERS; i++) {
		for (uint32_t round = 0; round < job.rounds; round++)
			rig->wanted[i] =
				rig->wanted[i] * job.factor + job.addend + i;
	}
}

void rig_verify(const struct rig *rig, const char *what)
{
	for (uint32_t i = 0; i < RIG_NUMBERS; i++) {
		if (rig->numbers[i] == rig->wanted[i])
			continue;
		printf("failed: %s: number %u is %u, not %u\n", what, i,
		       rig->numbers[i], rig->wanted[i]);
		exit(1);
	}
}

/* ------------------------------------------------------------------------
 * Synchronisation
 * ------------------------------------------------------------------------ */

VkSemaphore rig_binary(const struct rig *rig)
{
	VkSemaphoreCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
	};
	VkSemaphore semaphore;

	RIG_CHECK(vkCreateSemaphore(rig->device, &info, NULL, &semaphore));
	return semaphore;
}

VkSemaphore rig_timeline(const struct rig *rig)
{
	VkSemaphoreTypeCreateInfo type = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
		.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
	};
	VkSemaphoreCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
		.pNext = &type,
	};
	VkSemaphore semaphore;

	RIG_CHECK(vkCreateSemaphore(rig->device, &info, NULL, &semaphore));
	return semaphore;
}

VkFence rig_fence(const struct rig *rig)
{
	VkFenceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
	};
	VkFence fence;

	RIG_CHECK(vkCreateFence(rig->device, &info, NULL, &fence));
	return fence;
}

void rig_submit(struct rig *rig, struct rig_batch batch, VkFence fence)
{
	const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.waitSemaphoreValueCount = batch.wait ? 1 : 0,
		.pWaitSemaphoreValues = &batch.wait_value,
		.signalSemaphoreValueCount = batch.signal ? 1 : 0,
		.pSignalSemaphoreValues = &batch.signal_value,
	};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.waitSemaphoreCount = batch.wait ? 1 : 0,
		.pWaitSemaphores = &batch.wait,
		.pWaitDstStageMask = &stage,
		.commandBufferCount = batch.commands ? 1 : 0,
		.pCommandBuffers = &batch.commands,
		.signalSemaphoreCount = batch.signal ? 1 : 0,
		.pSignalSemaphores = &batch.signal,
	};

	if (batch.wait_value || batch.signal_value)
		info.pNext = &values;
	RIG_CHECK(vkQueueSubmit(rig->queue, 1, &info, fence));
}

void rig_await(const struct rig *rig, VkFence fence)
{
	RIG_CHECK(
		vkWaitForFences(rig->device, 1, &fence, VK_TRUE, RIG_WAIT_NS));
	RIG_CHECK(vkResetFences(rig->device, 1, &fence));
}

void rig_await_value(const struct rig *rig, VkSemaphore timeline,
		     uint64_t value)
{
	VkSemaphoreWaitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
		.semaphoreCount = 1,
		.pSemaphores = &timeline,
		.pValues = &value,
	};

	RIG_CHECK(vkWaitSemaphores(rig->device, &info, RIG_WAIT_NS));
}

void rig_signal_value(const struct rig *rig, VkSemaphore timeline,
		      uint64_t value)
{
	VkSemaphoreSignalInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
		.semaphore = timeline,
		.value = value,
	};

	RIG_CHECK(vkSignalSemaphore(rig->device, &info));
}
