/* SPDX-License-Identifier: MIT */
/*
 * Vulkan's results as errno values and as names.
 */
#ifndef TRANCHE_LOAD_VULKAN_ERROR_H
#define TRANCHE_LOAD_VULKAN_ERROR_H

#include <vulkan/vulkan.h>

/**
 * vulkan_errno() - the errno of a result
 * @result: what a Vulkan call returned
 *
 * Return: 0 for success; -ENOMEM out of host or device memory; -ENODEV device
 * lost; -ETIMEDOUT not ready in time; -ENOTSUP a missing feature or driver;
 * -EIO anything else.
 */
int vulkan_errno(VkResult result);

/**
 * vulkan_name() - the name of a result
 * @result: what a Vulkan call returned
 *
 * Return: such as "VK_ERROR_DEVICE_LOST".
 */
const char *vulkan_name(VkResult result);

/**
 * vulkan_fail() - tell a failure and turn it into an errno
 * @result: what a Vulkan call returned, no success
 * @what: what could not be done, such as "submit work"
 *
 * Return: as vulkan_errno().
 */
int vulkan_fail(VkResult result, const char *what);

#endif
