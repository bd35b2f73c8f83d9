// SPDX-License-Identifier: MIT
#include "mdev/gpu/nodes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xf86drm.h>

static bool has_render_node(const drmDevice *device)
{
	return device->bustype == DRM_BUS_PCI &&
	       (device->available_nodes & (1 << DRM_NODE_RENDER));
}

static int node_fill(struct node *node, const drmDevice *device)
{
	const drmPciBusInfo *pci = device->businfo.pci;
	struct stat st;

	snprintf(node->address, sizeof(node->address), "%04x:%02x:%02x.%x",
		 pci->domain, pci->bus, pci->dev, pci->func);
	if (stat(device->nodes[DRM_NODE_RENDER], &st) == 0)
		node->number = st.st_rdev;
	node->path = strdup(device->nodes[DRM_NODE_RENDER]);
	return node->path ? 0 : -ENOMEM;
}

static int nodes_fill(struct node_list *list, drmDevicePtr *devices, int count)
{
	int r = 0;

	list->nodes = calloc((size_t)count + 1, sizeof(*list->nodes));
	if (!list->nodes)
		return -ENOMEM;
	for (int i = 0; i < count && r == 0; i++)
		if (has_render_node(devices[i]))
			r = node_fill(&list->nodes[list->count++], devices[i]);
	return r;
}

int node_list_init(struct node_list *list)
{
	drmDevicePtr *devices;
	int count, r;

	*list = (struct node_list){0};
	count = drmGetDevices2(0, NULL, 0);
	if (count <= 0)
		return count == -ENOMEM ? count : 0;
	devices = calloc((size_t)count, sizeof(*devices));
	if (!devices)
		return -ENOMEM;
	/* One that was plugged in meanwhile is left out. */
	count = drmGetDevices2(0, devices, count);
	r = count < 0 ? count : nodes_fill(list, devices, count);
	if (count > 0)
		drmFreeDevices(devices, count);
	free(devices);
	if (r < 0)
		node_list_deinit(list);
	return r;
}

void node_list_deinit(struct node_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->nodes[i].path);
	free(list->nodes);
	*list = (struct node_list){0};
}

const struct node *node_find(const struct node_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->nodes[i].address, address) == 0)
			return &list->nodes[i];
	return NULL;
}
