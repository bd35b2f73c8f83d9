// SPDX-License-Identifier: MIT
#include "tests/fuzz/vmm/harness.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "vmm-hooks/vmm/layout.h"

uint64_t input_take(struct input *input, unsigned int bytes)
{
	uint64_t value = 0;
	size_t len = bytes < input->len ? bytes : input->len;

	memcpy(&value, input->data, len);
	input->data += len;
	input->len -= len;
	return value;
}

static void must(int r)
{
	if (r < 0)
		abort();
}

struct machine *harness_machine(const struct options *options)
{
	static struct machine machine;

	if (machine.options)
		return &machine;
	machine.options = options;
	machine.vm.fd = machine.vm.kvm = -1;
	machine.terminal.output = machine.terminal.resume.fd = -1;
	pthread_mutex_init(&machine.vm.lock, NULL);
	machine.vm.routes = calloc(1, 1 << 20);
	must(machine.vm.routes ? 0 : -1);
	must(loop_init(&machine.loop));
	must(bus_init(&machine.registers));
	must(ram_init(&machine.ram, HARNESS_RAM, false));
	must(pci_bus_init(&machine.pci, &machine.registers, LAYOUT_HIGH, GIB));
	return &machine;
}

static void put(struct virtio_function *device, unsigned int offset,
		unsigned int len, uint64_t value)
{
	virtio_pci_write(&device->registers, offset, len, value);
}

/* Most rings are believable, so that the fuzzer gets behind the first check. */
static void fill_ring(struct virtio_function *device, unsigned int index,
		      struct input *input)
{
	uint64_t base = HARNESS_RINGS + index * HARNESS_RING_STRIDE;
	unsigned int size = device->registers.queues[index].size;
	struct vring_desc *desc = ram_at(device->ram, base, 16 * 256);
	uint16_t *avail = ram_at(device->ram, base + 0x2000, 6 + 2 * 256);

	memset(avail, 0, 6 + 2 * 256);
	for (unsigned int i = 0; i < 16 && i < size; i++) {
		uint64_t word = input_take(input, 8);

		desc[i] = (struct vring_desc){
			.addr = HARNESS_RINGS + (word & 0xfffff),
			.len = word >> 20 & 0x3fff,
			.flags = word >> 34 & 7,
			.next = word >> 37 & 15,
		};
		if ((word >> 60) == 15)
			desc[i].addr = input_take(input, 8);
		if ((word >> 60) == 14)
			desc[i].len = input_take(input, 4);
		avail[2 + i] = word >> 41 & 15;
	}
	avail[0] = input_take(input, 1) & 1;
	avail[1] = input_take(input, 1) % 17;
}

static void start_queue(struct virtio_function *device, unsigned int index,
			struct input *input)
{
	uint64_t base = HARNESS_RINGS + index * HARNESS_RING_STRIDE;

	put(device, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
	put(device, VIRTIO_PCI_COMMON_Q_SIZE, 2,
	    1u << (input_take(input, 1) % 9));
	put(device, VIRTIO_PCI_COMMON_Q_MSIX, 2, index + 1);
	put(device, VIRTIO_PCI_COMMON_Q_DESCLO, 4, base);
	put(device, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, base + 0x2000);
	put(device, VIRTIO_PCI_COMMON_Q_USEDLO, 4, base + 0x3000);
	fill_ring(device, index, input);
	put(device, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

void harness_start(struct virtio_function *device, struct input *input)
{
	uint64_t without = input_take(input, 1) & 3;

	put(device, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	put(device, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	/* Ring features are taken or not; the others always. */
	put(device, VIRTIO_PCI_COMMON_GF, 4,
	    device->registers.features & ~(without << 28));
	put(device, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(device, VIRTIO_PCI_COMMON_GF, 4, device->registers.features >> 32);
	put(device, VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int i = 0; i < device->registers.queue_count; i++)
		start_queue(device, i, input);
	put(device, VIRTIO_PCI_COMMON_STATUS, 1,
	    VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

void harness_access(struct virtio_function *device, struct input *input)
{
	static const unsigned int lengths[] = {1, 2, 4, 8};
	uint8_t what = input_take(input, 1);
	unsigned int len = lengths[what & 3];
	uint64_t offset = input_take(input, 2);
	uint64_t value;

	switch (what >> 2 & 7) {
	case 0:
	case 1:
		device->function.ops->bar_read(&device->function, what >> 2 & 1,
					       offset, len);
		break;
	case 2:
	case 3:
		value = input_take(input, len);
		device->function.ops->bar_write(
			&device->function, what >> 2 & 1, offset, len, value);
		break;
	case 4:
		bus_read(device->function.bus->registers,
			 LAYOUT_ECAM + (device->function.slot << 15) +
				 (offset & 0xfff),
			 len);
		break;
	case 5:
		value = input_take(input, len);
		bus_write(device->function.bus->registers,
			  LAYOUT_ECAM + (device->function.slot << 15) +
				  (offset & 0xfff),
			  len, value);
		break;
	default:
		value = input_take(input, len);
		guest_memory_write(&device->ram->memory, HARNESS_RINGS + offset,
				   &value, len);
		break;
	}
}
