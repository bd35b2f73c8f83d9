// SPDX-License-Identifier: MIT
#include "mdev/device/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mdev/clock.h"

#define ORDER_START (1u << 0)
#define ORDER_STOP (1u << 1)
#define ORDER_QUIT (1u << 2)

/* Requests between two looks at orders and fences. */
#define BUDGET 64
#define END_SECONDS 5

static void say(struct worker *worker, unsigned int event)
{
	atomic_fetch_or(&worker->events, event);
	eventfd_write(worker->events_fd, 1);
}

static void order(struct worker *worker, unsigned int what,
		  const struct gpu_session *session)
{
	pthread_mutex_lock(&worker->lock);
	worker->orders |= what;
	if (session)
		worker->session = *session;
	pthread_mutex_unlock(&worker->lock);
	eventfd_write(worker->orders_fd, 1);
}

static unsigned int take_orders(struct worker *worker,
				struct gpu_session *session)
{
	unsigned int orders;

	pthread_mutex_lock(&worker->lock);
	orders = worker->orders;
	worker->orders = 0;
	*session = worker->session;
	pthread_mutex_unlock(&worker->lock);
	return orders;
}

/*
 * A start that waits is always older than a stop that waits: the next start
 * comes only after WORKER_STOPPED. Returns false at the end.
 */
static bool obey(struct worker *worker)
{
	struct gpu_session session;
	unsigned int orders = take_orders(worker, &session);

	if (orders & ORDER_START && gpu_start(&worker->gpu, &session) < 0)
		say(worker, WORKER_BROKEN);
	if (orders & (ORDER_STOP | ORDER_QUIT))
		gpu_reset(&worker->gpu);
	if (orders & ORDER_STOP)
		say(worker, WORKER_STOPPED);
	return !(orders & ORDER_QUIT);
}

/* Sees to the guest's rings in time. Return: milliseconds until then, or -1. */
static int look_after_rings(struct worker *worker)
{
	uint64_t now;

	if (!gpu_has_rings(&worker->gpu))
		return -1;
	now = clock_now_ms();
	if (now >= worker->nudge_by) {
		gpu_nudge(&worker->gpu);
		worker->nudge_by = now + RINGS_NUDGE_MS;
	}
	return worker->nudge_by - now;
}

/*
 * Forgets what was signalled so far; what comes later wakes us again. Returns
 * GPU_RUNG() of the queues that were notified.
 */
static unsigned int wait_for_work(struct worker *worker)
{
	struct pollfd fds[GPU_QUEUES + 2];
	unsigned int rung = 0;
	eventfd_t count;

	for (unsigned int i = 0; i < GPU_QUEUES; i++)
		fds[i].fd = worker->doorbells[i];
	fds[GPU_QUEUES].fd = worker->orders_fd;
	fds[GPU_QUEUES + 1].fd = worker->fence_fd;
	for (unsigned int i = 0; i < GPU_QUEUES + 2; i++)
		fds[i].events = POLLIN;
	if (poll(fds, GPU_QUEUES + 2, look_after_rings(worker)) <= 0)
		return 0;
	for (unsigned int i = 0; i < GPU_QUEUES + 2; i++) {
		if (!(fds[i].revents & POLLIN))
			continue;
		eventfd_read(fds[i].fd, &count);
		if (i >= GPU_QUEUES)
			continue;
		counter_add(&worker->gpu.counters.doorbells, count);
		rung |= GPU_RUNG(i);
	}
	return rung;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	unsigned int rung = 0;

	while (obey(worker)) {
		int r = gpu_run(&worker->gpu, rung, BUDGET);

		if (r < 0)
			say(worker, WORKER_BROKEN);
		rung = r <= 0 ? wait_for_work(worker) : 0;
	}
	return NULL;
}

/* Return: one of the descriptors, NULL behind the last. */
static int *fd_at(struct worker *worker, unsigned int i)
{
	int *others[] = {&worker->orders_fd, &worker->fence_fd,
			 &worker->events_fd, NULL};

	return i < GPU_QUEUES ? &worker->doorbells[i] : others[i - GPU_QUEUES];
}

static int fds_open(struct worker *worker)
{
	int *fd;

	for (unsigned int i = 0; (fd = fd_at(worker, i)); i++)
		*fd = -1;
	for (unsigned int i = 0; (fd = fd_at(worker, i)); i++) {
		*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (*fd < 0)
			return -errno;
	}
	return 0;
}

static void fds_close(struct worker *worker)
{
	int *fd;

	for (unsigned int i = 0; (fd = fd_at(worker, i)); i++)
		if (*fd >= 0)
			close(*fd);
}

/* Signals are the main thread's business. */
static int thread_start(struct worker *worker)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int worker_init(struct worker *worker, uint64_t window_size,
		struct renderer *renderer)
{
	int r = fds_open(worker);

	atomic_init(&worker->events, 0);
	worker->nudge_by = 0;
	worker->orders = 0;
	pthread_mutex_init(&worker->lock, NULL);
	if (r == 0)
		r = gpu_init(&worker->gpu, window_size, renderer,
			     worker->fence_fd);
	if (r < 0)
		goto fail;
	r = thread_start(worker);
	if (r == 0)
		return 0;
	gpu_deinit(&worker->gpu);
fail:
	fds_close(worker);
	pthread_mutex_destroy(&worker->lock);
	return r;
}

int worker_deinit(struct worker *worker)
{
	struct timespec end;

	order(worker, ORDER_QUIT, NULL);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_SECONDS;
	if (pthread_timedjoin_np(worker->thread, NULL, &end))
		return -ETIMEDOUT;
	gpu_deinit(&worker->gpu);
	fds_close(worker);
	pthread_mutex_destroy(&worker->lock);
	return 0;
}

void worker_start(struct worker *worker, const struct gpu_session *session)
{
	order(worker, ORDER_START, session);
}

void worker_stop(struct worker *worker)
{
	order(worker, ORDER_STOP, NULL);
}

void worker_notify(struct worker *worker, unsigned int queue)
{
	eventfd_write(worker->doorbells[queue], 1);
}

unsigned int worker_events(struct worker *worker)
{
	eventfd_t count;

	eventfd_read(worker->events_fd, &count);
	return atomic_exchange(&worker->events, 0);
}
