// SPDX-License-Identifier: MIT
#include "mdev/device/device.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "mdev/device/layout.h"
#include "mdev/device/log.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void start(void *user, const struct gpu_session *session)
{
	struct device *device = user;

	worker_start(&device->worker, session);
}

static void stop(void *user)
{
	struct device *device = user;

	device->stop_by = now_ms() + DEVICE_STOP_MS;
	worker_stop(&device->worker);
}

static void notify(void *user, unsigned int queue)
{
	struct device *device = user;

	(void)queue;
	worker_notify(&device->worker);
}

static const struct function_ops function_ops = {
	.start = start,
	.stop = stop,
	.notify = notify,
};

static int doorbells_set(struct device *device)
{
	struct transport *transport = device->transport;
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < GPU_QUEUES; i++)
		r = transport->ops->doorbell(
			transport, LAYOUT_BAR_REGISTERS,
			VIRTIO_PCI_AREA_NOTIFY + i * VIRTIO_PCI_NOTIFY_STRIDE,
			device->worker.doorbell);
	return r < 0 ? r : 0;
}

int device_init(struct device *device, struct transport *transport,
		struct renderer *renderer)
{
	int r;

	device->transport = transport;
	device->reset_waits = false;
	device->stop_by = 0;
	r = worker_init(&device->worker, transport, renderer);
	if (r < 0)
		return r;
	r = function_init(&device->function, &device->worker.gpu.memory.guest,
			  transport->window_size, &function_ops, device);
	if (r == 0)
		r = doorbells_set(device);
	if (r < 0)
		worker_deinit(&device->worker);
	return r;
}

int device_deinit(struct device *device)
{
	return worker_deinit(&device->worker);
}

static int answer(struct device *device, uint64_t seq, int error)
{
	const struct transport_answer answer = {.seq = seq, .error = error};

	return device->transport->ops->answer(device->transport, &answer);
}

static int on_read(struct device *device,
		   const struct transport_message *message)
{
	struct transport_answer answer = {
		.seq = message->seq,
		.length = message->length,
	};

	function_read(&device->function, message->region, message->offset,
		      answer.data, message->length);
	return device->transport->ops->answer(device->transport, &answer);
}

static int on_write(struct device *device,
		    const struct transport_message *message)
{
	function_write(&device->function, message->region, message->offset,
		       message->data, message->length);
	return message->due ? answer(device, message->seq, 0) : 0;
}

static int on_reset(struct device *device,
		    const struct transport_message *message)
{
	int r = 0;

	function_reset(&device->function);
	if (!function_stopping(&device->function))
		return answer(device, message->seq, 0);
	if (device->reset_waits)
		r = answer(device, device->reset_seq, -EAGAIN);
	device->reset_waits = true;
	device->reset_seq = message->seq;
	return r;
}

static int handle(struct device *device,
		  const struct transport_message *message)
{
	switch (message->op) {
	case TRANSPORT_READ:
		return on_read(device, message);
	case TRANSPORT_WRITE:
		return on_write(device, message);
	case TRANSPORT_RESET:
		return on_reset(device, message);
	case TRANSPORT_OPEN:
		function_open(&device->function, message->gen);
		return 0;
	case TRANSPORT_CLOSE:
		/* Nobody is left to answer. */
		device->reset_waits = false;
		function_reset(&device->function);
		return 0;
	}
	return -EPROTO;
}

/* A message whose sender has gone meanwhile is no reason to end. */
static int handle_all(struct device *device)
{
	struct transport_message message;
	int r;

	for (;;) {
		r = device->transport->ops->receive(device->transport,
						    &message);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		r = handle(device, &message);
		if (r < 0 && r != -ESTALE)
			return r;
	}
}

static int on_stopped(struct device *device)
{
	device->stop_by = 0;
	function_stopped(&device->function);
	if (!device->reset_waits)
		return 0;
	device->reset_waits = false;
	return answer(device, device->reset_seq, 0);
}

static void on_broken(struct device *device)
{
	uint16_t vector = function_break(&device->function);

	if (vector != VIRTIO_PCI_NO_VECTOR)
		device->transport->ops->interrupt(device->transport,
						  device->function.gen, vector);
}

static int handle_events(struct device *device)
{
	unsigned int events = worker_events(&device->worker);

	if (events & WORKER_BROKEN)
		on_broken(device);
	return events & WORKER_STOPPED ? on_stopped(device) : 0;
}

/* How long to wait for anything else; abandons a renderer that is late. */
static int patience_ms(struct device *device)
{
	struct renderer *renderer = device->worker.gpu.renderer;
	uint64_t now;

	if (!device->stop_by)
		return -1;
	now = now_ms();
	if (now < device->stop_by)
		return device->stop_by - now;
	log_guest("the renderer holds up a reset: its contexts are ended");
	renderer->ops->abandon(renderer);
	device->stop_by = 0;
	return -1;
}

int device_serve(struct device *device, int end)
{
	struct pollfd fds[] = {
		{.fd = device->transport->fd, .events = POLLIN},
		{.fd = device->worker.events_fd, .events = POLLIN},
		{.fd = end, .events = POLLIN},
	};
	int r = 0;

	while (r >= 0) {
		if (poll(fds, 3, patience_ms(device)) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents)
			return 0;
		if (fds[1].revents & POLLIN)
			r = handle_events(device);
		if (r >= 0 && fds[0].revents & POLLIN)
			r = handle_all(device);
		else if (r >= 0 && fds[0].revents)
			return -ESHUTDOWN;
	}
	return r;
}
