// SPDX-License-Identifier: MIT
#include "mdev/gpu/gpu.h"

#include <errno.h>
#include <stdlib.h>

#include "mdev/gpu/functions.h"
#include "mdev/gpu/list.h"
#include "mdev/gpu/manifest.h"
#include "mdev/gpu/probe.h"

static int vulkan_add(struct gpu_list *list, const struct node_list *nodes,
		      const struct manifest_list *manifests)
{
	struct report *reports;
	int r;

	reports = calloc(manifests->count + 1, sizeof(*reports));
	if (!reports)
		return -ENOMEM;
	r = probe_drivers(NULL, manifests, PROBE_MS, reports);
	if (r == 0)
		r = gpu_list_match(list, nodes, reports, manifests->count);
	for (size_t i = 0; i < manifests->count; i++)
		report_deinit(&reports[i]);
	free(reports);
	return r;
}

static int devices_add(struct gpu_list *list, struct node_list *nodes)
{
	int r;

	*list = (struct gpu_list){0};
	r = node_list_init(nodes);
	return r < 0 ? r : functions_list(list, nodes);
}

int gpu_list_scan(struct gpu_list *list)
{
	__attribute__((cleanup(node_list_deinit))) struct node_list nodes = {0};
	int r = devices_add(list, &nodes);

	if (r < 0)
		gpu_list_deinit(list);
	return r;
}

int gpu_drivers_stamp(uint64_t *stamp)
{
	__attribute__((cleanup(
		manifest_list_deinit))) struct manifest_list manifests = {0};
	int r = manifest_list_init(&manifests);

	if (r == 0)
		*stamp = manifest_list_stamp(&manifests);
	return r;
}

int gpu_list_init(struct gpu_list *list)
{
	__attribute__((cleanup(
		manifest_list_deinit))) struct manifest_list manifests = {0};
	__attribute__((cleanup(node_list_deinit))) struct node_list nodes = {0};
	int r;

	r = devices_add(list, &nodes);
	if (r == 0)
		r = manifest_list_init(&manifests);
	if (r == 0)
		r = vulkan_add(list, &nodes, &manifests);
	if (r < 0)
		gpu_list_deinit(list);
	return r;
}
