// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vfio_device.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vfio_container.h"

#define PAGE 0x1000ull
#define REGION_INFO_MAX (64 * KIB)

static struct vfio_device *device_of(struct pci_function *function)
{
	return (struct vfio_device *)function;
}

uint32_t vfio_device_config_get(struct vfio_device *device, unsigned int offset,
				unsigned int len)
{
	uint32_t value = UINT32_MAX;

	if (offset >= device->config_size ||
	    len > device->config_size - offset ||
	    pread(device->fd, &value, len, device->config_offset + offset) !=
		    (ssize_t)len)
		return UINT32_MAX;
	return len < 4 ? value & ((1u << 8 * len) - 1) : value;
}

/* The device's own bytes, with ours laid over them. */
static uint32_t config_read(struct pci_function *function, unsigned int offset,
			    unsigned int len)
{
	struct vfio_device *device = device_of(function);
	uint32_t value = vfio_device_config_get(device, offset, len);
	uint32_t mine = pci_config_read(&function->config, offset, len);

	for (unsigned int i = 0; i < len && offset + i < PCI_CONFIG_SIZE; i++) {
		uint32_t mask = 0xffu << 8 * i;

		if (device->ours[offset + i])
			value = (value & ~mask) | (mine & mask);
	}
	return value;
}

/* Bytes that are ours never reach the device; the command register reaches
 * both, since decoding is ours and the rest is the device's.
 */
static void config_write(struct pci_function *function, unsigned int offset,
			 unsigned int len, uint32_t value)
{
	struct vfio_device *device = device_of(function);

	pci_config_write(&function->config, offset, len, value);
	for (unsigned int i = 0; i < len && offset + i < device->config_size;) {
		unsigned int run = 0;
		uint32_t part = value >> 8 * i;

		while (i + run < len && offset + i + run < PCI_CONFIG_SIZE &&
		       !device->ours[offset + i + run])
			run++;
		if (run && pwrite(device->fd, &part, run,
				  device->config_offset + offset + i) < 0)
			return;
		i += run ? run : 1;
	}
	vfio_irqs_config_written(&device->irqs, offset, len);
}

static uint64_t region_read(const struct vfio_device *device, unsigned int bar,
			    uint64_t offset, unsigned int len)
{
	const struct vfio_region *region = &device->regions[bar];
	uint64_t value = UINT64_MAX;

	if (offset >= region->size || len > region->size - offset ||
	    pread(device->fd, &value, len, region->offset + offset) !=
		    (ssize_t)len)
		return UINT64_MAX;
	return value;
}

static uint64_t bar_read(struct pci_function *function, unsigned int bar,
			 uint64_t offset, unsigned int len)
{
	struct vfio_device *device = device_of(function);

	if (!vfio_irqs_holds(&device->irqs, bar, offset))
		return region_read(device, bar, offset, len);
	MUTEX_GUARD(&function->lock);
	return vfio_irqs_read(&device->irqs, offset, len);
}

static void bar_write(struct pci_function *function, unsigned int bar,
		      uint64_t offset, unsigned int len, uint64_t value)
{
	struct vfio_device *device = device_of(function);
	const struct vfio_region *region = &device->regions[bar];

	if (vfio_irqs_holds(&device->irqs, bar, offset)) {
		MUTEX_GUARD(&function->lock);
		vfio_irqs_write(&device->irqs, offset, len, value);
		return;
	}
	if (offset < region->size && len <= region->size - offset &&
	    pwrite(device->fd, &value, len, region->offset + offset) < 0)
		return; /* as a device that does not answer */
}

static void move_area(struct vfio_device *device, struct vfio_area *area,
		      uint64_t bar)
{
	struct vm *vm = &device->machine->vm;

	if (area->slot >= 0)
		vm_unmap(vm, area->slot);
	area->slot = -1;
	/* A BAR smaller than a page may lie anywhere: it is then not mapped. */
	if (bar == PCI_BAR_UNMAPPED || (bar + area->offset) % PAGE)
		return;
	/* Where the guest lays it over its memory, its memory stays. */
	area->slot = vm_map(vm, bar + area->offset, area->size, area->memory);
}

static void bar_moved(struct pci_function *function, unsigned int bar,
		      uint64_t addr)
{
	struct vfio_device *device = device_of(function);
	struct vfio_region *region = &device->regions[bar];

	for (unsigned int i = 0; i < region->area_count; i++)
		move_area(device, &region->areas[i], addr);
	vfio_doorbells_move(&device->doorbells, bar, addr);
}

static const struct pci_function_ops function_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.bar_moved = bar_moved,
};

