/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/connection.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "scheduler/gate/thread.h"
#include "scheduler/lane/door.h"

#define CONNECT_MS 2000
/* How long a program that begins waits for an arbiter. */
#define ARRIVAL_WAIT_MS 5000
#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 500
/* How long an allocation waits for the next arbiter: systemd restarts a broker
 * within a second. */
#define CHARGE_WAIT_MS 3000
#define CHARGE_STEP_MS 20

static struct {
	pthread_mutex_t lock;
	unsigned int users; /* (lock) */
	unsigned int watchers; /* (lock) */
	pthread_t thread; /* (lock) while watchers */
	int stop_fd; /* constant while watchers */
	atomic_bool alive;
	struct door door; /* initialised while users */
	struct lane lane; /* mapped while users */
	atomic_uint_fast64_t charged;
} connection = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool hung_up(int fd)
{
	struct pollfd poll_fd = {.fd = fd};

	if (fd < 0)
		return true;
	return poll(&poll_fd, 1, 0) > 0 &&
	       poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL);
}

/* Called with the lock held, or by the watcher. */
static int reconnect(void)
{
	int r = door_connect(&connection.door, &connection.lane, CONNECT_MS);

	/* A door learns that it is lost when it is used. */
	if (r == -EISCONN && door_charge(&connection.door, 0) == -EPIPE)
		r = door_connect(&connection.door, &connection.lane,
				 CONNECT_MS);
	if (r == -EISCONN)
		r = 0;
	atomic_store(&connection.alive, r == 0);
	return r;
}

/* One try; a watcher makes its own. */
static int connect_once(void)
{
	if (connection.watchers)
		return atomic_load(&connection.alive) ? 0 : -EPIPE;
	/* Without a watcher nobody noticed yet when the arbiter died. */
	if (!hung_up(door_fd(&connection.door)))
		return 0;
	return reconnect();
}

/* Nobody answers, which the next arbiter may change; a refusal is final. */
static bool may_come(int error)
{
	return error == -ECONNREFUSED || error == -ECONNRESET ||
	       error == -ENOENT || error == -EPERM || error == -EPIPE ||
	       error == -ETIMEDOUT;
}

/* A broker that is being restarted is not seen by programs that begin. */
static int connect_wait(void)
{
	uint64_t end_ns = thread_now() + ARRIVAL_WAIT_MS * UINT64_C(1000000);
	int r;

	for (;;) {
		r = connect_once();
		if (!may_come(r) || thread_now() >= end_ns)
			return r;
		usleep(RETRY_MIN_MS * 1000);
	}
}

static int connect_first(void)
{
	const char *path = secure_getenv(DOOR_ENVIRONMENT);
	int r;

	if (!path || !*path)
		return -ENOENT;
	r = door_init(&connection.door, path);
	if (r < 0)
		return r;
	connection.lane = (struct lane){.memory_fd = -1, .bell_fd = -1};
	atomic_store(&connection.charged, 0);
	r = connect_wait();
	if (r < 0)
		door_deinit(&connection.door);
	return r;
}

int connection_open(void)
{
	int r;

	pthread_mutex_lock(&connection.lock);
	r = connection.users ? connect_wait() : connect_first();
	if (r == 0)
		connection.users++;
	pthread_mutex_unlock(&connection.lock);
	return r;
}

void connection_close(void)
{
	pthread_mutex_lock(&connection.lock);
	if (connection.users && --connection.users == 0) {
		door_deinit(&connection.door);
		lane_unmap(&connection.lane);
		atomic_store(&connection.alive, false);
	}
	pthread_mutex_unlock(&connection.lock);
}

/* Return: true when the watcher shall end. */
static bool stop_wait(int other_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = connection.stop_fd, .events = POLLIN},
		{.fd = other_fd},
	};

	poll(fds, 2, timeout_ms);
	return fds[0].revents & POLLIN;
}

static void *watch(void *data)
{
	int delay = RETRY_MIN_MS;

	(void)data;
	thread_name("gate-door");
	while (!stop_wait(door_fd(&connection.door), -1)) {
		if (!hung_up(door_fd(&connection.door)))
			continue;
		atomic_store(&connection.alive, false);
		while (reconnect() < 0) {
			if (stop_wait(-1, delay))
				return NULL;
			delay = delay * 2 < RETRY_MAX_MS ? delay * 2
							 : RETRY_MAX_MS;
		}
		delay = RETRY_MIN_MS;
	}
	return NULL;
}

static int watch_start(void)
{
	int r = connect_wait();

	if (r < 0)
		return r;
	connection.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (connection.stop_fd < 0)
		return -errno;
	r = thread_start(&connection.thread, watch, NULL);
	if (r < 0)
		close(connection.stop_fd);
	return r;
}

int connection_watch(void)
{
	int r = 0;

	pthread_mutex_lock(&connection.lock);
	if (!connection.watchers)
		r = watch_start();
	if (r == 0)
		connection.watchers++;
	pthread_mutex_unlock(&connection.lock);
	return r;
}

void connection_unwatch(void)
{
	pthread_mutex_lock(&connection.lock);
	if (connection.watchers && --connection.watchers == 0) {
		eventfd_write(connection.stop_fd, 1);
		pthread_join(connection.thread, NULL);
		close(connection.stop_fd);
	}
	pthread_mutex_unlock(&connection.lock);
}

struct lane *connection_lane(void)
{
	return &connection.lane;
}

bool connection_alive(void)
{
	return atomic_load(&connection.alive);
}

int connection_charge(uint64_t bytes)
{
	int r, waited_ms;

	for (waited_ms = 0;; waited_ms += CHARGE_STEP_MS) {
		r = door_charge(&connection.door, bytes);
		if (r != -EPIPE || waited_ms >= CHARGE_WAIT_MS)
			break;
		usleep(CHARGE_STEP_MS * 1000);
	}
	if (r == 0)
		atomic_fetch_add(&connection.charged, bytes);
	return r;
}

void connection_release(uint64_t bytes)
{
	atomic_fetch_sub(&connection.charged, bytes);
	door_release(&connection.door, bytes);
}

uint64_t connection_charged(void)
{
	return atomic_load(&connection.charged);
}

static void descriptor_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * The parent's other threads are gone and may have held any lock, so nothing
 * here takes one. The descriptors have to go: a child that kept them would make
 * its parent look alive.
 */
void connection_forked(void)
{
	if (connection.users) {
		descriptor_close(connection.door.fd);
		descriptor_close(connection.door.stale_fd);
		lane_unmap(&connection.lane);
	}
	if (connection.watchers)
		close(connection.stop_fd);
	connection.users = 0;
	connection.watchers = 0;
	atomic_store(&connection.alive, false);
	connection.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}
