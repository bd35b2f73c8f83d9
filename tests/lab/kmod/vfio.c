// SPDX-License-Identifier: MIT
/*
 * vfio.c - opens a vGPU as VMMs do: by its group, or, where the kernel has
 * IOMMUFD and TRANCHE_TEST_IOMMUFD is set, by its character device
 */
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/vfio.h"

static bool by_iommufd(void)
{
	return getenv("TRANCHE_TEST_IOMMUFD") && !access("/dev/iommu", F_OK);
}

static int open_group(struct vfio *vfio, const char *uuid)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[128], link[128];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/iommu_group",
		 uuid);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return -errno;
	link[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(link));
	vfio->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	vfio->group = open(path, O_RDWR | O_CLOEXEC);
	CHECK(vfio->container >= 0);
	if (vfio->group < 0)
		return -errno;
	/* The vGPU may be on its way out. */
	if (ioctl(vfio->group, VFIO_GROUP_GET_STATUS, &status))
		return -errno;
	CHECK(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	if (ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container) ||
	    ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, uuid);
	return vfio->device < 0 ? -errno : 0;
}

static int open_cdev(struct vfio *vfio, const char *uuid)
{
	struct vfio_device_bind_iommufd bind = {.argsz = sizeof(bind)};
	struct iommu_ioas_alloc ioas = {.size = sizeof(ioas)};
	struct vfio_device_attach_iommufd_pt attach = {.argsz = sizeof(attach)};
	char path[128];
	glob_t found;

	/* The vGPU may be on its way out. */
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/vfio-dev/vfio*",
		 uuid);
	if (glob(path, 0, NULL, &found))
		return -ENOENT;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
		 basename(found.gl_pathv[0]));
	globfree(&found);
	vfio->container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	vfio->device = open(path, O_RDWR | O_CLOEXEC);
	CHECK(vfio->container >= 0);
	if (vfio->device < 0)
		return -errno;
	bind.iommufd = vfio->container;
	if (ioctl(vfio->device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return -errno;
	CHECK(!ioctl(vfio->container, IOMMU_IOAS_ALLOC, &ioas));
	vfio->ioas = attach.pt_id = ioas.out_ioas_id;
	CHECK(!ioctl(vfio->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	return 0;
}

/**
 * vfio_map_guest() - put guest memory at an address
 * @vfio: the client
 * @iova: where
 */
void vfio_map_guest(struct vfio *vfio, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vfio->memory,
		.iova = iova,
		.size = GUEST_SIZE,
	};
	struct iommu_ioas_map ioas_map = {
		.size = sizeof(ioas_map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = vfio->ioas,
		.user_va = (uintptr_t)vfio->memory,
		.iova = iova,
		.length = GUEST_SIZE,
	};

	if (vfio->group >= 0)
		CHECK(!ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map));
	else
		CHECK(!ioctl(vfio->container, IOMMU_IOAS_MAP, &ioas_map));
}

/**
 * vfio_unmap_guest() - take it away again
 * @vfio: the client
 * @iova: where
 */
void vfio_unmap_guest(struct vfio *vfio, uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = GUEST_SIZE,
	};
	struct iommu_ioas_unmap ioas_unmap = {
		.size = sizeof(ioas_unmap),
		.ioas_id = vfio->ioas,
		.iova = iova,
		.length = GUEST_SIZE,
	};

	if (vfio->group >= 0)
		CHECK(!ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap) &&
		      unmap.size == GUEST_SIZE);
	else
		CHECK(!ioctl(vfio->container, IOMMU_IOAS_UNMAP, &ioas_unmap) &&
		      ioas_unmap.length == GUEST_SIZE);
}

static void learn_regions(struct vfio *vfio)
{
	struct vfio_device_info device = {.argsz = sizeof(device)};
	struct vfio_region_info info;
	unsigned int i;

	CHECK(!ioctl(vfio->device, VFIO_DEVICE_GET_INFO, &device));
	CHECK(device.flags ==
	      (VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET));
	CHECK(device.num_regions == 9 && device.num_irqs == 5);
	for (i = 0; i < 9; i++) {
		info = (struct vfio_region_info){.argsz = sizeof(info),
						 .index = i};
		CHECK(!ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &info));
		vfio->positions[i] = info.offset;
		vfio->sizes[i] = info.size;
		vfio->flags[i] = info.flags;
	}
}

/**
 * vfio_try_open() - open a vGPU and give it guest memory
 * @vfio: the client
 * @uuid: of the vGPU
 *
 * Return: 0, or the error of getting the device
 */
int vfio_try_open(struct vfio *vfio, const char *uuid)
{
	int ret;

	*vfio = (struct vfio){.container = -1, .group = -1, .device = -1};
	ret = by_iommufd() ? open_cdev(vfio, uuid) : open_group(vfio, uuid);
	if (ret) {
		vfio_close(vfio);
		return ret;
	}
	vfio->memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(vfio->memory != MAP_FAILED);
	vfio_map_guest(vfio, GUEST_BASE);
	vfio_map_guest(vfio, GUEST_BASE2);
	learn_regions(vfio);
	return 0;
}

