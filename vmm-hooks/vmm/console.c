// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/console.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>

#include "vmm-hooks/vmm/loop_queue.h"
#include "vmm-hooks/vmm/machine.h"

#define CLASS_OTHER_COMMUNICATION 0x078000
#define QUEUE_RECEIVE 0
#define QUEUE_TRANSMIT 1
#define PART 512

struct console {
	struct virtio_function device;
	struct loop_queues queues;
	struct terminal *terminal;
};

static uint32_t serve(struct virtio_function *device, unsigned int index,
		      const struct virtq_chain *chain)
{
	struct console *console = (struct console *)device;
	struct virtq *queue = virtio_function_queue(device, index);
	uint8_t data[PART];

	for (uint32_t at = 0; at < chain->read_len; at += PART) {
		uint32_t left = chain->read_len - at;
		uint32_t len = left < PART ? left : PART;

		if (virtq_chain_read(queue, chain, at, data, len) < 0)
			return 0;
		for (uint32_t i = 0; i < len; i++)
			terminal_output(console->terminal, data[i]);
	}
	return 0;
}

/* The guest's receive buffers stay with us: there is never input for them. */
static void ready(struct virtio_function *device, unsigned int queue)
{
	if (queue == QUEUE_TRANSMIT)
		virtio_function_drain(device, queue, serve);
}

static int start(struct virtio_function *device)
{
	return loop_queues_start(&((struct console *)device)->queues);
}

static void stop(struct virtio_function *device)
{
	loop_queues_stop(&((struct console *)device)->queues);
}

static const struct virtio_function_ops ops = {start, stop};

static int init(struct console *console, struct machine *machine)
{
	struct virtio_function_setup setup = {
		.ops = &ops,
		.vm = &machine->vm,
		.ram = &machine->ram,
		.type = VIRTIO_ID_CONSOLE,
		.class_code = CLASS_OTHER_COMMUNICATION,
		.features = 1ull << VIRTIO_RING_F_EVENT_IDX,
		.queues = 2,
	};
	int r = virtio_function_init(&console->device, &setup);

	console->terminal = &machine->terminal;
	if (r == 0)
		r = loop_queues_init(&console->queues, &console->device,
				     &machine->loop, ready);
	return r < 0 ? r
		     : pci_bus_add(&machine->pci, &console->device.function);
}

struct console *console_new(struct machine *machine)
{
	struct console *console = calloc(1, sizeof(*console));
	int r = console ? init(console, machine) : -ENOMEM;

	if (r == 0)
		return console;
	console_free(console);
	errno = -r;
	return NULL;
}

void console_free(struct console *console)
{
	if (!console)
		return;
	virtio_function_deinit(&console->device);
	loop_queues_deinit(&console->queues);
	free(console);
}
