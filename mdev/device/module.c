// SPDX-License-Identifier: MIT
#include "mdev/device/module.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mdev/device/layout.h"

/* The kernel says the outcome by errno; an interrupted call starts again. */
static int call(struct transport *transport, unsigned long request, void *arg)
{
	int r;

	do {
		r = ioctl(transport->fd, request, arg);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int op_of(uint16_t op)
{
	switch (op) {
	case TRANCHE_OP_READ:
		return TRANSPORT_READ;
	case TRANCHE_OP_WRITE:
		return TRANSPORT_WRITE;
	case TRANCHE_OP_RESET:
		return TRANSPORT_RESET;
	case TRANCHE_OP_OPEN:
		return TRANSPORT_OPEN;
	case TRANCHE_OP_CLOSE:
		return TRANSPORT_CLOSE;
	default:
		return -EPROTO;
	}
}

static int module_receive(struct transport *transport,
			  struct transport_message *message)
{
	struct tranche_serve serve = {
		.flags = TRANCHE_SERVE_RECEIVE | TRANCHE_SERVE_NOWAIT,
	};
	const struct tranche_message *from = &serve.message;
	int r = call(transport, TRANCHE_VGPU_SERVE, &serve);

	if (r < 0)
		return r;
	r = op_of(from->op);
	if (r < 0 || from->length > TRANSPORT_DATA_MAX)
		return -EPROTO;
	message->seq = from->seq;
	message->gen = from->gen;
	message->op = r;
	message->region = from->region;
	message->offset = from->offset;
	message->length = from->length;
	message->due = from->flags & TRANCHE_MESSAGE_ANSWER;
	memcpy(message->data, from->data, from->length);
	return 0;
}

static int module_answer(struct transport *transport,
			 const struct transport_answer *answer)
{
	struct tranche_serve serve = {
		.flags = TRANCHE_SERVE_ANSWER,
		.answer =
			{
				.seq = answer->seq,
				.error = -answer->error,
				.length = answer->length,
			},
	};

	memcpy(serve.answer.data, answer->data, answer->length);
	return call(transport, TRANCHE_VGPU_SERVE, &serve);
}

/* One call's worth of segments: bounded in number and in bytes. */
struct batch {
	struct tranche_segment segments[TRANCHE_SEGMENTS_MAX];
	unsigned int count;
	uint32_t bytes;
};

static int batch_flush(struct transport *transport, uint32_t gen,
		       struct batch *batch)
{
	struct tranche_dma dma = {
		.gen = gen,
		.count = batch->count,
		.segments = (uintptr_t)batch->segments,
	};

	if (!batch->count)
		return 0;
	batch->count = 0;
	batch->bytes = 0;
	return call(transport, TRANCHE_VGPU_DMA, &dma);
}

/* Takes as much of @segment, from @done on, as fits; returns how much. */
static uint32_t batch_add(struct batch *batch,
			  const struct transport_segment *segment,
			  uint32_t done)
{
	uint32_t length = segment->length - done;

	if (length > TRANCHE_DMA_BYTES_MAX - batch->bytes)
		length = TRANCHE_DMA_BYTES_MAX - batch->bytes;
	batch->segments[batch->count++] = (struct tranche_segment){
		.iova = segment->iova + done,
		.address = (uintptr_t)segment->data + done,
		.length = length,
		.flags = segment->write ? TRANCHE_SEGMENT_WRITE : 0,
	};
	batch->bytes += length;
	return length;
}

static bool batch_full(const struct batch *batch)
{
	return batch->count == TRANCHE_SEGMENTS_MAX ||
	       batch->bytes == TRANCHE_DMA_BYTES_MAX;
}

static int module_copy(struct transport *transport, uint32_t gen,
		       const struct transport_segment *segments,
		       unsigned int count)
{
	struct batch batch;

	batch.count = 0;
	batch.bytes = 0;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t done = 0;

		while (done < segments[i].length) {
			int r = 0;

			done += batch_add(&batch, &segments[i], done);
			if (batch_full(&batch))
				r = batch_flush(transport, gen, &batch);
			if (r < 0)
				return r;
		}
	}
	return batch_flush(transport, gen, &batch);
}

static int module_interrupt(struct transport *transport, uint32_t gen,
			    unsigned int vector)
{
	struct tranche_irq irq = {
		.gen = gen,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.vector = vector,
	};
	int r = call(transport, TRANCHE_VGPU_IRQ, &irq);

	/* Whether the VMM listens is its own business. */
	return r < 0 ? r : 0;
}

static int module_map(struct transport *transport, uint32_t gen,
		      uint64_t offset, uint64_t length, void *address)
{
	struct tranche_map map = {
		.gen = gen,
		.offset = offset,
		.length = length,
		.address = (uintptr_t)address,
	};

	return call(transport, TRANCHE_VGPU_MAP, &map);
}

static int module_unmap(struct transport *transport, uint32_t gen,
			uint64_t offset, uint64_t length)
{
	struct tranche_unmap unmap = {
		.gen = gen,
		.offset = offset,
		.length = length,
	};

	return call(transport, TRANCHE_VGPU_UNMAP, &unmap);
}

static int module_doorbell(struct transport *transport, unsigned int region,
			   uint64_t offset, int eventfd)
{
	struct tranche_doorbell doorbell = {
		.region = region,
		.offset = offset,
		.fd = eventfd,
	};

	return call(transport, TRANCHE_VGPU_DOORBELL, &doorbell);
}

static const struct transport_ops module_ops = {
	.receive = module_receive,
	.answer = module_answer,
	.copy = module_copy,
	.interrupt = module_interrupt,
	.map = module_map,
	.unmap = module_unmap,
	.doorbell = module_doorbell,
};

/* The broker and this program may be of different versions. */
static int layout_check(const struct tranche_layout *layout)
{
	struct tranche_layout ours;
	int r = layout_init(&ours, layout->window_size);

	if (r < 0 || memcmp(&ours, layout, sizeof(ours)))
		return -EPROTO;
	return 0;
}

int module_init(struct module *module, int fd)
{
	struct transport *transport = &module->transport;
	int r;

	*module = (struct module){.transport = {&module_ops, fd, 0}};
	/* The render server must not inherit it. */
	r = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0)
		r = call(transport, TRANCHE_VGPU_INFO, &module->info);
	if (r >= 0)
		r = layout_check(&module->info.layout);
	if (r < 0) {
		module_deinit(module);
		return r;
	}
	transport->window_size = module->info.layout.window_size;
	return 0;
}

void module_deinit(struct module *module)
{
	if (module->transport.fd >= 0)
		close(module->transport.fd);
	module->transport.fd = -1;
}
