// SPDX-License-Identifier: MIT
#include "mdev/gpu/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

_Static_assert(GPU_HEAPS == REPORT_HEAPS, "a GPU holds what a report can say");

struct gpu *gpu_list_append(struct gpu_list *list, const char *address)
{
	struct gpu *gpus;
	struct gpu *gpu;

	gpus = reallocarray(list->gpus, list->count + 1, sizeof(*gpus));
	if (!gpus)
		return NULL;
	list->gpus = gpus;
	gpu = &gpus[list->count++];
	*gpu = (struct gpu){.iommu_group = -1};
	snprintf(gpu->address, sizeof(gpu->address), "%s", address);
	return gpu;
}

void gpu_deinit(struct gpu *gpu)
{
	free(gpu->vendor);
	free(gpu->name);
	free(gpu->driver);
	free(gpu->render_node);
	free(gpu->vulkan_name);
	free(gpu->vulkan_driver);
	free(gpu->vulkan_library);
	*gpu = (struct gpu){0};
}

void gpu_move(struct gpu *gpu, struct gpu *from)
{
	*gpu = *from;
	*from = (struct gpu){0};
}

void gpu_vulkan_move(struct gpu *gpu, struct gpu *from)
{
	gpu->vulkan_name = from->vulkan_name;
	gpu->vulkan_driver = from->vulkan_driver;
	gpu->vulkan_library = from->vulkan_library;
	gpu->vulkan_api = from->vulkan_api;
	gpu->vram = from->vram;
	memcpy(gpu->heaps, from->heaps, sizeof(gpu->heaps));
	gpu->exports = from->exports;
	from->vulkan_name = NULL;
	from->vulkan_driver = NULL;
	from->vulkan_library = NULL;
}

int gpu_software_name(struct gpu *gpu)
{
	gpu->vendor = strdup("Software");
	gpu->name = strdup(gpu->vulkan_name);
	return gpu->vendor && gpu->name ? 0 : -ENOMEM;
}

void gpu_list_deinit(struct gpu_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		gpu_deinit(&list->gpus[i]);
	free(list->gpus);
	*list = (struct gpu_list){0};
}

bool gpu_is(const struct gpu *gpu, const char *address)
{
	const char *full = gpu->address;

	return strcmp(full, address) == 0 || (strncmp(full, "0000:", 5) == 0 &&
					      strcmp(full + 5, address) == 0);
}

const struct gpu *gpu_find(const struct gpu_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (gpu_is(&list->gpus[i], address))
			return &list->gpus[i];
	return NULL;
}

static struct gpu *find_by_address(struct gpu_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->gpus[i].address, address) == 0)
			return &list->gpus[i];
	return NULL;
}

static struct gpu *find_by_render(struct gpu_list *list,
				  const struct node_list *nodes,
				  const struct report_device *device)
{
	dev_t number = makedev(device->render_major, device->render_minor);

	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->nodes[i].number == number)
			return find_by_address(list, nodes->nodes[i].address);
	return NULL;
}

static struct gpu *find_by_identity(struct gpu_list *list,
				    const struct node_list *nodes,
				    const struct report_device *device)
{
	struct gpu *gpu = NULL;

	if (device->pci)
		gpu = find_by_address(list, device->pci);
	if (!gpu && device->has_render)
		gpu = find_by_render(list, nodes, device);
	return gpu;
}

static struct gpu *find_by_elimination(struct gpu_list *list)
{
	struct gpu *found = NULL;

	for (size_t i = 0; i < list->count; i++) {
		struct gpu *gpu = &list->gpus[i];

		if (gpu->software || !gpu->driver || gpu->vulkan_name)
			continue;
		if (found)
			return NULL;
		found = gpu;
	}
	return found;
}

static void device_give(struct gpu *gpu, struct report_device *device)
{
	if (gpu->vulkan_name)
		return;
	gpu->vulkan_name = device->name;
	gpu->vulkan_driver = device->driver;
	gpu->vulkan_library = device->library;
	device->name = NULL;
	device->driver = NULL;
	device->library = NULL;
	gpu->vulkan_api = device->api;
	gpu->exports = device->exports;
	for (size_t i = 0; i < device->heap_count; i++) {
		gpu->heaps[i] = device->heaps[i].bytes;
		if (device->heaps[i].local)
			gpu->vram += device->heaps[i].bytes;
	}
}

static int software_append(struct gpu_list *list, struct report_device *device)
{
	struct gpu *gpu;

	if (find_by_address(list, "software"))
		return 0;
	gpu = gpu_list_append(list, "software");
	if (!gpu)
		return -ENOMEM;
	gpu->software = true;
	device_give(gpu, device);
	return gpu_software_name(gpu);
}

static bool names_itself(const struct report_device *device)
{
	return device->pci || device->has_render;
}

/* What find_by_identity() found is without a name now and not looked at. */
static int device_place(struct gpu_list *list, struct report_device *device)
{
	struct gpu *gpu;

	if (!device->name || names_itself(device))
		return 0;
	if (device->cpu)
		return software_append(list, device);
	gpu = find_by_elimination(list);
	if (gpu)
		device_give(gpu, device);
	return 0;
}

int gpu_list_match(struct gpu_list *list, const struct node_list *nodes,
		   struct report *reports, size_t count)
{
	struct gpu *gpu;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < reports[i].count; j++) {
			gpu = find_by_identity(list, nodes,
					       &reports[i].devices[j]);
			if (gpu)
				device_give(gpu, &reports[i].devices[j]);
		}
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < reports[i].count && r == 0; j++)
			r = device_place(list, &reports[i].devices[j]);
	return r;
}
