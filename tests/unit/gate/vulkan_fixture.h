/* SPDX-License-Identifier: MIT */
/*
 * The smallest Vulkan application that the tests of the layers need: an
 * instance with chosen layers, the first device, buffers with memory of their
 * own, one compute dispatch.
 *
 * States of a fixture: zeroed, open (fixture_open() succeeded), zeroed again
 * after fixture_close().
 *
 * Ownership: the fixture owns instance, device and pool; a struct
 * fixture_buffer owns its buffer and memory.
 *
 * Locking: none.
 */
#ifndef TRANCHE_TESTS_VULKAN_FIXTURE_H
#define TRANCHE_TESTS_VULKAN_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#define FIXTURE_LAYER "VK_LAYER_TRANCHE_exportable"
#define FIXTURE_VALIDATION "VK_LAYER_KHRONOS_validation"
#define FIXTURE_WORKGROUP 64

struct fixture {
	VkInstance instance;
	VkDebugUtilsMessengerEXT messenger;
	unsigned int complaints; /* of the validation layer */
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	VkCommandPool pool;
	PFN_vkGetMemoryFdKHR get_fd;
	PFN_vkGetMemoryFdPropertiesKHR get_fd_properties;
};

struct fixture_buffer {
	VkBuffer buffer;
	VkDeviceMemory memory;
	VkDeviceSize size; /* of the memory, bytes */
	void *map;
};

/**
 * fixture_open() - Make an instance and a device
 * @fixture:	to be initialised; fixture_close() it in any case
 * @layers:	from the application downwards; NULL-terminated. With
 *		FIXTURE_VALIDATION among them, its complaints are counted
 * @extensions:	of the device; NULL-terminated
 *
 * Return: VK_SUCCESS or the error of the first call that failed.
 */
VkResult fixture_open(struct fixture *fixture, const char *const *layers,
		      const char *const *extensions);

/**
 * fixture_close() - Destroy everything
 * @fixture:	open, partly open or zeroed
 */
void fixture_close(struct fixture *fixture);

/**
 * fixture_device_close() - Destroy the device, keep the instance
 * @fixture:	open
 */
void fixture_device_close(struct fixture *fixture);

/**
 * fixture_has_extension() - Does the physical device list an extension?
 * @fixture:	open
 * @name:	of the extension
 */
bool fixture_has_extension(const struct fixture *fixture, const char *name);

/**
 * fixture_allocate() - Memory in a host-visible, coherent type
 * @fixture:	open
 * @size:	bytes
 * @next:	pNext chain of the request
 * @memory:	the result
 *
 * Return: what vkAllocateMemory returned.
 */
VkResult fixture_allocate(struct fixture *fixture, VkDeviceSize size,
			  const void *next, VkDeviceMemory *memory);

/**
 * fixture_export() - vkGetMemoryFdKHR
 * @fixture:	open
 * @memory:	what to export
 * @type:	as what
 * @fdp:	the result
 *
 * Return: what vkGetMemoryFdKHR returned.
 */
VkResult fixture_export(struct fixture *fixture, VkDeviceMemory memory,
			VkExternalMemoryHandleTypeFlagBits type, int *fdp);

/**
 * fixture_buffer_open() - A storage and transfer buffer, bound and mapped
 * @fixture:	open
 * @buffer:	to be initialised; fixture_buffer_close() it in any case
 * @size:	bytes
 * @types:	external handle types of the buffer, 0 for none
 * @next:	pNext chain of the memory request
 *
 * Return: VK_SUCCESS or the error of the first call that failed.
 */
VkResult fixture_buffer_open(struct fixture *fixture,
			     struct fixture_buffer *buffer, VkDeviceSize size,
			     VkExternalMemoryHandleTypeFlags types,
			     const void *next);

/**
 * fixture_buffer_close() - Free buffer and memory
 * @fixture:	open
 * @buffer:	open, partly open or zeroed
 */
void fixture_buffer_close(struct fixture *fixture,
			  struct fixture_buffer *buffer);

/**
 * fixture_scale() - Compute data[i] = 3 * data[i] + i in a buffer, and wait
 * @fixture:	open
 * @buffer:	of uint32_t
 * @count:	of numbers, a multiple of FIXTURE_WORKGROUP
 *
 * Return: VK_SUCCESS or the error of the first call that failed.
 */
VkResult fixture_scale(struct fixture *fixture,
		       const struct fixture_buffer *buffer, uint32_t count);

#endif
