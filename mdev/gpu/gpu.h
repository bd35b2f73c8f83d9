/* SPDX-License-Identifier: MIT */
/*
 * The physical GPUs of this host: what PCI, DRM and Vulkan say of each, put
 * together. A Vulkan device without a PCI function (lavapipe) is a GPU as well,
 * marked `software`: it can be shared among programs of the host, and can be no
 * parent of mediated devices.
 *
 * Asking Vulkan loads the GPU's driver; that runs in a short-lived child, so
 * that the process that calls never has a driver in it. It takes long: whoever
 * can't wait keeps the answer, with gpu_drivers_stamp() to know when it ages.
 *
 * States: a list is filled once, by gpu_list_init() or gpu_list_scan(). It owns
 * all its strings. Locking: none; a list is its caller's alone, and lists can be
 * made by several threads.
 */
#ifndef MDEV_GPU_GPU_H
#define MDEV_GPU_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPU_BARS 6
#define GPU_HEAPS 16

struct gpu {
	char address[16]; /* "0000:01:00.0", or "software" */
	char *vendor; /* names of pci.ids, or numbers when it has none */
	char *name;
	char *driver; /* kernel driver it is bound to, or NULL */
	char *render_node; /* /dev/dri/renderD128, or NULL */
	int iommu_group; /* -1: none */
	uint16_t vendor_id;
	uint16_t device_id;
	uint64_t bar_size[GPU_BARS];
	char *vulkan_name; /* NULL: no Vulkan device */
	char *vulkan_driver; /* driverName and driverInfo */
	char *vulkan_library; /* the ICD: path of the driver's library */
	uint32_t vulkan_api;
	uint64_t vram; /* bytes of its device-local heaps */
	uint64_t heaps[GPU_HEAPS + 1]; /* bytes; 0 ends */
	bool exports; /* host-visible memory can be exported as dma-buf */
	bool software;
};

struct gpu_list {
	struct gpu *gpus;
	size_t count;
};

/**
 * gpu_list_init - look at what is there
 * @list: filled in; GPUs by PCI address, a software one last
 *
 * A GPU whose Vulkan driver crashes or hangs (30 s) is listed without Vulkan.
 *
 * Return: 0; -ENOENT: tranche-probe is not installed; another negative errno.
 */
int gpu_list_init(struct gpu_list *list);
void gpu_list_deinit(struct gpu_list *list);

/**
 * gpu_list_scan - the same without asking Vulkan: a matter of milliseconds
 * @list: filled in; a software GPU is none without Vulkan
 *
 * Return: 0 or a negative errno.
 */
int gpu_list_scan(struct gpu_list *list);

/**
 * gpu_drivers_stamp - a number that changes with the host's Vulkan drivers
 * @stamp: of their manifests and, where these name a path, their libraries
 *
 * Return: 0 or a negative errno.
 */
int gpu_drivers_stamp(uint64_t *stamp);

/**
 * gpu_move - take a GPU out of a list
 * @gpu: filled in
 * @from: left empty
 */
void gpu_move(struct gpu *gpu, struct gpu *from);

/**
 * gpu_vulkan_move - take over what Vulkan said
 * @gpu: nothing of Vulkan's yet
 * @from: left without Vulkan
 */
void gpu_vulkan_move(struct gpu *gpu, struct gpu *from);

/**
 * gpu_software_name - give the software GPU its names
 * @gpu: with what Vulkan said
 *
 * Return: 0 or a negative errno.
 */
int gpu_software_name(struct gpu *gpu);

void gpu_deinit(struct gpu *gpu);

/* gpu_is - whether this is its address, with or without the domain */
bool gpu_is(const struct gpu *gpu, const char *address);

/**
 * gpu_find - by PCI address or "software"
 * @list: the list
 * @address: with or without the domain
 *
 * Return: the GPU, or NULL.
 */
const struct gpu *gpu_find(const struct gpu_list *list, const char *address);

#endif
