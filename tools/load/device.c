// SPDX-License-Identifier: MIT
#include "device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "message.h"
#include "units/units.h"
#include "vulkan_error.h"

#define STAGING_SIZE (UINT64_C(1) << 20)
/* Waits are cut into slices, in order that a bound can be kept. */
#define WAIT_SLICE_NS (100 * NS_PER_MS)

/* The first type that fits is the fastest: drivers must list them so. */
static int find_memory_type(const struct device *device, uint32_t allowed,
			    VkMemoryPropertyFlags wanted)
{
	const VkPhysicalDeviceMemoryProperties *types = &device->memory_types;

	for (uint32_t i = 0; i < types->memoryTypeCount; i++)
		if (allowed & (1u << i) &&
		    (types->memoryTypes[i].propertyFlags & wanted) == wanted)
			return (int)i;
	return -ENOENT;
}

static int choose_memory_type(const struct device *device, uint32_t allowed,
			      enum buffer_place place)
{
	const VkMemoryPropertyFlags coherent =
		VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
		VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
	int type;

	if (place == BUFFER_DEVICE) {
		type = find_memory_type(device, allowed,
					VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
		return type < 0 ? find_memory_type(device, allowed, 0) : type;
	}
	type = find_memory_type(device, allowed,
				coherent | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
	return type < 0 ? find_memory_type(device, allowed, coherent) : type;
}

static int buffer_create(struct buffer *buffer, struct device *device)
{
	const VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = buffer->size,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
			 VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
			 VK_BUFFER_USAGE_TRANSFER_DST_BIT,
		.sharingMode = VK_SHARING_MODE_EXCLUSIVE,
	};
	VkResult result;

	result = vkCreateBuffer(device->handle, &info, NULL, &buffer->handle);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "create a buffer");
	return 0;
}

static int out_of_memory(VkResult result, uint64_t size,
			 enum buffer_place place)
{
	char text[UNITS_TEXT];

	message_error("cannot allocate %s of %s memory: %s",
		      units_format_size(text, size),
		      place == BUFFER_DEVICE ? "device" : "host-visible",
		      vulkan_name(result));
	return vulkan_errno(result);
}

static int buffer_allocate(struct buffer *buffer, struct device *device,
			   enum buffer_place place)
{
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	};
	VkMemoryRequirements needs;
	VkResult result;
	int type;

	vkGetBufferMemoryRequirements(device->handle, buffer->handle, &needs);
	type = choose_memory_type(device, needs.memoryTypeBits, place);
	if (type < 0) {
		message_error("GPU '%s' has no memory of a needed type",
			      device->gpu->name);
		return -ENOTSUP;
	}
	info.allocationSize = needs.size;
	info.memoryTypeIndex = (uint32_t)type;
	result = vkAllocateMemory(device->handle, &info, NULL, &buffer->memory);
	if (result == VK_SUCCESS)
		result = vkBindBufferMemory(device->handle, buffer->handle,
					    buffer->memory, 0);
	if (result == VK_SUCCESS && place == BUFFER_HOST)
		result = vkMapMemory(device->handle, buffer->memory, 0,
				     VK_WHOLE_SIZE, 0, &buffer->map);
	return result == VK_SUCCESS ? 0
				    : out_of_memory(result, needs.size, place);
}

int buffer_init(struct buffer *buffer, struct device *device, uint64_t size,
		enum buffer_place place)
{
	int r;

	*buffer = (struct buffer){.size = size};
	r = buffer_create(buffer, device);
	if (r < 0)
		return r;
	r = buffer_allocate(buffer, device, place);
	if (r < 0)
		buffer_deinit(buffer, device);
	return r;
}

void buffer_deinit(struct buffer *buffer, struct device *device)
{
	vkDestroyBuffer(device->handle, buffer->handle, NULL);
	vkFreeMemory(device->handle, buffer->memory, NULL);
	*buffer = (struct buffer){0};
}

/* As vkWaitForFences(), for a while. */
static VkResult fence_wait(struct device *device, VkFence fence)
{
	VkResult result;

	if (!device->poll_ns || control_stopping())
		return vkWaitForFences(device->handle, 1, &fence, VK_TRUE,
				       WAIT_SLICE_NS);
	result = vkGetFenceStatus(device->handle, fence);
	if (result != VK_NOT_READY)
		return result;
	control_sleep(control_now() + device->poll_ns);
	return VK_TIMEOUT;
}

