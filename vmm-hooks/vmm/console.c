// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/console.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>

#include "vmm-hooks/vmm/cleanup.h"
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
	struct terminal_sink sink;
	unsigned int room; /* bytes of the buffer at hand, 0: none */
	struct virtq_chain buffer; /* where input goes next */
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
			terminal_output(console->terminal, &console->sink,
					data[i]);
	}
	return 0;
}

/* The driver gave receive buffers: whoever types may go on. */
static void ready(struct virtio_function *device, unsigned int queue)
{
	struct console *console = (struct console *)device;

	if (queue == QUEUE_TRANSMIT)
		virtio_function_drain(device, queue, serve);
	else
		terminal_room(console->terminal);
}

/* Takes a buffer at the first need and keeps it until there is input. */
static unsigned int sink_room(void *user)
{
	struct console *console = user;
	struct virtq *queue =
		virtio_function_queue(&console->device, QUEUE_RECEIVE);
	MUTEX_GUARD(&console->queues.lock);

	if (!console->queues.started)
		return 0;
	if (!console->room &&
	    (virtq_pop(queue, &console->buffer) > 0 ||
	     (virtq_await(queue) && virtq_pop(queue, &console->buffer) > 0)))
		console->room = console->buffer.write_len;
	return console->room;
}

static void sink_input(void *user, const uint8_t *data, unsigned int len)
{
	struct console *console = user;
	struct virtq *queue =
		virtio_function_queue(&console->device, QUEUE_RECEIVE);
	MUTEX_GUARD(&console->queues.lock);

	if (!console->queues.started || !console->room || !len)
		return;
	console->room = 0;
	if (virtq_chain_write(queue, &console->buffer, 0, data, len) < 0)
		len = 0;
	if (virtq_push(queue, console->buffer.head, len) == 0 &&
	    virtq_must_interrupt(queue))
		virtio_function_interrupt(&console->device, QUEUE_RECEIVE);
}

static int start(struct virtio_function *device)
{
	struct console *console = (struct console *)device;

	console->room = 0;
	return loop_queues_start(&console->queues);
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
	console->sink = (struct terminal_sink){sink_room, sink_input, console};
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
