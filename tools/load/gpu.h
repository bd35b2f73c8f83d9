/* SPDX-License-Identifier: MIT */
/*
 * The GPUs that Vulkan shows, and choosing one.
 *
 * struct gpu_set holds the Vulkan instance; the GPUs in it are valid until
 * gpu_set_free(). Read only after gpu_set_new(), so it may be shared by
 * threads.
 */
#ifndef TRANCHE_LOAD_GPU_H
#define TRANCHE_LOAD_GPU_H

#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#define GPU_FAMILIES_MAX 16

struct gpu {
	VkPhysicalDevice handle;
	char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
	/* "unknown" where the driver does not name itself. */
	char driver[VK_MAX_DRIVER_NAME_SIZE];
	char driver_info[VK_MAX_DRIVER_INFO_SIZE];
	/* As 0000:01:00.0; empty where the driver does not tell. */
	char pci[16];
	const char *type;
	VkPhysicalDeviceProperties properties;
	/* Bytes of all device-local heaps. */
	uint64_t memory;
	/* Largest single allocation. */
	uint64_t allocation_max;
	uint32_t n_families;
	VkQueueFamilyProperties families[GPU_FAMILIES_MAX];
};

struct gpu_set {
	VkInstance instance;
	size_t n_gpus;
	struct gpu *gpus;
};

/**
 * gpu_set_new() - start Vulkan and look at its GPUs
 * @setp: where the set goes; free it with gpu_set_free()
 *
 * Return: 0; -ENOTSUP when there is no Vulkan 1.1 driver; another negative
 * errno. Failures are told.
 */
int gpu_set_new(struct gpu_set **setp);

/**
 * gpu_set_free() - end Vulkan
 * @set: the set or NULL; no device of it may exist any more
 */
void gpu_set_free(struct gpu_set *set);

static inline void gpu_set_freep(struct gpu_set **setp)
{
	gpu_set_free(*setp);
}

/**
 * gpu_set_find() - choose a GPU
 * @set: the GPUs
 * @selector: an index; a PCI address with or without domain; a part of a name,
 *            whatever the case, that only one GPU has; or NULL: the first GPU
 *            that is no CPU, else the first
 * @gpup: where the GPU goes
 *
 * Return: 0; -ENOENT when none fits; -ENOTUNIQ when several do. Failures are
 * told, naming what there is.
 */
int gpu_set_find(const struct gpu_set *set, const char *selector,
		 const struct gpu **gpup);

/**
 * gpu_find_family() - choose a queue family
 * @gpu: the GPU
 * @wanted: its index, or negative for the first that computes
 *
 * Return: the index; -ENOENT when it does not exist or can't compute. Failures
 * are told.
 */
int gpu_find_family(const struct gpu *gpu, int wanted);

#endif