/**
 * vfio_open() - the same where it has to work
 * @vfio: the client
 * @uuid: of the vGPU
 */
void vfio_open(struct vfio *vfio, const char *uuid)
{
	int ret = vfio_try_open(vfio, uuid);

	errno = -ret;
	CHECK(!ret);
}

/**
 * vfio_close() - close it
 * @vfio: the client
 */
void vfio_close(struct vfio *vfio)
{
	unsigned int i;

	/* A mapping keeps the device open as well as a descriptor does. */
	for (i = 0; i < 4 && vfio->windows[i]; i++)
		munmap(vfio->windows[i], vfio->window_sizes[i]);
	if (vfio->device >= 0)
		close(vfio->device);
	if (vfio->group >= 0)
		close(vfio->group);
	if (vfio->container >= 0)
		close(vfio->container);
	if (vfio->memory)
		munmap(vfio->memory, GUEST_SIZE);
}

/**
 * vfio_read() - read a register
 * @vfio: the client
 * @region: index
 * @offset: in it
 * @length: up to 8
 */
uint64_t vfio_read(struct vfio *vfio, unsigned int region, uint64_t offset,
		   unsigned int length)
{
	uint64_t value = 0;

	CHECK(pread(vfio->device, &value, length,
		    vfio->positions[region] + offset) == length);
	return value;
}

/**
 * vfio_write() - write a register
 * @vfio: the client
 * @region: index
 * @offset: in it
 * @value: what
 * @length: up to 8
 */
void vfio_write(struct vfio *vfio, unsigned int region, uint64_t offset,
		uint64_t value, unsigned int length)
{
	CHECK(pwrite(vfio->device, &value, length,
		     vfio->positions[region] + offset) == length);
}

static int irq_eventfd(struct vfio *vfio, unsigned int index,
		       unsigned int vector, uint32_t action, int eventfd)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(int32_t)]
		__attribute__((aligned(8)));
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(room),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
		.index = index,
		.start = vector,
		.count = 1,
	};
	memcpy(set->data, &eventfd, sizeof(int32_t));
	return ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, set);
}

/**
 * vfio_set_irq() - have an interrupt signal an eventfd
 * @vfio: the client
 * @index: of the interrupt
 * @vector: of that index
 * @eventfd: -1 for none
 */
int vfio_set_irq(struct vfio *vfio, unsigned int index, unsigned int vector,
		 int eventfd)
{
	return irq_eventfd(vfio, index, vector, VFIO_IRQ_SET_ACTION_TRIGGER,
			   eventfd);
}

/**
 * vfio_unmask_by() - have an eventfd unmask INTx
 * @vfio: the client
 * @eventfd: -1 for none
 */
int vfio_unmask_by(struct vfio *vfio, int eventfd)
{
	return irq_eventfd(vfio, VFIO_PCI_INTX_IRQ_INDEX, 0,
			   VFIO_IRQ_SET_ACTION_UNMASK, eventfd);
}

/**
 * vfio_irq_action() - mask, unmask or trigger
 * @vfio: the client
 * @index: of the interrupt
 * @vector: of that index
 * @flags: VFIO_IRQ_SET_ACTION_*
 */
int vfio_irq_action(struct vfio *vfio, unsigned int index, unsigned int vector,
		    uint32_t flags)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | flags,
		.index = index,
		.start = vector,
		.count = 1,
	};

	return ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, &set);
}

/**
 * vfio_ioeventfd() - have an eventfd write a register
 * @vfio: the client
 * @position: of the register
 * @value: what it writes
 * @length: of the write
 * @eventfd: -1 to stop
 */
int vfio_ioeventfd(struct vfio *vfio, uint64_t position, uint64_t value,
		   unsigned int length, int eventfd)
{
	struct vfio_device_ioeventfd args = {
		.argsz = sizeof(args),
		.flags = length,
		.offset = position,
		.data = value,
		.fd = eventfd,
	};

	return ioctl(vfio->device, VFIO_DEVICE_IOEVENTFD, &args);
}

/**
 * vfio_reset() - reset the device
 * @vfio: the client
 */
int vfio_reset(struct vfio *vfio)
{
	return ioctl(vfio->device, VFIO_DEVICE_RESET);
}

/**
 * vfio_map_window() - map a region, until the client is closed
 * @vfio: the client
 * @region: index
 */
void *vfio_map_window(struct vfio *vfio, unsigned int region)
{
	void *window = mmap(NULL, vfio->sizes[region], PROT_READ | PROT_WRITE,
			    MAP_SHARED, vfio->device, vfio->positions[region]);
	unsigned int i;

	CHECK(window != MAP_FAILED);
	for (i = 0; vfio->windows[i]; i++)
		CHECK(i + 1 < sizeof(vfio->windows) / sizeof(window));
	vfio->windows[i] = window;
	vfio->window_sizes[i] = vfio->sizes[region];
	return window;
}
