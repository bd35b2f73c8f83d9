// SPDX-License-Identifier: MIT
/*
 * A hostile guest: configuration space, registers, queues and every request,
 * between fake ends that abort when a rule of the device is broken.
 *
 * The input is a list of steps, each an opcode byte and its operands; what is
 * missing at the end reads as zero. One step puts bytes of the input in guest
 * memory, another sets a queue up as a driver does, so that requests are
 * reached without luck.
 */
#include <linux/vfio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "driver.h"
#include "fake.h"
#include "mdev/device/function.h"
#include "mdev/device/layout.h"

#define STEPS_MAX 256
#define RUN_BUDGET 64

enum step {
	STEP_CONFIG_READ,
	STEP_CONFIG_WRITE,
	STEP_REGISTER_READ,
	STEP_REGISTER_WRITE,
	STEP_MEMORY,
	STEP_DRIVE,
	STEP_REQUEST,
	STEP_RUN,
	STEP_FENCES,
	STEP_RESET,
	STEP_FAIL,
	STEP_COUNT,
};

struct input {
	const uint8_t *data;
	size_t size;
};

struct machine {
	struct fake fake;
	struct gpu gpu;
	struct function function;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct input *input, void *to, size_t length)
{
	size_t there = length < input->size ? length : input->size;

	memset(to, 0, length);
	memcpy(to, input->data, there);
	input->data += there;
	input->size -= there;
}

static uint64_t number(struct input *input, size_t bytes)
{
	uint64_t value = 0;

	take(input, &value, bytes);
	return value;
}

static int on_start(void *user, const struct gpu_session *session)
{
	struct machine *machine = user;
	struct gpu_session whole = *session;

	whole.view = fake_view(&machine->fake);
	gpu_start(&machine->gpu, &whole);
	return 0;
}

static void on_stop(void *user)
{
	struct machine *machine = user;

	gpu_reset(&machine->gpu);
	if (fake_left(&machine->fake))
		abort();
	function_stopped(&machine->function);
}

static void run(struct machine *machine)
{
	if (gpu_run(&machine->gpu, ~0u, RUN_BUDGET) < 0)
		function_break(&machine->function);
}

static void on_notify(void *user, unsigned int queue)
{
	(void)queue;
	run(user);
}

static const struct function_ops ops = {on_start, on_stop, on_notify};

static void put(struct machine *machine, uint64_t offset, uint32_t length,
		uint64_t value)
{
	function_write(&machine->function, LAYOUT_BAR_REGISTERS, offset, &value,
		       length);
}

/* Brings a driver up whose control queue is where driver.h has it. */
static void drive(struct machine *machine, uint32_t features)
{
	const uint8_t set_up = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			       VIRTIO_CONFIG_S_DRIVER |
			       VIRTIO_CONFIG_S_FEATURES_OK;

	put(machine, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	put(machine, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	put(machine, VIRTIO_PCI_COMMON_GF, 4,
	    features & (1u << VIRTIO_RING_F_INDIRECT_DESC |
			1u << VIRTIO_RING_F_EVENT_IDX));
	put(machine, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(machine, VIRTIO_PCI_COMMON_GF, 4, 1);
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1, set_up);
	put(machine, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	put(machine, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	put(machine, VIRTIO_PCI_COMMON_Q_SIZE, 2, DRIVER_QUEUE_SIZE);
	put(machine, VIRTIO_PCI_COMMON_Q_DESCLO, 4, DRIVER_DESC);
	put(machine, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, DRIVER_AVAIL);
	put(machine, VIRTIO_PCI_COMMON_Q_USEDLO, 4, DRIVER_USED);
	put(machine, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	memset(machine->fake.memory, 0, DRIVER_REQUEST);
	put(machine, VIRTIO_PCI_COMMON_STATUS, 1,
	    set_up | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Identifiers are few, so that requests meet. */
static void request(struct machine *machine, struct input *input)
{
	struct virtio_gpu_ctrl_hdr hdr = {0};
	uint8_t body[DRIVER_ROOM] = {0};
	uint32_t length = number(input, 1);

	hdr.type = number(input, 1) | 0x100u << (number(input, 1) % 3);
	hdr.flags = number(input, 1);
	hdr.fence_id = number(input, 1);
	hdr.ctx_id = number(input, 1) % 4;
	hdr.ring_idx = number(input, 1);
	take(input, body + sizeof(hdr), length % 80);
	memcpy(body, &hdr, sizeof(hdr));
	driver_offer(&machine->fake, body, sizeof(hdr) + length,
		     number(input, 1) * 2);
}

static void access_region(struct machine *machine, struct input *input,
			  unsigned int region, bool write)
{
	static const uint32_t lengths[] = {1, 2, 4, 8, 3, 16, 255, 256};
	uint8_t data[FAKE_DATA];
	uint32_t length = lengths[number(input, 1) % 8];
	uint64_t offset = number(input, 2);

	if (write) {
		take(input, data, length);
		function_write(&machine->function, region, offset, data,
			       length);
	} else {
		function_read(&machine->function, region, offset, data, length);
	}
}

static void memory(struct machine *machine, struct input *input)
{
	uint32_t offset = number(input, 2);
	uint32_t length = number(input, 1);

	if (length > FAKE_MEMORY - offset)
		length = FAKE_MEMORY - offset;
	take(input, machine->fake.memory + offset, length);
}

static void step(struct machine *machine, struct input *input)
{
	switch ((enum step)(number(input, 1) % STEP_COUNT)) {
	case STEP_CONFIG_READ:
	case STEP_CONFIG_WRITE:
		access_region(machine, input, VFIO_PCI_CONFIG_REGION_INDEX,
			      number(input, 1) & 1);
		break;
	case STEP_REGISTER_READ:
	case STEP_REGISTER_WRITE:
		access_region(machine, input, number(input, 1) % 9,
			      number(input, 1) & 1);
		break;
	case STEP_MEMORY:
		memory(machine, input);
		break;
	case STEP_DRIVE:
		drive(machine, number(input, 4));
		break;
	case STEP_REQUEST:
		request(machine, input);
		break;
	case STEP_RUN:
		run(machine);
		break;
	case STEP_FENCES:
		fake_fences_done(&machine->fake);
		break;
	case STEP_RESET:
		function_reset(&machine->function);
		break;
	case STEP_FAIL:
		machine->fake.fail = -(int)(number(input, 1) % 40);
		break;
	case STEP_COUNT:
		break;
	}
}

/* Fuzzers run many inputs: what is the same for all is made once. */
static void prepare(struct machine *machine)
{
	static int wake = -1;

	if (wake < 0) {
		wake = eventfd(0, EFD_NONBLOCK);
		fake_init(&machine->fake);
		if (gpu_init(&machine->gpu, FAKE_WINDOW,
			     &machine->fake.renderer, wake) < 0)
			abort();
	}
	memset(machine->fake.memory, 0, sizeof(machine->fake.memory));
	memset(machine->fake.fences, 0, sizeof(machine->fake.fences));
	machine->fake.fail = 0;
	if (function_init(&machine->function, &machine->gpu.memory.guest,
			  FAKE_WINDOW, &ops, machine) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	struct input input = {data, size};

	prepare(&machine);
	for (unsigned int i = 0; input.size && i < STEPS_MAX; i++)
		step(&machine, &input);
	gpu_reset(&machine.gpu);
	if (fake_left(&machine.fake))
		abort();
	return 0;
}
