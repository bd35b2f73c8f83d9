/* SPDX-License-Identifier: MIT */
#include "tests/unit/gate/vulkan_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale.spv.h"

#define WAIT_NS UINT64_C(20000000000)

/* ------------------------------------------------------------------------
 * Instance and device
 * ------------------------------------------------------------------------ */

static uint32_t list_length(const char *const *list)
{
	uint32_t length = 0;

	while (list[length])
		length++;
	return length;
}

static bool list_contains(const char *const *list, const char *name)
{
	for (; *list; list++) {
		if (!strcmp(*list, name))
			return true;
	}
	return false;
}

static VKAPI_ATTR VkBool32 VKAPI_CALL
complaint_count(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
		VkDebugUtilsMessageTypeFlagsEXT types,
		const VkDebugUtilsMessengerCallbackDataEXT *data, void *fixture)
{
	(void)severity;
	(void)types;
	((struct fixture *)fixture)->complaints++;
	fprintf(stderr, "validation: %s\n", data->pMessage);
	return VK_FALSE;
}

static VkResult messenger_open(struct fixture *fixture)
{
	VkDebugUtilsMessengerCreateInfoEXT info = {
		.sType =
			VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
		.messageSeverity =
			VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
			VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
		.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
		.pfnUserCallback = complaint_count,
		.pUserData = fixture,
	};
	PFN_vkCreateDebugUtilsMessengerEXT create =
		(PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
			fixture->instance, "vkCreateDebugUtilsMessengerEXT");

	return create(fixture->instance, &info, NULL, &fixture->messenger);
}

static VkResult instance_open(struct fixture *fixture,
			      const char *const *layers)
{
	bool validated = list_contains(layers, FIXTURE_VALIDATION);
	const char *extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
	VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.apiVersion = VK_API_VERSION_1_1,
	};
	VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &application,
		.enabledLayerCount = list_length(layers),
		.ppEnabledLayerNames = layers,
		.enabledExtensionCount = validated,
		.ppEnabledExtensionNames = &extension,
	};
	VkResult result = vkCreateInstance(&info, NULL, &fixture->instance);

	if (result == VK_SUCCESS && validated)
		result = messenger_open(fixture);
	return result;
}

static VkResult device_open(struct fixture *fixture,
			    const char *const *extensions)
{
	float priority = 1.0f;
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
		.enabledExtensionCount = list_length(extensions),
		.ppEnabledExtensionNames = extensions,
	};
	VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	};
	VkResult result;

	result = vkCreateDevice(fixture->physical, &info, NULL,
				&fixture->device);
	if (result != VK_SUCCESS)
		return result;
	vkGetDeviceQueue(fixture->device, 0, 0, &fixture->queue);
	fixture->get_fd = (PFN_vkGetMemoryFdKHR)vkGetDeviceProcAddr(
		fixture->device, "vkGetMemoryFdKHR");
	fixture->get_fd_properties =
		(PFN_vkGetMemoryFdPropertiesKHR)vkGetDeviceProcAddr(
			fixture->device, "vkGetMemoryFdPropertiesKHR");
	return vkCreateCommandPool(fixture->device, &pool, NULL,
				   &fixture->pool);
}

VkResult fixture_open(struct fixture *fixture, const char *const *layers,
		      const char *const *extensions)
{
	uint32_t one = 1;
	VkResult result;

	*fixture = (struct fixture){};
	result = instance_open(fixture, layers);
	if (result != VK_SUCCESS)
		return result;
	result = vkEnumeratePhysicalDevices(fixture->instance, &one,
					    &fixture->physical);
	if (result < 0)
		return result;
	if (!one)
		return VK_ERROR_INITIALIZATION_FAILED;
	return device_open(fixture, extensions);
}

void fixture_device_close(struct fixture *fixture)
{
	if (fixture->pool)
		vkDestroyCommandPool(fixture->device, fixture->pool, NULL);
	if (fixture->device)
		vkDestroyDevice(fixture->device, NULL);
	fixture->pool = VK_NULL_HANDLE;
	fixture->device = VK_NULL_HANDLE;
}

void fixture_close(struct fixture *fixture)
{
	PFN_vkDestroyDebugUtilsMessengerEXT destroy;

	fixture_device_close(fixture);
	if (fixture->messenger) {
		destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)
			vkGetInstanceProcAddr(
				fixture->instance,
				"vkDestroyDebugUtilsMessengerEXT");
		destroy(fixture->instance, fixture->messenger, NULL);
	}
	if (fixture->instance)
		vkDestroyInstance(fixture->instance, NULL);
	*fixture = (struct fixture){};
}

