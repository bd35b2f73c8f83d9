// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_doorbell.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <linux/virtio_pci.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/vfio_device.h"
#include "vmm-hooks/vmm/vm.h"

#define VIRTIO_VENDOR 0x1af4
#define CAPABILITIES_MAX 48 /* of 4 bytes, behind the header of 64 */
#define DOORBELL_LEN 2 /* a driver writes the queue's index, 16 bits */

/* A place that a vendor capability of a virtio device names (§4.1.4). */
struct place {
	unsigned int bar;
	uint32_t offset;
	uint32_t stride;
	bool found;
};

static uint32_t cap_field(const struct vfio_device *device, unsigned int cap,
			  size_t field, unsigned int len)
{
	return pci_config_read(&device->function.config, cap + field, len);
}

static struct place find(const struct vfio_device *device, unsigned int type)
{
	const struct pci_config *config = &device->function.config;
	struct place place = {0};
	unsigned int at = 0;

	/* A device may have made a circle of its capabilities. */
	for (unsigned int i = 0; i < CAPABILITIES_MAX; i++) {
		at = pci_config_find(config, PCI_CAP_ID_VNDR, at);
		if (!at)
			return place;
		if (cap_field(device, at, VIRTIO_PCI_CAP_CFG_TYPE, 1) != type)
			continue;
		place.bar = cap_field(device, at, VIRTIO_PCI_CAP_BAR, 1);
		place.offset = cap_field(device, at, VIRTIO_PCI_CAP_OFFSET, 4);
		place.stride =
			cap_field(device, at, VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		place.found = place.bar < PCI_BAR_ROM;
		return place;
	}
	return place;
}

static bool is_direct(const struct vfio_region *region, uint64_t offset)
{
	for (unsigned int i = 0; i < region->area_count; i++)
		if (offset >= region->areas[i].offset &&
		    offset - region->areas[i].offset < region->areas[i].size)
			return true;
	return false;
}

static unsigned int queue_count(const struct vfio_device *device)
{
	struct place common = find(device, VIRTIO_PCI_CAP_COMMON_CFG);
	uint16_t count = 0;

	if (!common.found ||
	    pread(device->fd, &count, sizeof(count),
		  device->regions[common.bar].offset + common.offset +
			  VIRTIO_PCI_COMMON_NUMQ) != sizeof(count))
		return 0;
	return count < VFIO_DOORBELLS_MAX ? count : VFIO_DOORBELLS_MAX;
}

static int add(struct vfio_device *device, uint64_t offset, unsigned int queue)
{
	CLEANUP_FD int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct vfio_device_ioeventfd event = {
		.argsz = sizeof(event),
		.flags = VFIO_DEVICE_IOEVENTFD_16,
		.offset = offset,
		.data = queue,
		.fd = fd,
	};

	if (fd < 0 || ioctl(device->fd, VFIO_DEVICE_IOEVENTFD, &event) < 0)
		return -1;
	return take_fd(&fd);
}

void vfio_doorbells_init(struct vfio_doorbells *doorbells,
			 struct vfio_device *device, struct vm *vm)
{
	const struct pci_config *config = &device->function.config;
	struct place place = find(device, VIRTIO_PCI_CAP_NOTIFY_CFG);
	const struct vfio_region *region =
		&device->regions[place.found ? place.bar : 0];
	unsigned int queues;

	*doorbells = (struct vfio_doorbells){.vm = vm,
					     .bar = place.bar,
					     .offset = place.offset,
					     .stride = place.stride,
					     .at = PCI_BAR_UNMAPPED};
	if (pci_config_read(config, PCI_VENDOR_ID, 2) != VIRTIO_VENDOR ||
	    !place.found || !place.stride || is_direct(region, place.offset))
		return;
	queues = queue_count(device);
	while (doorbells->count < queues) {
		unsigned int queue = doorbells->count;
		int fd = add(device,
			     region->offset + place.offset +
				     (uint64_t)queue * place.stride,
			     queue);

		if (fd < 0)
			return;
		doorbells->fds[doorbells->count++] = fd;
	}
}

static void connect(struct vfio_doorbells *doorbells, bool on)
{
	for (unsigned int i = 0; i < doorbells->count; i++)
		vm_ioeventfd_match(doorbells->vm,
				   doorbells->at + doorbells->offset +
					   (uint64_t)i * doorbells->stride,
				   DOORBELL_LEN, i, doorbells->fds[i], on);
}

void vfio_doorbells_move(struct vfio_doorbells *doorbells, unsigned int bar,
			 uint64_t addr)
{
	if (!doorbells->count || bar != doorbells->bar)
		return;
	if (doorbells->at != PCI_BAR_UNMAPPED)
		connect(doorbells, false);
	doorbells->at = addr;
	if (addr != PCI_BAR_UNMAPPED)
		connect(doorbells, true);
}

void vfio_doorbells_deinit(struct vfio_doorbells *doorbells)
{
	vfio_doorbells_move(doorbells, doorbells->bar, PCI_BAR_UNMAPPED);
	for (unsigned int i = 0; i < doorbells->count; i++)
		close_fd(&doorbells->fds[i]);
	doorbells->count = 0;
}