/* What VFIO says of a region, capabilities included; the caller frees it. */
static struct vfio_region_info *region_info(int fd, unsigned int index)
{
	struct vfio_region_info probe = {.argsz = sizeof(probe),
					 .index = index};
	struct vfio_region_info *info;

	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &probe) < 0 ||
	    probe.argsz > REGION_INFO_MAX)
		return NULL;
	if (probe.argsz < sizeof(probe))
		probe.argsz = sizeof(probe);
	info = calloc(1, probe.argsz);
	if (!info)
		return NULL;
	info->argsz = probe.argsz;
	info->index = index;
	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info) == 0)
		return info;
	free(info);
	return NULL;
}

/* The sparse-mmap capability, if the region has one that is whole. */
static const struct vfio_region_info_cap_sparse_mmap *
sparse_areas(const struct vfio_region_info *info)
{
	uint32_t at =
		info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;

	for (unsigned int i = 0; i < 16 && at >= sizeof(*info); i++) {
		const struct vfio_info_cap_header *header;
		const struct vfio_region_info_cap_sparse_mmap *sparse;

		if (at + sizeof(*sparse) > info->argsz)
			return NULL;
		header = (const void *)((const uint8_t *)info + at);
		sparse = (const void *)header;
		if (header->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			return (info->argsz - at -
				sizeof(*sparse)) / sizeof(sparse->areas[0]) <
					       sparse->nr_areas
				       ? NULL
				       : sparse;
		at = header->next;
	}
	return NULL;
}

static int map_area(struct vfio_device *device, struct vfio_region *region,
		    uint64_t start, uint64_t end)
{
	struct vfio_area *area = &region->areas[region->area_count];
	int protection = PROT_READ;
	void *memory;

	if (start >= end || start % PAGE || end % PAGE)
		return 0;
	if (region->area_count == VFIO_AREAS_MAX)
		return 0; /* the rest goes through the region */
	if (region->flags & VFIO_REGION_INFO_FLAG_WRITE)
		protection |= PROT_WRITE;
	memory = mmap(NULL, end - start, protection, MAP_SHARED, device->fd,
		      region->offset + start);
	if (memory == MAP_FAILED)
		return report(
			-errno, "'%s': cannot map a BAR of %" PRIu64 " KiB: %s",
			device->name, (end - start) / KIB, strerror(errno));
	*area = (struct vfio_area){start, end - start, memory, -1};
	region->area_count++;
	return 0;
}

/* Maps a range but for the pages that hold MSI-X structures. */
static int map_range(struct vfio_device *device, unsigned int bar,
		     uint64_t start, uint64_t end)
{
	struct vfio_region *region = &device->regions[bar];
	uint64_t from = start;
	int r = 0;

	if (!device->irqs.msix_cap || device->irqs.msix_bar != bar)
		return map_area(device, region, start, end);
	for (uint64_t page = start; page < end && r == 0; page += PAGE) {
		bool held = vfio_irqs_holds_page(&device->irqs, bar, page);

		if (!held)
			continue;
		r = map_area(device, region, from, page);
		from = page + PAGE;
	}
	return r < 0 ? r : map_area(device, region, from, end);
}

static int map_region(struct vfio_device *device, unsigned int bar,
		      const struct vfio_region_info *info)
{
	const struct vfio_region_info_cap_sparse_mmap *sparse =
		sparse_areas(info);
	int r = 0;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP) || bar == PCI_BAR_ROM)
		return 0;
	if (!sparse)
		return map_range(device, bar, 0, info->size);
	for (unsigned int i = 0; i < sparse->nr_areas && r == 0; i++) {
		uint64_t start = sparse->areas[i].offset;
		uint64_t size = sparse->areas[i].size;

		if (start < info->size && size <= info->size - start)
			r = map_range(device, bar, start, start + size);
	}
	return r;
}

static uint64_t bar_size(uint64_t size)
{
	uint64_t whole = 16;

	while (whole < size)
		whole <<= 1;
	return whole;
}

