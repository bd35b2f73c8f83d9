// SPDX-License-Identifier: MIT
#include "mdev/gpu/functions.h"

#include <errno.h>
#include <pciaccess.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdev/gpu/list.h"

#define CLASS_DISPLAY 0x03

static pthread_mutex_t pci_lock = PTHREAD_MUTEX_INITIALIZER;

static void address_format(char address[static 16],
			   const struct pci_device *device)
{
	snprintf(address, 16, "%04x:%02x:%02x.%x", device->domain, device->bus,
		 device->dev, device->func);
}

/* The last part of where a link in the function's sysfs folder leads. */
static char *link_read(const char *address, const char *name)
{
	char path[64], target[4096];
	ssize_t length;
	char *slash;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address,
		 name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return NULL;
	target[length] = '\0';
	slash = strrchr(target, '/');
	return strdup(slash ? slash + 1 : target);
}

static int group_read(const char *address)
{
	char *text = link_read(address, "iommu_group");
	int group = text ? atoi(text) : -1;

	free(text);
	return group;
}

static int name_copy(char **copyp, const char *name, uint16_t number)
{
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", number);
	*copyp = strdup(name ? name : text);
	return *copyp ? 0 : -ENOMEM;
}

static int names_fill(struct gpu *gpu, struct pci_device *device)
{
	int r;

	r = name_copy(&gpu->vendor, pci_device_get_vendor_name(device),
		      device->vendor_id);
	if (r < 0)
		return r;
	return name_copy(&gpu->name, pci_device_get_device_name(device),
			 device->device_id);
}

static int gpu_fill(struct gpu *gpu, struct pci_device *device,
		    const struct node *node)
{
	gpu->vendor_id = device->vendor_id;
	gpu->device_id = device->device_id;
	if (pci_device_probe(device) == 0)
		for (int i = 0; i < GPU_BARS; i++)
			gpu->bar_size[i] = device->regions[i].size;
	gpu->driver = link_read(gpu->address, "driver");
	gpu->iommu_group = group_read(gpu->address);
	if (node) {
		gpu->render_node = strdup(node->path);
		if (!gpu->render_node)
			return -ENOMEM;
	}
	return names_fill(gpu, device);
}

static int function_append(struct gpu_list *list, const struct node_list *nodes,
			   struct pci_device *device)
{
	const struct node *node;
	char address[16];
	struct gpu *gpu;

	address_format(address, device);
	node = node_find(nodes, address);
	/* Base class, subclass, interface: one byte each. */
	if (device->device_class >> 16 != CLASS_DISPLAY && !node)
		return 0;
	gpu = gpu_list_append(list, address);
	return gpu ? gpu_fill(gpu, device, node) : -ENOMEM;
}

static int address_compare(const void *a, const void *b)
{
	const struct gpu *left = a, *right = b;

	return strcmp(left->address, right->address);
}

/* With libpciaccess to itself. */
static int list_locked(struct gpu_list *list, const struct node_list *nodes)
{
	struct pci_device_iterator *iterator;
	struct pci_device *device;
	int r = 0;

	if (pci_system_init() != 0)
		return 0;
	iterator = pci_slot_match_iterator_create(NULL);
	while (iterator && r == 0 && (device = pci_device_next(iterator)))
		r = function_append(list, nodes, device);
	if (!iterator)
		r = -ENOMEM;
	pci_iterator_destroy(iterator);
	pci_system_cleanup();
	if (list->count)
		qsort(list->gpus, list->count, sizeof(*list->gpus),
		      address_compare);
	return r;
}

int functions_list(struct gpu_list *list, const struct node_list *nodes)
{
	int r;

	pthread_mutex_lock(&pci_lock);
	r = list_locked(list, nodes);
	pthread_mutex_unlock(&pci_lock);
	return r;
}
