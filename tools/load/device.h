/* SPDX-License-Identifier: MIT */
/*
 * One Vulkan device with one queue, its buffers, and moving data to and from
 * them.
 *
 * A device belongs to one thread at a time; there is no lock. Buffers belong
 * to their holder and are given back before the device is.
 *
 * Only Vulkan 1.1 without extensions is used. Completion is seen by fences.
 */
#ifndef TRANCHE_LOAD_DEVICE_H
#define TRANCHE_LOAD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "gpu.h"

struct buffer {
	VkBuffer handle;
	VkDeviceMemory memory;
	uint64_t size;
	/* NULL for memory of the device. */
	void *map;
};

enum buffer_place {
	BUFFER_DEVICE, /* the device's own memory */
	BUFFER_HOST, /* mapped, coherent, cached where possible */
};

struct device {
	const struct gpu *gpu;
	VkDevice handle;
	uint32_t family;
	VkQueue queue;
	VkCommandPool pool;
	VkPhysicalDeviceMemoryProperties memory_types;
	/* No wait for the device is longer; 0: no bound. */
	uint64_t timeout_ns;
	/* Between two looks at a fence; 0: the driver waits. */
	uint64_t poll_ns;

	/* For transfers: staging memory, its commands and their fence. */
	struct buffer staging;
	VkCommandBuffer transfer;
	VkFence transfer_fence;
};

/**
 * device_new() - open a GPU
 * @devicep: where the device goes; free it with device_free()
 * @gpu: the GPU; it must outlive the device
 * @family: the queue family, from gpu_find_family()
 * @timeout_ns: the longest wait for the device in nanoseconds; 0: no bound
 * @poll_ns: sleep so long between two looks at a fence, in nanoseconds; 0: let
 *           the driver wait, which some do by looking all the time
 *
 * Return: 0 or a negative errno as of vulkan_errno(). Failures are told.
 */
int device_new(struct device **devicep, const struct gpu *gpu, uint32_t family,
	       uint64_t timeout_ns, uint64_t poll_ns);

/**
 * device_free() - close a device
 * @device: the device or NULL; its work must have ended or the device be lost
 */
void device_free(struct device *device);

static inline void device_freep(struct device **devicep)
{
	device_free(*devicep);
}

/**
 * device_wait() - wait for a fence
 * @device: the device
 * @fence: the fence
 *
 * Return: 0; -ETIMEDOUT after the device's time-out; another negative errno as
 * of vulkan_errno(). Failures are told.
 */
int device_wait(struct device *device, VkFence fence);

/**
 * device_fence_new() - make a fence
 * @device: the device
 * @fencep: where the unsignalled fence goes
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int device_fence_new(struct device *device, VkFence *fencep);

/**
 * device_commands_new() - make a command buffer
 * @device: the device; it frees the command buffer with itself
 * @commandsp: where the command buffer goes
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int device_commands_new(struct device *device, VkCommandBuffer *commandsp);

/**
 * device_peek_start() - have a part of a buffer copied without waiting for it
 * @device: the device; no other peek, read, write or fill until
 *          device_peek_end() has returned anything but -EAGAIN
 * @buffer: the buffer
 * @offset: where the part begins, in bytes
 * @size: of the part, in bytes, at most 1 MiB
 *
 * It is read as it is after what was submitted before, and before what is
 * submitted later.
 *
 * Return: 0; -EINVAL: too large; as device_read().
 */
int device_peek_start(struct device *device, const struct buffer *buffer,
		      uint64_t offset, uint64_t size);

/**
 * device_peek_end() - take what device_peek_start() has asked for
 * @device: the device
 * @wait: wait for it
 * @datap: where the place of the data goes; valid until the next transfer
 *
 * Return: 0; -EAGAIN: it is not there yet; as device_wait().
 */
int device_peek_end(struct device *device, bool wait, const void **datap);

/**
 * device_read() - copy from a buffer
 * @device: the device
 * @buffer: any buffer; what wrote it must have been submitted before
 * @offset: bytes, a multiple of 4
 * @data: where the bytes go
 * @size: bytes, a multiple of 4
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int device_read(struct device *device, const struct buffer *buffer,
		uint64_t offset, void *data, uint64_t size);

/**
 * device_write() - copy to a buffer
 * @device: the device
 * @buffer: any buffer; nothing submitted may be using it
 * @offset: bytes, a multiple of 4
 * @data: the bytes
 * @size: bytes, a multiple of 4
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int device_write(struct device *device, const struct buffer *buffer,
		 uint64_t offset, const void *data, uint64_t size);

/**
 * device_fill() - set every word of a buffer, on the device
 * @device: the device
 * @buffer: the buffer; nothing submitted may be using it
 * @value: the 32-bit word
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int device_fill(struct device *device, const struct buffer *buffer,
		uint32_t value);

/**
 * buffer_init() - allocate a storage buffer with memory of its own
 * @buffer: the buffer
 * @device: the device
 * @size: bytes, more than 0
 * @place: where its memory lies; host memory is mapped
 *
 * Return: 0; -ENOMEM when the memory is not to be had; another negative errno.
 * Failures are told.
 */
int buffer_init(struct buffer *buffer, struct device *device, uint64_t size,
		enum buffer_place place);

/**
 * buffer_deinit() - give a buffer back
 * @buffer: the buffer; one of zeroes is fine
 * @device: its device
 */
void buffer_deinit(struct buffer *buffer, struct device *device);

#endif
