// SPDX-License-Identifier: MIT
/*
 * module.c - the transport over tranche.ko: one vGPU descriptor
 *
 * The generation is that of the last message but reset and close: calls by
 * threads that have not yet heard of a VMM's end fail with -ESTALE, and none
 * reaches the next VMM by mistake. A view keeps that of its making.
 *
 * The other state is the reset that is answered later. Both are atomic.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmod/uapi/tranche.h"
#include "mdev/transport/transport.h"

struct module {
	struct tranche_transport transport;
	const struct tranche_device_ops *ops;
	void *device;
	int fd;
	_Atomic uint32_t gen;
	_Atomic uint64_t reset; /* its sequence number and 1; 0: none */
};

static struct module *module_of(struct tranche_transport *transport)
{
	return (struct module *)transport;
}

static int request(const struct module *module, unsigned long number,
		   const void *arg)
{
	return ioctl(module->fd, number, arg) < 0 ? -errno : 0;
}

static int module_fd(struct tranche_transport *transport)
{
	return module_of(transport)->fd;
}

static int module_reset_done(struct tranche_transport *transport, int error)
{
	struct module *module = module_of(transport);
	uint64_t reset = atomic_exchange(&module->reset, 0);
	struct tranche_serve serve = {
		.flags = TRANCHE_SERVE_ANSWER,
		.answer.seq = reset - 1,
		.answer.error = -error,
	};

	return reset ? request(module, TRANCHE_VGPU_SERVE, &serve) : 0;
}

/* A reset that is not answered yet gives way to the next one. */
static int reset_do(struct module *module, uint64_t seq)
{
	int ret;

	(void)module_reset_done(&module->transport, -EAGAIN);
	atomic_store(&module->reset, seq + 1);
	ret = module->ops->reset(module->device);
	if (ret != -EINPROGRESS)
		atomic_store(&module->reset, 0);
	return ret;
}

/* Does what a message says and fills the answer in. */
static void message_do(struct module *module, struct tranche_serve *serve)
{
	const struct tranche_device_ops *ops = module->ops;
	const struct tranche_message *message = &serve->message;
	struct tranche_answer *answer = &serve->answer;
	int ret = 0;

	atomic_store(&module->gen, message->gen);
	answer->seq = message->seq;
	answer->length = 0;
	switch (message->op) {
	case TRANCHE_OP_READ:
		ret = ops->read(module->device, message->region,
				message->offset, answer->data, message->length);
		answer->length = ret ? 0 : message->length;
		break;
	case TRANCHE_OP_WRITE:
		ret = ops->write(module->device, message->region,
				 message->offset, message->data,
				 message->length);
		break;
	case TRANCHE_OP_RESET:
		ret = reset_do(module, message->seq);
		break;
	case TRANCHE_OP_OPEN:
		ops->opened(module->device);
		break;
	case TRANCHE_OP_CLOSE:
		ops->closed(module->device);
		break;
	}
	answer->error = -ret;
}

static int serve_once(struct module *module, struct tranche_serve *serve,
		      uint32_t flags)
{
	serve->flags = flags;
	return request(module, TRANCHE_VGPU_SERVE, serve);
}

/*
 * The answer travels with the request for the next message, which saves a
 * system call for each access. The kernel clears the answer's flag once it has
 * taken it: what fails after that has only failed to receive.
 */
static int module_dispatch(struct tranche_transport *transport, bool wait)
{
	struct module *module = module_of(transport);
	uint32_t flags = TRANCHE_SERVE_RECEIVE;
	struct tranche_serve serve;
	int ret;

	if (!wait)
		flags |= TRANCHE_SERVE_NOWAIT;
	serve.reserved = 0;
	ret = serve_once(module, &serve, flags);
	while (!ret) {
		message_do(module, &serve);
		if (serve.message.flags & TRANCHE_MESSAGE_ANSWER &&
		    serve.answer.error != EINPROGRESS)
			flags |= TRANCHE_SERVE_ANSWER;
		else
			flags &= ~TRANCHE_SERVE_ANSWER;
		ret = serve_once(module, &serve, flags);
		if (!wait && ret == -EAGAIN)
			return 0;
	}
	return ret;
}

