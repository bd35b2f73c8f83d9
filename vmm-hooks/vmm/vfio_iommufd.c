// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_iommufd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vfio_kvm.h"
#include "vmm-hooks/vmm/vfio_memory.h"

#define IOMMU_DEVICE "/dev/iommu"

void vfio_iommufd_init(struct vfio_iommufd *iommufd, struct vfio_kvm *kvm,
		       struct ram *ram)
{
	*iommufd = (struct vfio_iommufd){.fd = -1, .kvm = kvm, .ram = ram};
}

void vfio_iommufd_deinit(struct vfio_iommufd *iommufd)
{
	close_fd(&iommufd->fd);
}

int vfio_iommufd_find(const char *path, char *node, size_t size)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	int r = -ENOENT;
	DIR *directory;

	if (access(IOMMU_DEVICE, F_OK) < 0)
		return -ENOENT;
	snprintf(folder, sizeof(folder), "%s/vfio-dev", path);
	directory = opendir(folder);
	while (directory && r < 0 && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(node, size, "/dev/vfio/devices/%.32s", entry->d_name);
		if (access(node, F_OK) == 0)
			r = 0;
	}
	if (directory)
		closedir(directory);
	return r;
}

static int map_memory(struct vfio_iommufd *iommufd)
{
	struct ram *ram = iommufd->ram;

	for (unsigned int i = 0; i < ram->range_count; i++) {
		struct iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = IOMMU_IOAS_MAP_FIXED_IOVA |
				 IOMMU_IOAS_MAP_READABLE |
				 IOMMU_IOAS_MAP_WRITEABLE,
			.ioas_id = iommufd->space,
			.user_va = (uintptr_t)ram->base + ram->ranges[i].offset,
			.length = ram->ranges[i].size,
			.iova = ram->ranges[i].addr,
		};

		if (ioctl(iommufd->fd, IOMMU_IOAS_MAP, &map) < 0)
			return vfio_memory_report(-errno, ram->size);
	}
	return 0;
}

static int open_space(struct vfio_iommufd *iommufd)
{
	struct iommu_ioas_alloc alloc = {.size = sizeof(alloc)};

	if (iommufd->fd >= 0)
		return 0;
	iommufd->fd = open(IOMMU_DEVICE, O_RDWR | O_CLOEXEC);
	if (iommufd->fd < 0)
		return report(-errno,
			      "cannot open " IOMMU_DEVICE
			      ": %s; give this user access to it",
			      strerror(errno));
	if (ioctl(iommufd->fd, IOMMU_IOAS_ALLOC, &alloc) < 0)
		return report(-errno, IOMMU_DEVICE " has no address space: %s",
			      strerror(errno));
	iommufd->space = alloc.out_ioas_id;
	vfio_memory_raise();
	return map_memory(iommufd);
}

static int open_node(const char *node, const char *name)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return report(-errno,
		      "'%s': cannot open %s: %s; give this user access to it",
		      name, node, strerror(errno));
}

static int attach(struct vfio_iommufd *iommufd, int fd, const char *name)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd->fd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = iommufd->space,
	};

	if (ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind) < 0)
		return report(-errno,
			      "'%s' is in use: another program holds it, or "
			      "another device of its IOMMU group (%s)",
			      name, strerror(errno));
	if (ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) < 0)
		return report(-errno,
			      "'%s': its IOMMU does not take the guest's "
			      "memory: %s",
			      name, strerror(errno));
	return 0;
}

int vfio_iommufd_open_device(struct vfio_iommufd *iommufd, const char *node,
			     const char *name)
{
	CLEANUP_FD int fd = open_node(node, name);
	int r;

	if (fd < 0)
		return fd;
	r = open_space(iommufd);
	/* KVM must know of it before it is bound. */
	if (r == 0)
		r = vfio_kvm_add(iommufd->kvm, fd);
	if (r == 0)
		r = attach(iommufd, fd, name);
	return r < 0 ? r : take_fd(&fd);
}
