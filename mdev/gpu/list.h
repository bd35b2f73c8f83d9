/* SPDX-License-Identifier: MIT */
/*
 * How a list of GPUs grows and how Vulkan's devices find their GPU in it. For
 * the files of this folder; users have gpu.h. Locking: none.
 */
#ifndef MDEV_GPU_LIST_H
#define MDEV_GPU_LIST_H

#include "mdev/gpu/gpu.h"
#include "mdev/gpu/nodes.h"
#include "mdev/gpu/report.h"

/**
 * gpu_list_append - one more GPU, of which only the address is known
 * @list: the list
 * @address: "0000:01:00.0" or "software"
 *
 * Return: the GPU, valid until the next call, or NULL without memory.
 */
struct gpu *gpu_list_append(struct gpu_list *list, const char *address);

/**
 * gpu_list_match - give Vulkan's devices to their GPUs
 * @list: the PCI GPUs; a `software` one is appended for the first device that
 *        runs on the processor
 * @nodes: the render nodes
 * @reports: what the drivers say, in order of precedence: the first device of
 *           a GPU stays; strings are moved out of them
 * @count: how many
 *
 * A device is matched by its PCI address, else by its render node. One whose
 * driver tells neither belongs to the only GPU with a kernel driver that is
 * left without a device, if there is but one.
 *
 * Return: 0 or a negative errno.
 */
int gpu_list_match(struct gpu_list *list, const struct node_list *nodes,
		   struct report *reports, size_t count);

#endif
