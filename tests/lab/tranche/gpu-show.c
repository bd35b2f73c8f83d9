// SPDX-License-Identifier: MIT
/* Prints what mdev/gpu finds, a line "ADDRESS KEY VALUE" each, for scripts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mdev/gpu/gpu.h"

static void print_text(const struct gpu *gpu, const char *key,
		       const char *value)
{
	printf("%s %s %s\n", gpu->address, key, value ? value : "-");
}

static void print_number(const struct gpu *gpu, const char *key, uint64_t value)
{
	printf("%s %s %" PRIu64 "\n", gpu->address, key, value);
}

static void print_gpu(const struct gpu *gpu)
{
	char key[16];

	print_text(gpu, "vendor", gpu->vendor);
	print_text(gpu, "name", gpu->name);
	print_text(gpu, "driver", gpu->driver);
	print_text(gpu, "render_node", gpu->render_node);
	printf("%s iommu_group %d\n", gpu->address, gpu->iommu_group);
	printf("%s id %04x:%04x\n", gpu->address, gpu->vendor_id,
	       gpu->device_id);
	for (int i = 0; i < GPU_BARS; i++) {
		snprintf(key, sizeof(key), "bar%d", i);
		print_number(gpu, key, gpu->bar_size[i]);
	}
	print_text(gpu, "vulkan_name", gpu->vulkan_name);
	print_text(gpu, "vulkan_driver", gpu->vulkan_driver);
	print_text(gpu, "vulkan_library", gpu->vulkan_library);
	print_number(gpu, "vram", gpu->vram);
	print_number(gpu, "exports", gpu->exports);
	print_number(gpu, "software", gpu->software);
}

int main(void)
{
	struct gpu_list list;
	int r;

	r = gpu_list_init(&list);
	if (r < 0) {
		fprintf(stderr, "gpu-show: %s\n", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < list.count; i++)
		print_gpu(&list.gpus[i]);
	gpu_list_deinit(&list);
	return 0;
}
