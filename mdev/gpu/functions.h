/* SPDX-License-Identifier: MIT */
/*
 * The PCI functions of this host that are GPUs, by libpciaccess and sysfs.
 * Locking: libpciaccess has one state per process, so calls take turns.
 */
#ifndef MDEV_GPU_FUNCTIONS_H
#define MDEV_GPU_FUNCTIONS_H

#include "mdev/gpu/gpu.h"
#include "mdev/gpu/nodes.h"

/**
 * functions_list - append what PCI has
 * @list: gets a GPU for each display controller and each function with a render
 *        node, in the order of their addresses
 * @nodes: the render nodes
 *
 * A host without PCI has none, which is no error.
 *
 * Return: 0 or a negative errno.
 */
int functions_list(struct gpu_list *list, const struct node_list *nodes);

#endif