bool fixture_has_extension(const struct fixture *fixture, const char *name)
{
	VkExtensionProperties *list;
	uint32_t count = 0;
	bool found = false;

	vkEnumerateDeviceExtensionProperties(fixture->physical, NULL, &count,
					     NULL);
	list = calloc(count + 1u, sizeof(*list));
	if (!list)
		return false;
	vkEnumerateDeviceExtensionProperties(fixture->physical, NULL, &count,
					     list);
	for (uint32_t i = 0; i < count; i++)
		found = found || !strcmp(list[i].extensionName, name);
	free(list);
	return found;
}

/* ------------------------------------------------------------------------
 * Memory and buffers
 * ------------------------------------------------------------------------ */

static uint32_t memory_type(const struct fixture *fixture)
{
	const VkMemoryPropertyFlags wanted =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
		VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	VkPhysicalDeviceMemoryProperties memory;
	uint32_t i;

	vkGetPhysicalDeviceMemoryProperties(fixture->physical, &memory);
	for (i = 0; i < memory.memoryTypeCount; i++) {
		if ((memory.memoryTypes[i].propertyFlags & wanted) == wanted)
			break;
	}
	return i;
}

VkResult fixture_allocate(struct fixture *fixture, VkDeviceSize size,
			  const void *next, VkDeviceMemory *memory)
{
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.pNext = next,
		.allocationSize = size,
		.memoryTypeIndex = memory_type(fixture),
	};

	return vkAllocateMemory(fixture->device, &info, NULL, memory);
}

VkResult fixture_export(struct fixture *fixture, VkDeviceMemory memory,
			VkExternalMemoryHandleTypeFlagBits type, int *fdp)
{
	VkMemoryGetFdInfoKHR info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
		.memory = memory,
		.handleType = type,
	};

	return fixture->get_fd(fixture->device, &info, fdp);
}

static VkResult buffer_create(struct fixture *fixture,
			      struct fixture_buffer *buffer, VkDeviceSize size,
			      VkExternalMemoryHandleTypeFlags types)
{
	VkExternalMemoryBufferCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
		.handleTypes = types,
	};
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.pNext = types ? &external : NULL,
		.size = size,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
			 VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
			 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
	};

	return vkCreateBuffer(fixture->device, &info, NULL, &buffer->buffer);
}

VkResult fixture_buffer_open(struct fixture *fixture,
			     struct fixture_buffer *buffer, VkDeviceSize size,
			     VkExternalMemoryHandleTypeFlags types,
			     const void *next)
{
	VkMemoryRequirements needs;
	VkResult result;

	*buffer = (struct fixture_buffer){};
	result = buffer_create(fixture, buffer, size, types);
	if (result != VK_SUCCESS)
		return result;
	vkGetBufferMemoryRequirements(fixture->device, buffer->buffer, &needs);
	buffer->size = needs.size;
	result = fixture_allocate(fixture, needs.size, next, &buffer->memory);
	if (result != VK_SUCCESS)
		return result;
	result = vkBindBufferMemory(fixture->device, buffer->buffer,
				    buffer->memory, 0);
	if (result != VK_SUCCESS)
		return result;
	return vkMapMemory(fixture->device, buffer->memory, 0, VK_WHOLE_SIZE, 0,
			   &buffer->map);
}

void fixture_buffer_close(struct fixture *fixture,
			  struct fixture_buffer *buffer)
{
	vkDestroyBuffer(fixture->device, buffer->buffer, NULL);
	vkFreeMemory(fixture->device, buffer->memory, NULL);
	*buffer = (struct fixture_buffer){};
}

/* ------------------------------------------------------------------------
 * Computing
 * ------------------------------------------------------------------------ */

/* What one dispatch takes; zeroed members are not there yet. */
struct dispatch {
	VkShaderModule shader;
	VkDescriptorSetLayout set_layout;
	VkPipelineLayout layout;
	VkPipeline pipeline;
	VkDescriptorPool pool;
	VkDescriptorSet set;
	VkCommandBuffer commands;
	VkFence fence;
};

static VkResult dispatch_layout(struct fixture *fixture,
				struct dispatch *dispatch)
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
	VkPipelineLayoutCreateInfo layout = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &dispatch->set_layout,
	};
	VkResult result;

	result = vkCreateDescriptorSetLayout(fixture->device, &set, NULL,
					     &dispatch->set_layout);
	if (result != VK_SUCCESS)
		return result;
	return vkCreatePipelineLayout(fixture->device, &layout, NULL,
				      &dispatch->layout);
}

