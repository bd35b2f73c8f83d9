/* SPDX-License-Identifier: MIT */
/*
 * Asks Vulkan what devices one driver has. Runs in the probing child alone: the
 * driver is code of others and can crash or hang.
 *
 * States: none is kept; the report belongs to the caller. Locking: none.
 */
#ifndef MDEV_GPU_VULKAN_H
#define MDEV_GPU_VULKAN_H

#include "mdev/gpu/report.h"

/**
 * vulkan_report - fill a report by the driver that the loader finds
 * @library: name of the driver's library, as its manifest has it
 * @report: filled in; devices without Vulkan 1.1 are left out
 *
 * Return: 0; -ENODEV: the driver has no device; another negative errno.
 */
int vulkan_report(const char *library, struct report *report);

#endif
