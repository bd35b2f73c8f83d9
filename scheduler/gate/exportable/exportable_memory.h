/* SPDX-License-Identifier: MIT */
/*
 * Exportable memory for a driver that has none.
 *
 * Each allocation that shall be exportable (VkExportMemoryAllocateInfo with
 * DMA_BUF or OPAQUE_FD, in a host-visible memory type) is made of a memory
 * file that the driver imports as host memory (VK_EXT_external_memory_host).
 * The file is what vkGetMemoryFdKHR gives out, and what is taken in again
 * through VkImportMemoryFdInfoKHR, by this process or by another. Whoever gets
 * the file can map it: virglrenderer shows it to a guest as a blob.
 *
 * Everything else (private memory, memory that is not host-visible, imports of
 * real dma-bufs or of the driver's own opaque files) goes to the driver as it
 * is, and so does everything when the device does not need help.
 *
 * States of an allocation: absent or recorded. It is recorded between
 * a successful exportable_memory_allocate() and exportable_memory_free().
 *
 * Ownership: a record owns a mapping and a descriptor, both released after the
 * driver freed its memory. A descriptor given out belongs to the receiver; one
 * taken in is closed when the import succeeded and stays the caller's when it
 * failed, as VK_KHR_external_memory_fd has it.
 *
 * Locking: `lock` guards the table of records. Vulkan leaves it to the
 * application not to free memory that another thread is using.
 */
#ifndef TRANCHE_GATE_EXPORTABLE_MEMORY_H
#define TRANCHE_GATE_EXPORTABLE_MEMORY_H

#include <pthread.h>

#include <vulkan/vulkan.h>

#include "scheduler/gate/exportable/exportable_physical.h"

#define EXPORTABLE_BUCKETS 1024

/*
 * Functions of the next layer or the driver. get_fd and get_fd_properties are
 * NULL when VK_KHR_external_memory_fd is not the driver's or not enabled,
 * get_host_properties when the device does not need help.
 */
struct exportable_device_ops {
	PFN_vkAllocateMemory allocate;
	PFN_vkFreeMemory free;
	PFN_vkGetMemoryFdKHR get_fd;
	PFN_vkGetMemoryFdPropertiesKHR get_fd_properties;
	PFN_vkGetMemoryHostPointerPropertiesEXT get_host_properties;
	PFN_vkCreateBuffer create_buffer;
	PFN_vkCreateImage create_image;
};

struct exportable_record;

struct exportable_device {
	const struct exportable_physical *physical;
	const struct exportable_device_ops *ops;
	VkDevice handle;
	pthread_mutex_t lock;
	struct exportable_record *records[EXPORTABLE_BUCKETS];
};

/**
 * exportable_device_init() - Start keeping records
 * @device:	to be initialised
 * @physical:	what the device was made of; must outlive @device
 * @ops:	next-layer functions; must outlive @device
 * @handle:	the next layer's handle
 */
void exportable_device_init(struct exportable_device *device,
			    const struct exportable_physical *physical,
			    const struct exportable_device_ops *ops,
			    VkDevice handle);

/**
 * exportable_device_deinit() - Release what the application did not free
 * @device:	its VkDevice is already destroyed: no access can follow
 */
void exportable_device_deinit(struct exportable_device *device);

/**
 * exportable_memory_allocate() - vkAllocateMemory
 * @device:	the device
 * @info:	the request. Of the structures in its chain, those that have
 *		a meaning for imported host memory are passed on:
 *		VkMemoryAllocateFlagsInfo, VkMemoryPriorityAllocateInfoEXT and
 *		VkMemoryOpaqueCaptureAddressAllocateInfo
 * @allocator:	for the driver
 * @memory:	the result
 *
 * Return: VK_SUCCESS; VK_ERROR_INVALID_EXTERNAL_HANDLE for an import of what
 * is not open, too small or able to shrink; VK_ERROR_OUT_OF_DEVICE_MEMORY for
 * a size of 0 or beyond the heap, or where host memory of this type cannot be
 * imported; VK_ERROR_TOO_MANY_OBJECTS without a free descriptor;
 * VK_ERROR_OUT_OF_HOST_MEMORY; or the driver's error.
 */
VkResult exportable_memory_allocate(struct exportable_device *device,
				    const VkMemoryAllocateInfo *info,
				    const VkAllocationCallbacks *allocator,
				    VkDeviceMemory *memory);

/**
 * exportable_memory_free() - vkFreeMemory
 * @device:	the device
 * @memory:	may be VK_NULL_HANDLE
 * @allocator:	for the driver
 */
void exportable_memory_free(struct exportable_device *device,
			    VkDeviceMemory memory,
			    const VkAllocationCallbacks *allocator);

/**
 * exportable_memory_get_fd() - vkGetMemoryFdKHR
 * @device:	the device
 * @info:	the memory and the handle type
 * @fdp:	the result, close-on-exec, the caller's to close
 *
 * Return: VK_SUCCESS; VK_ERROR_VALIDATION_FAILED_EXT when the memory was not
 * allocated with this handle type; VK_ERROR_TOO_MANY_OBJECTS without a free
 * descriptor; or the driver's error.
 */
VkResult exportable_memory_get_fd(struct exportable_device *device,
				  const VkMemoryGetFdInfoKHR *info, int *fdp);

/**
 * exportable_memory_fd_properties() - vkGetMemoryFdPropertiesKHR
 * @device:	the device
 * @type:	VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
 * @fd:		stays the caller's
 * @properties:	the memory types into which @fd can be imported
 *
 * Return: VK_SUCCESS; VK_ERROR_INVALID_EXTERNAL_HANDLE when @fd is not open or
 * is a memory file that may not be imported; or the driver's error.
 */
VkResult
exportable_memory_fd_properties(struct exportable_device *device,
				VkExternalMemoryHandleTypeFlagBits type, int fd,
				VkMemoryFdPropertiesKHR *properties);

/**
 * exportable_buffer_create() - vkCreateBuffer
 * @device:	the device
 * @info:	the request; in the driver's eyes, a buffer for exportable
 *		memory is one for imported host memory, and is made as that
 * @allocator:	for the driver
 * @buffer:	the result
 *
 * Return: VK_SUCCESS, VK_ERROR_OUT_OF_HOST_MEMORY or the driver's error.
 */
VkResult exportable_buffer_create(struct exportable_device *device,
				  const VkBufferCreateInfo *info,
				  const VkAllocationCallbacks *allocator,
				  VkBuffer *buffer);

/**
 * exportable_image_create() - vkCreateImage
 * @device:	the device
 * @info:	the request, treated as in exportable_buffer_create()
 * @allocator:	for the driver
 * @image:	the result
 *
 * Return: VK_SUCCESS, VK_ERROR_OUT_OF_HOST_MEMORY or the driver's error.
 */
VkResult exportable_image_create(struct exportable_device *device,
				 const VkImageCreateInfo *info,
				 const VkAllocationCallbacks *allocator,
				 VkImage *image);

#endif
