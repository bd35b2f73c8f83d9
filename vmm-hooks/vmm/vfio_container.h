/* SPDX-License-Identifier: MIT */
/*
 * VFIO's container: the address space of all devices given to one guest. The
 * guest's memory, all of it and nothing else, is mapped at the guest's own
 * addresses. Devices are opened by their own character device where kernel and
 * /dev offer that (vfio_iommufd.h), else by their group.
 *
 *   closed → open (the first device came, memory is mapped) → closed
 *
 * Owner: the machine's devices; it outlives every device in it. Locking: none;
 * set-up and teardown happen on the main thread.
 */
#ifndef VMM_VFIO_CONTAINER_H
#define VMM_VFIO_CONTAINER_H

#include "vmm-hooks/vmm/vfio_iommufd.h"
#include "vmm-hooks/vmm/vfio_kvm.h"

struct ram;
struct vm;

#define VFIO_GROUPS_MAX 8

struct vfio_container {
	int fd; /* of the groups; -1: closed */
	struct vfio_kvm kvm;
	struct vfio_iommufd iommufd;
	struct ram *ram;
	struct {
		int number;
		int fd;
	} groups[VFIO_GROUPS_MAX];
	unsigned int group_count;
};

void vfio_container_init(struct vfio_container *container, struct vm *vm,
			 struct ram *ram);
void vfio_container_deinit(struct vfio_container *container);

/**
 * vfio_container_open_device - join a device's group and open the device
 * @container: where to
 * @path: the device in sysfs
 * @name: its name there: PCI address, or UUID
 *
 * Reports what can be wrong: no such device, no IOMMU group, a group that is
 * not viable and which device is to blame, a device in use, the memlock limit.
 *
 * Return: the device's descriptor, or negative errno.
 */
int vfio_container_open_device(struct vfio_container *container,
			       const char *path, const char *name);

#endif
