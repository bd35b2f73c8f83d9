// SPDX-License-Identifier: MIT
#include "mdev/device/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

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

/* Forgets what was rung so far; what is rung later wakes us again. */
static void wait_for_work(struct worker *worker)
{
	struct pollfd fds[] = {
		{.fd = worker->orders_fd, .events = POLLIN},
		{.fd = worker->doorbell, .events = POLLIN},
		{.fd = worker->fence_fd, .events = POLLIN},
	};
	eventfd_t count;

	poll(fds, 3, -1);
	for (unsigned int i = 0; i < 3; i++)
		if (fds[i].revents & POLLIN)
			eventfd_read(fds[i].fd, &count);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	while (obey(worker)) {
		int r = gpu_run(&worker->gpu, BUDGET);

		if (r < 0)
			say(worker, WORKER_BROKEN);
		if (r <= 0)
			wait_for_work(worker);
	}
	return NULL;
}

static int fds_open(struct worker *worker)
{
	int *fds[] = {&worker->orders_fd, &worker->doorbell, &worker->fence_fd,
		      &worker->events_fd};

	for (unsigned int i = 0; i < 4; i++)
		*fds[i] = -1;
	for (unsigned int i = 0; i < 4; i++) {
		*fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (*fds[i] < 0)
			return -errno;
	}
	return 0;
}

static void fds_close(struct worker *worker)
{
	int fds[] = {worker->orders_fd, worker->doorbell, worker->fence_fd,
		     worker->events_fd};

	for (unsigned int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
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

void worker_notify(struct worker *worker)
{
	eventfd_write(worker->doorbell, 1);
}

unsigned int worker_events(struct worker *worker)
{
	eventfd_t count;

	eventfd_read(worker->events_fd, &count);
	return atomic_exchange(&worker->events, 0);
}
