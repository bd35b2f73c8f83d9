/* SPDX-License-Identifier: MIT */
/*
 * Whether a Vulkan device's host-visible memory can leave the process as a
 * dma-buf, which a guest's mappings are made of. No state, no locking.
 */
#ifndef MDEV_GPU_EXPORT_H
#define MDEV_GPU_EXPORT_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

/**
 * export_works - by trying it with a small allocation of each type
 * @physical: the device
 *
 * Return: whether the driver promised it and it worked.
 */
bool export_works(VkPhysicalDevice physical);

#endif
