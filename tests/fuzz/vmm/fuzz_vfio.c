// SPDX-License-Identifier: MIT
/*
 * A device given by VFIO, with a guest and a device that are both hostile: the
 * input is the device's configuration space and what its regions hold, then the
 * guest's accesses. A memfd stands for the device's descriptor, and ioctl() is
 * answered here.
 */
#include <stdarg.h>

#include "tests/fuzz/vmm/harness.h"
#include "vmm-hooks/vmm/vfio_device.c"

#define REGION_STRIDE (1ull << 20)
#define REGIONS (VFIO_PCI_NUM_REGIONS)
#define ACCESSES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_ioctl(int fd, unsigned long request, ...);

static int memory = -1;
static int device_fd = -1; /* a copy of it, the device's own */
static uint64_t sizes[REGIONS];
static uint32_t irq_counts;

static int answer_region(struct vfio_region_info *info)
{
	if (info->index >= REGIONS)
		return -1;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (sizes[info->index] >= PAGE)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	info->offset = info->index * REGION_STRIDE;
	info->size = sizes[info->index];
	return 0;
}

static int answer_irq(struct vfio_irq_info *info)
{
	info->count = irq_counts >> info->index & 1;
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list args;

	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	if (fd != device_fd)
		return __real_ioctl(fd, request, argument);
	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return answer_region(argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return answer_irq(argument);
	case VFIO_DEVICE_SET_IRQS:
	case VFIO_DEVICE_IOEVENTFD:
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

static void fill_device(struct input *input)
{
	uint8_t space[PCI_CONFIG_SIZE] = {0};
	size_t len = input->len < 256 ? input->len : 256;

	memcpy(space, input->data, len);
	input->data += len;
	input->len -= len;
	for (unsigned int i = 0; i < REGIONS; i++)
		sizes[i] = 1ull << (input_take(input, 1) % 17);
	sizes[VFIO_PCI_CONFIG_REGION_INDEX] =
		input_take(input, 1) & 1 ? PCI_CONFIG_SIZE : PCI_LEGACY_SIZE;
	irq_counts = input_take(input, 1);
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t word = input_take(input, 8);
		uint64_t at = (word & 0xfff) & ~7ull;

		memcpy(space + (at < 256 ? 256 : at), &word, sizeof(word));
	}
	if (pwrite(memory, space, sizeof(space),
		   VFIO_PCI_CONFIG_REGION_INDEX * REGION_STRIDE) < 0)
		abort();
}

static int open_fake(struct vfio_device *device, struct machine *machine,
		     struct pci_bus *bus)
{
	int r;

	device->machine = machine;
	device->name = strdup("fuzz");
	device->error.fd = device->request.fd = -1;
	device->fd = device_fd = dup(memory);
	pci_function_init(&device->function, &function_ops);
	r = open_config(device);
	if (r == 0)
		r = vfio_irqs_init(&device->irqs, device, &machine->vm);
	if (r == 0)
		r = init_regions(device);
	if (r == 0)
		vfio_doorbells_init(&device->doorbells, device, &machine->vm);
	if (r == 0)
		r = pci_bus_add(bus, &device->function);
	return r < 0 ? r : vfio_irqs_begin(&device->irqs);
}

static void access_device(struct vfio_device *device, struct input *input)
{
	struct pci_function *function = &device->function;
	uint8_t what = input_take(input, 1);
	unsigned int len = 1u << (what & 3);
	unsigned int bar = (what >> 4) % PCI_BAR_COUNT;
	uint64_t offset = input_take(input, 2);

	switch (what >> 2 & 3) {
	case 0:
		bus_read(function->bus->registers,
			 LAYOUT_ECAM + (function->slot << 15) +
				 (offset & 0xfff),
			 len);
		return;
	case 1:
		bus_write(function->bus->registers,
			  LAYOUT_ECAM + (function->slot << 15) +
				  (offset & 0xfff),
			  len, input_take(input, len));
		return;
	case 2:
		function->ops->bar_read(function, bar, offset, len);
		return;
	default:
		function->ops->bar_write(function, bar, offset, len,
					 input_take(input, len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct options options;
	struct machine *machine = harness_machine(&options);
	struct input input = {data, len};
	struct vfio_device *device = calloc(1, sizeof(*device));
	struct bus registers;
	struct pci_bus bus;

	if (memory < 0)
		memory = memfd_create("device", 0);
	if (!device || memory < 0 ||
	    ftruncate(memory, REGIONS * REGION_STRIDE) < 0 ||
	    bus_init(&registers) < 0 ||
	    pci_bus_init(&bus, &registers, LAYOUT_HIGH, GIB) < 0)
		abort();
	fill_device(&input);
	if (open_fake(device, machine, &bus) == 0)
		for (unsigned int i = 0; i < ACCESSES_MAX && input.len; i++)
			access_device(device, &input);
	vfio_device_free(device);
	device_fd = -1;
	pci_bus_deinit(&bus);
	bus_deinit(&registers);
	return 0;
}