int device_wait(struct device *device, VkFence fence)
{
	uint64_t start = control_now();
	char text[UNITS_TEXT];
	VkResult result;

	for (;;) {
		result = fence_wait(device, fence);
		if (result == VK_SUCCESS)
			return 0;
		if (result != VK_TIMEOUT)
			return vulkan_fail(result, "wait for the device");
		if (device->timeout_ns &&
		    control_now() - start > device->timeout_ns)
			break;
	}
	message_error("the device did not finish within the %s of --timeout",
		      units_format_ns(text, device->timeout_ns));
	return -ETIMEDOUT;
}

int device_fence_new(struct device *device, VkFence *fencep)
{
	const VkFenceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
	};
	VkResult result;

	result = vkCreateFence(device->handle, &info, NULL, fencep);
	return result == VK_SUCCESS ? 0 : vulkan_fail(result, "make a fence");
}

int device_commands_new(struct device *device, VkCommandBuffer *commandsp)
{
	const VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = device->pool,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	VkResult result;

	result = vkAllocateCommandBuffers(device->handle, &info, commandsp);
	return result == VK_SUCCESS
		       ? 0
		       : vulkan_fail(result, "make a command buffer");
}

static int create_handle(struct device *device)
{
	const float priority = 1.0f;
	const VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueFamilyIndex = device->family,
		.queueCount = 1,
		.pQueuePriorities = &priority,
	};
	const VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1,
		.pQueueCreateInfos = &queue,
	};
	VkResult result;

	result = vkCreateDevice(device->gpu->handle, &info, NULL,
				&device->handle);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "open the device");
	vkGetDeviceQueue(device->handle, device->family, 0, &device->queue);
	return 0;
}

static int create_pool(struct device *device)
{
	const VkCommandPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
		.queueFamilyIndex = device->family,
	};
	VkResult result;

	result =
		vkCreateCommandPool(device->handle, &info, NULL, &device->pool);
	return result == VK_SUCCESS
		       ? 0
		       : vulkan_fail(result, "make a command pool");
}

static int device_init(struct device *device)
{
	int r;

	r = create_handle(device);
	if (r < 0)
		return r;
	r = create_pool(device);
	if (r < 0)
		return r;
	r = device_commands_new(device, &device->transfer);
	if (r < 0)
		return r;
	r = device_fence_new(device, &device->transfer_fence);
	if (r < 0)
		return r;
	return buffer_init(&device->staging, device, STAGING_SIZE, BUFFER_HOST);
}

int device_new(struct device **devicep, const struct gpu *gpu, uint32_t family,
	       uint64_t timeout_ns, uint64_t poll_ns)
{
	__attribute__((cleanup(device_freep))) struct device *device = NULL;
	int r;

	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->gpu = gpu;
	device->family = family;
	device->timeout_ns = timeout_ns;
	device->poll_ns = poll_ns;
	vkGetPhysicalDeviceMemoryProperties(gpu->handle, &device->memory_types);
	r = device_init(device);
	if (r < 0)
		return r;
	*devicep = device;
	device = NULL;
	return 0;
}

void device_free(struct device *device)
{
	if (!device)
		return;
	if (device->handle) {
		buffer_deinit(&device->staging, device);
		vkDestroyFence(device->handle, device->transfer_fence, NULL);
		vkDestroyCommandPool(device->handle, device->pool, NULL);
		vkDestroyDevice(device->handle, NULL);
	}
	free(device);
}

/* Orders a transfer after whatever was submitted before and, at the end,
 * before the host's reads and later work. */
static void transfer_barrier(struct device *device, VkPipelineStageFlags from,
			     VkAccessFlags from_access, VkPipelineStageFlags to,
			     VkAccessFlags to_access)
{
	const VkMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = from_access,
		.dstAccessMask = to_access,
	};

	vkCmdPipelineBarrier(device->transfer, from, to, 0, 1, &barrier, 0,
			     NULL, 0, NULL);
}