static unsigned int bar_flags(struct vfio_device *device, unsigned int bar)
{
	uint32_t value =
		vfio_device_config_get(device, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
	unsigned int flags = 0;

	if (bar == PCI_BAR_ROM)
		return 0;
	if (value & PCI_BASE_ADDRESS_SPACE_IO)
		return PCI_BAR_IO;
	if (value & PCI_BASE_ADDRESS_MEM_TYPE_64)
		flags |= PCI_BAR_64;
	if (value & PCI_BASE_ADDRESS_MEM_PREFETCH)
		flags |= PCI_BAR_PREFETCH;
	return flags;
}

static int add_region(struct vfio_device *device, unsigned int bar)
{
	CLEANUP_MEMORY struct vfio_region_info *info =
		region_info(device->fd, bar);
	unsigned int flags = bar_flags(device, bar);
	uint64_t size;
	int r;

	/* Port BARs are for drivers older than any guest here. */
	if (!info || !info->size || flags & PCI_BAR_IO)
		return 0;
	device->regions[bar].offset = info->offset;
	device->regions[bar].size = info->size;
	device->regions[bar].flags = info->flags;
	size = bar_size(info->size);
	if (bar == PCI_BAR_ROM && size < 2048)
		size = 2048;
	r = pci_config_add_bar(&device->function.config, bar, size, flags);
	if (r < 0)
		return report(r,
			      "'%s': its BAR %u (%" PRIu64 " bytes) is not one",
			      device->name, bar, (uint64_t)info->size);
	return map_region(device, bar, info);
}

/* Mask and bytes of a field that the guest sees as we say. */
static void own(struct vfio_device *device, unsigned int offset,
		unsigned int len)
{
	memset(device->ours + offset, 1, len);
}

static void set(struct vfio_device *device, unsigned int offset, uint32_t value,
		unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		device->function.config.data[offset + i] = value >> (8 * i);
	own(device, offset, len);
}

/*
 * On the root bus an endpoint is one integrated in the root complex (PCIe 4.0
 * §1.3.2.3): drivers then look for no port above it.
 */
static void adapt_express(struct vfio_device *device)
{
	const struct pci_config *config = &device->function.config;
	unsigned int cap = pci_config_find(config, PCI_CAP_ID_EXP, 0);
	uint32_t flags;

	if (!cap)
		return;
	flags = pci_config_read(config, cap + PCI_EXP_FLAGS, 2);
	flags &= ~PCI_EXP_FLAGS_TYPE;
	set(device, cap + PCI_EXP_FLAGS, flags | PCI_EXP_TYPE_RC_END << 4, 2);
}

static bool is_hidden(unsigned int id)
{
	switch (id) {
	case PCI_EXT_CAP_ID_ARI:
	case PCI_EXT_CAP_ID_ATS:
	case PCI_EXT_CAP_ID_SRIOV:
	case PCI_EXT_CAP_ID_PRI:
	case PCI_EXT_CAP_ID_PASID:
	case PCI_EXT_CAP_ID_REBAR:
	case PCI_EXT_CAP_ID_VF_REBAR:
		return true;
	default:
		return false;
	}
}

/* A hidden capability becomes a null one: the chain goes on behind it. */
static void hide_extended(struct vfio_device *device)
{
	struct pci_config *config = &device->function.config;
	unsigned int at = 0x100;

	for (unsigned int i = 0; i < 960 && at >= 0x100; i++) {
		uint32_t header;

		if (at + 4 > device->config_size)
			return;
		header = pci_config_read(config, at, 4);
		if (header == UINT32_MAX)
			return;
		if (is_hidden(PCI_EXT_CAP_ID(header)))
			set(device, at, header & 0xfff00000, 4);
		at = PCI_EXT_CAP_NEXT(header);
	}
}

/* Copies the device's space, then takes over what must be ours. */
static int copy_config(struct vfio_device *device)
{
	struct pci_config *config = &device->function.config;
	struct pci_identity none = {0};

	pci_config_init(config, &none);
	if (pread(device->fd, config->data, device->config_size,
		  device->config_offset) != (ssize_t)device->config_size)
		return report(-EIO,
			      "'%s': its configuration space cannot be read",
			      device->name);
	memset(&config->data[PCI_BASE_ADDRESS_0], 0, 24);
	memset(&config->data[PCI_ROM_ADDRESS], 0, 4);
	config->data[PCI_COMMAND] &= ~(PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	own(device, PCI_BASE_ADDRESS_0, 24);
	own(device, PCI_ROM_ADDRESS, 4);
	own(device, PCI_INTERRUPT_LINE, 1);
	set(device, PCI_HEADER_TYPE, PCI_HEADER_TYPE_NORMAL, 1);
	adapt_express(device);
	hide_extended(device);
	return 0;
}

static int open_config(struct vfio_device *device)
{
	CLEANUP_MEMORY struct vfio_region_info *info =
		region_info(device->fd, VFIO_PCI_CONFIG_REGION_INDEX);

	if (!info || info->size < PCI_LEGACY_SIZE)
		return report(-EIO, "'%s' has no configuration space",
			      device->name);
	device->config_offset = info->offset;
	device->config_size =
		info->size < PCI_CONFIG_SIZE ? info->size : PCI_CONFIG_SIZE;
	return copy_config(device);
}

static int open_device(struct vfio_device *device)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return report(-errno, "'%s': VFIO says nothing about it: %s",
			      device->name, strerror(errno));
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return report(-ENOTSUP, "'%s' is not a PCI device",
			      device->name);
	device->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	if (device->can_reset && ioctl(device->fd, VFIO_DEVICE_RESET) < 0)
		return report(-errno, "'%s' cannot be reset: %s", device->name,
			      strerror(errno));
	return 0;
}

static void error_ready(struct loop_handler *handler, uint32_t events)
{
	struct vfio_device *device =
		(struct vfio_device *)((char *)handler -
				       offsetof(struct vfio_device, error));
	eventfd_t count;

	(void)events;
	eventfd_read(handler->fd, &count);
	report(0, "'%s' failed: the guest's device stays dead until a reset",
	       device->name);
	events_tell(&device->machine->events, "device-error", device->name);
}

/* The host wants the device back: the guest is asked to power off, once. */
static void request_ready(struct loop_handler *handler, uint32_t events)
{
	struct vfio_device *device =
		(struct vfio_device *)((char *)handler -
				       offsetof(struct vfio_device, request));
	eventfd_t count;

	(void)events;
	eventfd_read(handler->fd, &count);
	loop_remove(&device->machine->loop, handler);
	report(0, "the host wants '%s' back: asking the guest to power off",
	       device->name);
	events_tell(&device->machine->events, "device-request", device->name);
	power_button(&device->machine->power);
}

static int watch(struct vfio_device *device, struct loop_handler *handler,
		 unsigned int index,
		 void (*ready)(struct loop_handler *handler, uint32_t events))
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} request = {
		.set = {.argsz = sizeof(request),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 VFIO_IRQ_SET_DATA_EVENTFD,
			.index = index,
			.count = 1},
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !info.count)
		return 0;
	handler->ready = ready;
	handler->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (handler->fd < 0)
		return -errno;
	memcpy(request.set.data, &handler->fd, sizeof(handler->fd));
	if (ioctl(device->fd, VFIO_DEVICE_SET_IRQS, &request) < 0)
		return 0; /* a device that never tells */
	return loop_add(&device->machine->loop, handler, EPOLLIN);
}

