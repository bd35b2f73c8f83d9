/* SPDX-License-Identifier: MIT */
/*
 * What Vulkan said of each GPU, kept for the next broker: asking takes seconds
 * on a busy host, and gates wait for their doors meanwhile. RUN/vulkan/ADDRESS.
 *
 * An answer holds for the boot, the GPU's ids, kernel driver and render node,
 * and the Vulkan drivers that it was given for, and for no others.
 *
 * Stateless. Locking: none.
 */
#ifndef BROKER_VULKAN_CACHE_H
#define BROKER_VULKAN_CACHE_H

#include "mdev/gpu/gpu.h"

/**
 * vulkan_cache_write - keep an answer
 * @run: folder
 * @gpu: with what Vulkan said
 *
 * Return: 0; -EINVAL for names that are no text; another negative errno.
 */
int vulkan_cache_write(const char *run, const struct gpu *gpu);

/**
 * vulkan_cache_read - take an answer over
 * @run: folder
 * @gpu: as gpu_list_scan() found it; changed when 0 is returned
 *
 * Return: 0; -ESTALE when it is of another GPU, driver or boot; -EBADMSG;
 * another negative errno.
 */
int vulkan_cache_read(const char *run, struct gpu *gpu);

#endif