static int transfer_begin(struct device *device)
{
	const VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};
	VkResult result;

	result = vkBeginCommandBuffer(device->transfer, &info);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "record a transfer");
	transfer_barrier(
		device,
		VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
			VK_PIPELINE_STAGE_TRANSFER_BIT,
		VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
		VK_PIPELINE_STAGE_TRANSFER_BIT,
		VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
	return 0;
}

static int transfer_submit(struct device *device)
{
	const VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &device->transfer,
	};
	VkResult result;

	transfer_barrier(device, VK_PIPELINE_STAGE_TRANSFER_BIT,
			 VK_ACCESS_TRANSFER_WRITE_BIT,
			 VK_PIPELINE_STAGE_HOST_BIT |
				 VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
			 VK_ACCESS_HOST_READ_BIT | VK_ACCESS_SHADER_READ_BIT);
	result = vkEndCommandBuffer(device->transfer);
	if (result == VK_SUCCESS)
		result = vkResetFences(device->handle, 1,
				       &device->transfer_fence);
	if (result == VK_SUCCESS)
		result = vkQueueSubmit(device->queue, 1, &submit,
				       device->transfer_fence);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "submit a transfer");
	return 0;
}

static int transfer_end(struct device *device)
{
	int r = transfer_submit(device);

	return r < 0 ? r : device_wait(device, device->transfer_fence);
}

static int copy_begin(struct device *device, VkBuffer from,
		      uint64_t from_offset, VkBuffer to, uint64_t to_offset,
		      uint64_t size)
{
	const VkBufferCopy region = {
		.srcOffset = from_offset,
		.dstOffset = to_offset,
		.size = size,
	};
	int r;

	r = transfer_begin(device);
	if (r < 0)
		return r;
	vkCmdCopyBuffer(device->transfer, from, to, 1, &region);
	return 0;
}

static int copy_range(struct device *device, VkBuffer from,
		      uint64_t from_offset, VkBuffer to, uint64_t to_offset,
		      uint64_t size)
{
	int r = copy_begin(device, from, from_offset, to, to_offset, size);

	return r < 0 ? r : transfer_end(device);
}

int device_peek_start(struct device *device, const struct buffer *buffer,
		      uint64_t offset, uint64_t size)
{
	int r;

	if (size > STAGING_SIZE)
		return -EINVAL;
	r = copy_begin(device, buffer->handle, offset, device->staging.handle,
		       0, size);
	return r < 0 ? r : transfer_submit(device);
}

int device_peek_end(struct device *device, bool wait, const void **datap)
{
	VkResult result;
	int r;

	if (!wait) {
		result = vkGetFenceStatus(device->handle,
					  device->transfer_fence);
		if (result == VK_NOT_READY)
			return -EAGAIN;
		if (result != VK_SUCCESS)
			return vulkan_fail(result, "read results");
	}
	r = device_wait(device, device->transfer_fence);
	if (r == 0)
		*datap = device->staging.map;
	return r;
}

int device_read(struct device *device, const struct buffer *buffer,
		uint64_t offset, void *data, uint64_t size)
{
	for (uint64_t done = 0; done < size;) {
		uint64_t part = size - done;
		int r;

		if (part > STAGING_SIZE)
			part = STAGING_SIZE;
		r = copy_range(device, buffer->handle, offset + done,
			       device->staging.handle, 0, part);
		if (r < 0)
			return r;
		memcpy((char *)data + done, device->staging.map, part);
		done += part;
	}
	return 0;
}

int device_write(struct device *device, const struct buffer *buffer,
		 uint64_t offset, const void *data, uint64_t size)
{
	for (uint64_t done = 0; done < size;) {
		uint64_t part = size - done;
		int r;

		if (part > STAGING_SIZE)
			part = STAGING_SIZE;
		memcpy(device->staging.map, (const char *)data + done, part);
		r = copy_range(device, device->staging.handle, 0,
			       buffer->handle, offset + done, part);
		if (r < 0)
			return r;
		done += part;
	}
	return 0;
}

int device_fill(struct device *device, const struct buffer *buffer,
		uint32_t value)
{
	int r;

	r = transfer_begin(device);
	if (r < 0)
		return r;
	vkCmdFillBuffer(device->transfer, buffer->handle, 0, VK_WHOLE_SIZE,
			value);
	return transfer_end(device);
}