static VkResult dispatch_pipeline(struct fixture *fixture,
				  struct dispatch *dispatch)
{
	VkShaderModuleCreateInfo module = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = sizeof(scale_spv),
		.pCode = scale_spv,
	};
	VkComputePipelineCreateInfo pipeline = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.layout = dispatch->layout,
	};
	VkResult result;

	result = vkCreateShaderModule(fixture->device, &module, NULL,
				      &dispatch->shader);
	if (result != VK_SUCCESS)
		return result;
	pipeline.stage = (VkPipelineShaderStageCreateInfo){
		.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
		.stage = VK_SHADER_STAGE_COMPUTE_BIT,
		.module = dispatch->shader,
		.pName = "main",
	};
	return vkCreateComputePipelines(fixture->device, VK_NULL_HANDLE, 1,
					&pipeline, NULL, &dispatch->pipeline);
}

static void dispatch_write_set(struct fixture *fixture,
			       struct dispatch *dispatch, VkBuffer buffer)
{
	VkDescriptorBufferInfo range = {
		.buffer = buffer,
		.range = VK_WHOLE_SIZE,
	};
	VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
		.dstSet = dispatch->set,
		.descriptorCount = 1,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.pBufferInfo = &range,
	};

	vkUpdateDescriptorSets(fixture->device, 1, &write, 0, NULL);
}

static VkResult dispatch_set(struct fixture *fixture, struct dispatch *dispatch,
			     VkBuffer buffer)
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
		.pSetLayouts = &dispatch->set_layout,
	};
	VkResult result;

	result = vkCreateDescriptorPool(fixture->device, &pool, NULL,
					&dispatch->pool);
	if (result != VK_SUCCESS)
		return result;
	set.descriptorPool = dispatch->pool;
	result =
		vkAllocateDescriptorSets(fixture->device, &set, &dispatch->set);
	if (result == VK_SUCCESS)
		dispatch_write_set(fixture, dispatch, buffer);
	return result;
}

static VkResult dispatch_record(struct fixture *fixture,
				struct dispatch *dispatch, uint32_t groups)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = fixture->pool,
		.commandBufferCount = 1,
	};
	VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	VkMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_HOST_READ_BIT,
	};
	VkCommandBuffer commands;
	VkResult result;

	result = vkAllocateCommandBuffers(fixture->device, &info, &commands);
	if (result != VK_SUCCESS)
		return result;
	dispatch->commands = commands;
	result = vkBeginCommandBuffer(commands, &begin);
	if (result != VK_SUCCESS)
		return result;
	vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
			  dispatch->pipeline);
	vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
				dispatch->layout, 0, 1, &dispatch->set, 0,
				NULL);
	vkCmdDispatch(commands, groups, 1, 1);
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
			     VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
			     NULL, 0, NULL);
	return vkEndCommandBuffer(commands);
}

static VkResult dispatch_run(struct fixture *fixture, struct dispatch *dispatch)
{
	VkFenceCreateInfo fence = {
		.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
	};
	VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &dispatch->commands,
	};
	VkResult result;

	result = vkCreateFence(fixture->device, &fence, NULL, &dispatch->fence);
	if (result != VK_SUCCESS)
		return result;
	result = vkQueueSubmit(fixture->queue, 1, &submit, dispatch->fence);
	if (result != VK_SUCCESS)
		return result;
	return vkWaitForFences(fixture->device, 1, &dispatch->fence, VK_TRUE,
			       WAIT_NS);
}

static void dispatch_deinit(struct fixture *fixture, struct dispatch *dispatch)
{
	VkDevice device = fixture->device;

	vkDestroyFence(device, dispatch->fence, NULL);
	if (dispatch->commands)
		vkFreeCommandBuffers(device, fixture->pool, 1,
				     &dispatch->commands);
	vkDestroyDescriptorPool(device, dispatch->pool, NULL);
	vkDestroyPipeline(device, dispatch->pipeline, NULL);
	vkDestroyShaderModule(device, dispatch->shader, NULL);
	vkDestroyPipelineLayout(device, dispatch->layout, NULL);
	vkDestroyDescriptorSetLayout(device, dispatch->set_layout, NULL);
}

VkResult fixture_scale(struct fixture *fixture,
		       const struct fixture_buffer *buffer, uint32_t count)
{
	struct dispatch dispatch = {};
	VkResult result;

	result = dispatch_layout(fixture, &dispatch);
	if (result == VK_SUCCESS)
		result = dispatch_pipeline(fixture, &dispatch);
	if (result == VK_SUCCESS)
		result = dispatch_set(fixture, &dispatch, buffer->buffer);
	if (result == VK_SUCCESS)
		result = dispatch_record(fixture, &dispatch,
					 count / FIXTURE_WORKGROUP);
	if (result == VK_SUCCESS)
		result = dispatch_run(fixture, &dispatch);
	dispatch_deinit(fixture, &dispatch);
	return result;
}
