/* SPDX-License-Identifier: MIT */
/*
 * What a physical device is said to be able to export.
 *
 * Some drivers can import host memory but export nothing: Mesa's lavapipe
 * where the kernel has no /dev/udmabuf. For these, exportable_memory.h makes
 * exportable memory out of memory files, and this module amends the answers to
 * the physical-device queries to say so. Of a driver that exports dma-bufs by
 * itself, and of one that cannot import host memory, every answer is passed on
 * as it is: `needed` is false and nothing here changes anything.
 *
 * Besides, venus (Mesa's driver in a guest) offers external memory only on
 * a host that lists VK_EXT_image_drm_format_modifier and
 * VK_EXT_queue_family_foreign. Where the driver lacks them they are added to
 * the list, and taken away again when a device is made. Both are kept
 * truthful: no format has any modifier, and no image with one can be made;
 * memory files have no foreign users that would need a transfer.
 *
 * States: a struct exportable_physical is constant after its initialisation.
 *
 * Ownership: it holds nothing; the caller keeps it as long as the instance.
 *
 * Locking: none needed.
 */
#ifndef TRANCHE_GATE_EXPORTABLE_PHYSICAL_H
#define TRANCHE_GATE_EXPORTABLE_PHYSICAL_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

/* The handle types under which memory files are given out and taken in. */
#define EXPORTABLE_HANDLE_TYPES                           \
	(VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT | \
	 VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT)

/* Functions of the next layer or the driver; all of them must be there. */
struct exportable_physical_ops {
	PFN_vkEnumerateDeviceExtensionProperties enumerate_extensions;
	PFN_vkGetPhysicalDeviceProperties2 get_properties;
	PFN_vkGetPhysicalDeviceMemoryProperties get_memory_properties;
	PFN_vkGetPhysicalDeviceExternalBufferProperties get_buffer_properties;
	PFN_vkGetPhysicalDeviceImageFormatProperties2 get_image_properties;
};

struct exportable_physical {
	const struct exportable_physical_ops *ops;
	VkPhysicalDevice handle;
	bool needed;
	/* The rest has a meaning only if `needed`. */
	uint32_t missing; /* bit i: extension i of ours is not the driver's */
	VkDeviceSize alignment; /* minImportedHostPointerAlignment, bytes */
	VkPhysicalDeviceMemoryProperties memory;
};

/* What exportable_device_info_init() makes of the caller's creation info. */
struct exportable_device_info {
	VkDeviceCreateInfo info;
	const char **names; /* owned */
};

/**
 * exportable_physical_init() - Find out what a driver can do
 * @physical:	to be initialised
 * @ops:	next-layer functions; must outlive @physical
 * @handle:	the next layer's handle
 *
 * Cannot fail: where a query fails, `needed` is false.
 */
void exportable_physical_init(struct exportable_physical *physical,
			      const struct exportable_physical_ops *ops,
			      VkPhysicalDevice handle);

/**
 * exportable_physical_enumerate() - vkEnumerateDeviceExtensionProperties
 * @physical:	the device
 * @count:	as in Vulkan: capacity in, number out
 * @properties:	room for *@count, or NULL to ask for the number
 *
 * For a NULL layer name only; other names are the next layer's to answer.
 *
 * Return: VK_SUCCESS, VK_INCOMPLETE, or the driver's error.
 */
VkResult
exportable_physical_enumerate(const struct exportable_physical *physical,
			      uint32_t *count,
			      VkExtensionProperties *properties);

/**
 * exportable_physical_buffer() - vkGetPhysicalDeviceExternalBufferProperties
 * @physical:	the device
 * @info:	the query
 * @properties:	the answer: for DMA_BUF and OPAQUE_FD, exportable and
 *		importable if host memory can be imported for such a buffer
 */
void exportable_physical_buffer(const struct exportable_physical *physical,
				const VkPhysicalDeviceExternalBufferInfo *info,
				VkExternalBufferProperties *properties);

/**
 * exportable_physical_image() - vkGetPhysicalDeviceImageFormatProperties2
 * @physical:	the device
 * @info:	the query
 * @properties:	the answer; a VkExternalImageFormatProperties in its chain
 *		is filled as exportable_physical_buffer() does
 *
 * Return: VK_SUCCESS, VK_ERROR_FORMAT_NOT_SUPPORTED (also for every image
 * with a DRM format modifier, when the driver has none), or the driver's
 * error.
 */
VkResult exportable_physical_image(const struct exportable_physical *physical,
				   const VkPhysicalDeviceImageFormatInfo2 *info,
				   VkImageFormatProperties2 *properties);

/**
 * exportable_physical_format() - Finish vkGetPhysicalDeviceFormatProperties2
 * @physical:	the device
 * @properties:	the driver's answer; lists of DRM format modifiers in its
 *		chain, unknown to the driver, are made empty
 */
void exportable_physical_format(const struct exportable_physical *physical,
				VkFormatProperties2 *properties);

/**
 * exportable_device_info_init() - What to ask of the driver at vkCreateDevice
 * @out:	to be initialised; exportable_device_info_deinit() it
 * @physical:	the device
 * @info:	what the application asked for; must outlive @out
 *
 * Takes away those of our extensions that the driver lacks and adds
 * VK_EXT_external_memory_host with VK_KHR_external_memory, which it depends on.
 *
 * Return: VK_SUCCESS or VK_ERROR_OUT_OF_HOST_MEMORY.
 */
VkResult exportable_device_info_init(struct exportable_device_info *out,
				     const struct exportable_physical *physical,
				     const VkDeviceCreateInfo *info);

/**
 * exportable_device_info_deinit() - Free the list of names
 * @info:	zeroed or from exportable_device_info_init()
 */
void exportable_device_info_deinit(struct exportable_device_info *info);

#define _cleanup_device_info_ \
	__attribute__((cleanup(exportable_device_info_deinit)))

#endif
