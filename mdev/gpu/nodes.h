/* SPDX-License-Identifier: MIT */
/*
 * The DRM render nodes of the PCI functions of this host, by libdrm.
 *
 * States: a list is filled once and then only read; it owns its strings.
 * Locking: none.
 */
#ifndef MDEV_GPU_NODES_H
#define MDEV_GPU_NODES_H

#include <stddef.h>
#include <sys/types.h>

struct node {
	char address[16]; /* of its PCI function */
	char *path; /* /dev/dri/renderD128 */
	dev_t number;
};

struct node_list {
	struct node *nodes;
	size_t count;
};

/**
 * node_list_init - which render nodes there are
 * @list: filled in; empty on a host without DRM
 *
 * Return: 0 or a negative errno.
 */
int node_list_init(struct node_list *list);
void node_list_deinit(struct node_list *list);

/**
 * node_find - by PCI address
 * @list: the list
 * @address: with the domain
 *
 * Return: the node, or NULL.
 */
const struct node *node_find(const struct node_list *list, const char *address);

#endif