static int init_regions(struct vfio_device *device)
{
	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		int r = add_region(device, bar);

		if (r < 0)
			return r;
		if (device->function.config.bar_flags[bar] & PCI_BAR_64)
			bar++;
	}
	return 0;
}

static int init(struct vfio_device *device, struct machine *machine,
		struct vfio_container *container, const char *path)
{
	int r;

	device->fd = vfio_container_open_device(container, path, device->name);
	if (device->fd < 0)
		return device->fd;
	r = open_device(device);
	if (r == 0)
		r = open_config(device);
	if (r == 0)
		r = vfio_irqs_init(&device->irqs, device, &machine->vm);
	if (r == 0)
		r = init_regions(device);
	if (r == 0)
		vfio_doorbells_init(&device->doorbells, device, &machine->vm);
	if (r == 0)
		r = pci_bus_add(&machine->pci, &device->function);
	if (r == 0)
		r = vfio_irqs_begin(&device->irqs);
	if (r == 0)
		r = watch(device, &device->error, VFIO_PCI_ERR_IRQ_INDEX,
			  error_ready);
	if (r == 0)
		r = watch(device, &device->request, VFIO_PCI_REQ_IRQ_INDEX,
			  request_ready);
	return r;
}

struct vfio_device *vfio_device_new(struct machine *machine,
				    struct vfio_container *container,
				    const char *path, const char *name)
{
	struct vfio_device *device = calloc(1, sizeof(*device));
	int r = -ENOMEM;

	if (device) {
		device->machine = machine;
		device->fd = device->error.fd = device->request.fd = -1;
		pci_function_init(&device->function, &function_ops);
		device->name = strdup(name);
	}
	if (device && device->name)
		r = init(device, machine, container, path);
	if (r == 0)
		return device;
	vfio_device_free(device);
	errno = -r;
	return NULL;
}

static void unmap_region(struct vfio_region *region)
{
	for (unsigned int i = 0; i < region->area_count; i++)
		munmap(region->areas[i].memory, region->areas[i].size);
	region->area_count = 0;
}

void vfio_device_free(struct vfio_device *device)
{
	if (!device)
		return;
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		if (device->regions[i].area_count)
			bar_moved(&device->function, i, PCI_BAR_UNMAPPED);
		unmap_region(&device->regions[i]);
	}
	vfio_doorbells_deinit(&device->doorbells);
	vfio_irqs_deinit(&device->irqs);
	/* What the guest left running must not outlive it. */
	if (device->fd >= 0 && device->can_reset)
		ioctl(device->fd, VFIO_DEVICE_RESET);
	close_fd(&device->error.fd);
	close_fd(&device->request.fd);
	close_fd(&device->fd);
	pci_function_deinit(&device->function);
	free(device->name);
	free(device);
}

unsigned int vfio_device_slot(const struct vfio_device *device)
{
	return device->function.slot;
}