static int module_copy(struct tranche_transport *transport,
		       const struct tranche_copy *copies, unsigned int count,
		       unsigned int *done)
{
	struct tranche_segment segments[TRANCHE_SEGMENTS_MAX];
	struct tranche_dma dma = {
		.gen = atomic_load(&module_of(transport)->gen),
		.count = count,
		.segments = (uintptr_t)segments,
	};
	unsigned int i;
	int ret;

	*done = 0;
	if (count > TRANCHE_SEGMENTS_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++)
		segments[i] = (struct tranche_segment){
			.iova = copies[i].iova,
			.address = (uintptr_t)copies[i].data,
			.length = copies[i].length,
			.flags = copies[i].write ? TRANCHE_SEGMENT_WRITE : 0,
		};
	ret = request(module_of(transport), TRANCHE_VGPU_DMA, &dma);
	*done = dma.done;
	return ret;
}

static int module_doorbell(struct tranche_transport *transport,
			   const struct tranche_doorbell_register *where,
			   int eventfd)
{
	const struct tranche_doorbell doorbell = {
		.region = where->region,
		.length = where->length,
		.offset = where->offset,
		.fd = eventfd,
	};

	return request(module_of(transport), TRANCHE_VGPU_DOORBELL, &doorbell);
}

static int irq_raise(struct tranche_transport *transport, uint32_t index,
		     uint32_t vector, uint32_t flags)
{
	const struct tranche_irq irq = {
		.gen = atomic_load(&module_of(transport)->gen),
		.index = index,
		.vector = vector,
		.flags = flags,
	};

	return request(module_of(transport), TRANCHE_VGPU_IRQ, &irq);
}

static int module_interrupt(struct tranche_transport *transport,
			    uint32_t vector)
{
	return irq_raise(transport, VFIO_PCI_MSIX_IRQ_INDEX, vector, 0);
}

static int module_intx(struct tranche_transport *transport, bool level)
{
	return irq_raise(transport, VFIO_PCI_INTX_IRQ_INDEX, 0,
			 level ? TRANCHE_IRQ_ASSERT : TRANCHE_IRQ_DEASSERT);
}

static int module_map(struct tranche_transport *transport, uint64_t offset,
		      void *address, size_t length)
{
	struct tranche_map map = {
		.gen = atomic_load(&module_of(transport)->gen),
		.offset = offset,
		.length = length,
		.address = (uintptr_t)address,
	};

	return request(module_of(transport), TRANCHE_VGPU_MAP, &map);
}

static int module_unmap(struct tranche_transport *transport, uint64_t offset,
			size_t length)
{
	const struct tranche_unmap unmap = {
		.gen = atomic_load(&module_of(transport)->gen),
		.offset = offset,
		.length = length,
	};

	return request(module_of(transport), TRANCHE_VGPU_UNMAP, &unmap);
}

static void view_close(struct tranche_transport *transport)
{
	free(module_of(transport));
}

static const struct tranche_transport_ops view_ops = {
	.copy = module_copy,
	.interrupt = module_interrupt,
	.map = module_map,
	.unmap = module_unmap,
	.close = view_close,
};

static int module_view(struct tranche_transport *transport,
		       struct tranche_transport **viewp)
{
	struct module *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->transport.ops = &view_ops;
	view->fd = module_of(transport)->fd;
	atomic_init(&view->gen, atomic_load(&module_of(transport)->gen));
	*viewp = &view->transport;
	return 0;
}

static void module_close(struct tranche_transport *transport)
{
	struct module *module = module_of(transport);

	close(module->fd);
	free(module);
}

static const struct tranche_transport_ops module_ops = {
	.fd = module_fd,
	.dispatch = module_dispatch,
	.copy = module_copy,
	.doorbell = module_doorbell,
	.interrupt = module_interrupt,
	.intx = module_intx,
	.map = module_map,
	.unmap = module_unmap,
	.reset_done = module_reset_done,
	.view = module_view,
	.close = module_close,
};

/**
 * tranche_module_open() - serve a vGPU of tranche.ko
 * @transportp: gets the transport
 * @fd: a vGPU descriptor; the transport's from here on, also on error
 * @ops: the device
 * @device: passed to its functions
 */
int tranche_module_open(struct tranche_transport **transportp, int fd,
			const struct tranche_device_ops *ops, void *device)
{
	struct tranche_vgpu_info info;
	struct module *module = calloc(1, sizeof(*module));
	int ret = -ENOMEM;

	if (!module)
		goto err_close;
	module->transport.ops = &module_ops;
	module->ops = ops;
	module->device = device;
	module->fd = fd;
	ret = request(module, TRANCHE_VGPU_INFO, &info);
	if (ret)
		goto err_free;
	atomic_init(&module->gen, info.gen);
	*transportp = &module->transport;
	return 0;

err_free:
	free(module);
err_close:
	close(fd);
	return ret;
}
