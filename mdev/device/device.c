// SPDX-License-Identifier: MIT
#include "mdev/device/device.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "mdev/clock.h"
#include "mdev/device/layout.h"
#include "mdev/device/log.h"

static int start(void *user, const struct gpu_session *session)
{
	struct device *device = user;
	struct gpu_session whole = *session;
	int r = device->transport->ops->view(device->transport, &whole.view);

	if (r == 0)
		worker_start(&device->worker, &whole);
	return r;
}

static void stop(void *user)
{
	struct device *device = user;

	device->stop_by = clock_now_ms() + DEVICE_STOP_MS;
	worker_stop(&device->worker);
}

static void notify(void *user, unsigned int queue)
{
	struct device *device = user;

	if (queue < GPU_QUEUES)
		worker_notify(&device->worker, queue);
}

static const struct function_ops function_ops = {
	.start = start,
	.stop = stop,
	.notify = notify,
};

static int doorbells_set(struct device *device)
{
	struct tranche_transport *transport = device->transport;
	struct tranche_doorbell_register where = {LAYOUT_BAR_REGISTERS, 0,
						  VIRTIO_PCI_AREA_NOTIFY};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < GPU_QUEUES; i++) {
		r = transport->ops->doorbell(transport, &where,
					     device->worker.doorbells[i]);
		where.offset += VIRTIO_PCI_NOTIFY_STRIDE;
	}
	return r;
}

int device_init(struct device *device, struct tranche_transport *transport,
		uint64_t window_size, struct renderer *renderer)
{
	int r;

	device->transport = transport;
	device->reset_waits = false;
	device->stop_by = 0;
	r = worker_init(&device->worker, window_size, renderer);
	if (r < 0)
		return r;
	r = function_init(&device->function, &device->worker.gpu.memory.guest,
			  window_size, &function_ops, device);
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

static int on_read(void *user, uint32_t region, uint64_t offset, void *data,
		   size_t length)
{
	struct device *device = user;

	counter_add(&device->worker.gpu.counters.accesses, 1);
	function_read(&device->function, region, offset, data, length);
	return 0;
}

static int on_write(void *user, uint32_t region, uint64_t offset,
		    const void *data, size_t length)
{
	struct device *device = user;

	counter_add(&device->worker.gpu.counters.accesses, 1);
	function_write(&device->function, region, offset, data, length);
	return 0;
}

static int on_reset(void *user)
{
	struct device *device = user;

	function_reset(&device->function);
	device->reset_waits = function_stopping(&device->function);
	return device->reset_waits ? -EINPROGRESS : 0;
}

static void on_opened(void *user)
{
	(void)user;
}

/* Nobody is left to wait for the end of it. */
static void on_closed(void *user)
{
	struct device *device = user;

	device->reset_waits = false;
	function_reset(&device->function);
}

const struct tranche_device_ops device_ops = {
	.read = on_read,
	.write = on_write,
	.reset = on_reset,
	.opened = on_opened,
	.closed = on_closed,
};

static int on_stopped(struct device *device)
{
	int r;

	device->stop_by = 0;
	function_stopped(&device->function);
	if (!device->reset_waits)
		return 0;
	device->reset_waits = false;
	r = device->transport->ops->reset_done(device->transport, 0);
	/* Whoever asked may have gone. */
	return r == -ESTALE || r == -ENOENT ? 0 : r;
}

static void on_broken(struct device *device)
{
	uint16_t vector = function_break(&device->function);

	if (vector != VIRTIO_PCI_NO_VECTOR)
		device->transport->ops->interrupt(device->transport, vector);
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
	now = clock_now_ms();
	if (now < device->stop_by)
		return device->stop_by - now;
	log_guest("the renderer holds up a reset: its contexts are ended");
	renderer->ops->abandon(renderer);
	device->stop_by = 0;
	return -1;
}

static void counters_log(const struct counters *counters)
{
	log_line("counters: accesses %" PRIu64 " doorbells %" PRIu64
		 " requests %" PRIu64 " copies %" PRIu64 " interrupts %" PRIu64,
		 counters->accesses, counters->doorbells, counters->requests,
		 counters->copies, counters->interrupts);
}

/* Return: false when the process is to end. */
static bool obey(const struct device *device, int signals)
{
	struct signalfd_siginfo info;
	ssize_t length = read(signals, &info, sizeof(info));

	if (length < 0)
		return true;
	if (length != sizeof(info) || info.ssi_signo != SIGUSR1)
		return false;
	counters_log(&device->worker.gpu.counters);
	return true;
}

/* All messages that wait. */
static int dispatch(struct device *device)
{
	int r = device->transport->ops->dispatch(device->transport, false);

	return r == -EAGAIN || r == -EINTR || r == -ESTALE ? 0 : r;
}

int device_serve(struct device *device, int signals)
{
	struct pollfd fds[] = {
		{.fd = device->transport->ops->fd(device->transport),
		 .events = POLLIN},
		{.fd = device->worker.events_fd, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
		{.fd = device->worker.gpu.watch.timer, .events = POLLIN},
	};
	int r = 0;

	while (r >= 0) {
		if (poll(fds, 4, patience_ms(device)) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents && !obey(device, signals))
			return 0;
		if (fds[3].revents & POLLIN)
			gpu_look(&device->worker.gpu);
		if (fds[1].revents & POLLIN)
			r = handle_events(device);
		if (r >= 0 && fds[0].revents & POLLIN)
			r = dispatch(device);
		else if (r >= 0 && fds[0].revents)
			return -ESHUTDOWN;
	}
	return r;
}
