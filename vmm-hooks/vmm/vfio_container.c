// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vfio_memory.h"

void vfio_container_init(struct vfio_container *container, struct vm *vm,
			 struct ram *ram)
{
	*container = (struct vfio_container){.fd = -1, .ram = ram};
	vfio_kvm_init(&container->kvm, vm);
	vfio_iommufd_init(&container->iommufd, &container->kvm, ram);
}

void vfio_container_deinit(struct vfio_container *container)
{
	for (unsigned int i = 0; i < container->group_count; i++)
		close_fd(&container->groups[i].fd);
	container->group_count = 0;
	vfio_kvm_deinit(&container->kvm);
	vfio_iommufd_deinit(&container->iommufd);
	close_fd(&container->fd);
}

/* The last part of where a link in sysfs leads; empty when there is none. */
static void link_name(const char *directory, const char *link, char *name,
		      size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;
	char *slash;

	name[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", directory, link);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	len = strnlen(slash, size - 1);
	memcpy(name, slash, len);
	name[len] = '\0';
}

static int find_group(const char *path, const char *name)
{
	char group[32];

	if (access(path, F_OK) < 0)
		return report(-ENODEV,
			      "there is no device '%s': see lspci -D, or "
			      "mdevctl list",
			      name);
	link_name(path, "iommu_group", group, sizeof(group));
	if (!group[0])
		return report(-ENODEV,
			      "'%s' has no IOMMU group: switch the IOMMU on in "
			      "the firmware and with intel_iommu=on on the "
			      "kernel's command line",
			      name);
	return atoi(group);
}

/* Drivers that leave a device to VFIO; none at all does so too. */
static bool leaves_alone(const char *driver)
{
	return !driver[0] || !strncmp(driver, "vfio", 4) ||
	       !strcmp(driver, "pci-stub") || !strcmp(driver, "pcieport");
}

/* Names the device that keeps a group from being used. */
static int report_blocked(int group, const char *name)
{
	char path[64], device[300], driver[64];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices",
		 group);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(device, sizeof(device), "/sys/bus/pci/devices/%s",
			 entry->d_name);
		link_name(device, "driver", driver, sizeof(driver));
		if (leaves_alone(driver))
			continue;
		report(-EBUSY,
		       "'%s' cannot be given away: %s in its IOMMU group %d is "
		       "in use by the driver %s; bind that one to vfio-pci too",
		       name, entry->d_name, group, driver);
		closedir(directory);
		return -EBUSY;
	}
	if (directory)
		closedir(directory);
	return report(-EBUSY,
		      "'%s' cannot be given away: its IOMMU group %d "
		      "is not viable",
		      name, group);
}

static int check_driver(const char *path, const char *name)
{
	char driver[64];

	link_name(path, "driver", driver, sizeof(driver));
	if (strstr(driver, "vfio") || strstr(driver, "tranche"))
		return 0;
	/* Mediated devices have drivers of all names. */
	if (!strstr(path, "/bus/pci/"))
		return 0;
	return report(-EBUSY,
		      "'%s' is %s%s, not vfio-pci: run 'driverctl set-override "
		      "%s vfio-pci', or bind it by hand",
		      name, driver[0] ? "bound to " : "bound to no driver",
		      driver, name);
}

static int open_group(int group, const char *name)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[32];
	CLEANUP_FD int fd = -1;

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return report(-EBUSY,
			      "'%s' is in use: another program holds its IOMMU "
			      "group %d; end that one first",
			      name, group);
	if (fd < 0)
		return report(-errno,
			      "'%s': cannot open %s: %s; give this "
			      "user access to it",
			      name, path, strerror(errno));
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return report(-errno, "'%s': %s: %s", name, path,
			      strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return report_blocked(group, name);
	return take_fd(&fd);
}

static int map_memory(struct vfio_container *container)
{
	struct ram *ram = container->ram;

	for (unsigned int i = 0; i < ram->range_count; i++) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ |
				 VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)ram->base + ram->ranges[i].offset,
			.iova = ram->ranges[i].addr,
			.size = ram->ranges[i].size,
		};

		if (ioctl(container->fd, VFIO_IOMMU_MAP_DMA, &map) < 0)
			return vfio_memory_report(-errno, ram->size);
	}
	return 0;
}

static int open_container(struct vfio_container *container)
{
	container->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container->fd < 0)
		return report(-errno,
			      "cannot open /dev/vfio/vfio: %s; load "
			      "the module vfio",
			      strerror(errno));
	if (ioctl(container->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(container->fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
		return report(-ENOTSUP, "VFIO has no type 1 IOMMU here: load "
					"the module vfio_iommu_type1");
	vfio_memory_raise();
	return 0;
}

static int join(struct vfio_container *container, int group, const char *name)
{
	bool first = container->fd < 0;
	CLEANUP_FD int fd = open_group(group, name);
	int r;

	if (fd < 0)
		return fd;
	if (container->group_count == VFIO_GROUPS_MAX)
		return report(-ENOSPC, "a guest takes at most %d IOMMU groups",
			      VFIO_GROUPS_MAX);
	r = first ? open_container(container) : 0;
	if (r < 0)
		return r;
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container->fd) < 0 ||
	    (first &&
	     ioctl(container->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0))
		return report(-errno,
			      "'%s': VFIO refuses its IOMMU group %d: "
			      "%s",
			      name, group, strerror(errno));
	r = first ? map_memory(container) : 0;
	if (r == 0)
		r = vfio_kvm_add(&container->kvm, fd);
	if (r < 0)
		return r;
	container->groups[container->group_count].number = group;
	container->groups[container->group_count++].fd = take_fd(&fd);
	return 0;
}

static int joined(const struct vfio_container *container, int group)
{
	for (unsigned int i = 0; i < container->group_count; i++)
		if (container->groups[i].number == group)
			return container->groups[i].fd;
	return -1;
}

static int open_by_group(struct vfio_container *container, int group,
			 const char *name)
{
	int r = 0;
	int fd;

	if (joined(container, group) < 0)
		r = join(container, group, name);
	if (r < 0)
		return r;
	fd = ioctl(joined(container, group), VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0)
		return report(-errno, "'%s': VFIO does not open it: %s", name,
			      strerror(errno));
	return fd;
}

int vfio_container_open_device(struct vfio_container *container,
			       const char *path, const char *name)
{
	int group = find_group(path, name);
	char node[64];
	int r;

	if (group < 0)
		return group;
	r = check_driver(path, name);
	if (r < 0)
		return r;
	/* One address space for all of the guest, if the first got that. */
	if (container->fd < 0 &&
	    vfio_iommufd_find(path, node, sizeof(node)) == 0)
		return vfio_iommufd_open_device(&container->iommufd, node,
						name);
	return open_by_group(container, group, name);
}
