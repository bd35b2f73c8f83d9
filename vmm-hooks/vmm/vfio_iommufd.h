/* SPDX-License-Identifier: MIT */
/*
 * The address space of devices that are opened by their own character device:
 * /dev/vfio/devices/vfioN and /dev/iommu. It holds what the container holds for
 * devices that are opened by their group: all of the guest's memory and nothing
 * else, at the guest's own addresses.
 *
 *   closed → open (the first device came, memory is mapped) → closed
 *
 * Owner: the container. Locking: none; main thread.
 */
#ifndef VMM_VFIO_IOMMUFD_H
#define VMM_VFIO_IOMMUFD_H

#include <stddef.h>
#include <stdint.h>

struct ram;
struct vfio_kvm;

struct vfio_iommufd {
	int fd; /* -1: closed */
	uint32_t space; /* the kernel's number of the address space */
	struct ram *ram;
	struct vfio_kvm *kvm;
};

void vfio_iommufd_init(struct vfio_iommufd *iommufd, struct vfio_kvm *kvm,
		       struct ram *ram);
void vfio_iommufd_deinit(struct vfio_iommufd *iommufd);

/**
 * vfio_iommufd_find - whether a device can be opened this way
 * @path: the device in sysfs
 * @node: becomes its character device
 * @size: of @node in bytes
 *
 * Return: 0; -ENOENT: kernel, driver or /dev do not offer it.
 */
int vfio_iommufd_find(const char *path, char *node, size_t size);

/**
 * vfio_iommufd_open_device - open a device into the address space
 * @iommufd: where to
 * @node: its character device
 * @name: what the user calls it
 *
 * Reports what went wrong.
 *
 * Return: the device's descriptor, or negative errno.
 */
int vfio_iommufd_open_device(struct vfio_iommufd *iommufd, const char *node,
			     const char *name);

#endif
