// SPDX-License-Identifier: MIT
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "units/units.h"

#define SLEEP_SLICE_NS (20 * NS_PER_MS)

static atomic_bool stopping;
static atomic_bool ending;
static atomic_bool count_asked;
static _Atomic uint64_t end_ns;
static int wake_fd = -1;

void control_wake(void)
{
	uint64_t one = 1;

	/* It fails only when the counter is full, and then it is awake. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* What is asked for again was asked for before. */
static void note_end(void)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(&end_ns, &none, control_now());
}

void control_stop(void)
{
	note_end();
	atomic_store(&stopping, true);
	control_wake();
}

void control_end(void)
{
	note_end();
	atomic_store(&ending, true);
	control_wake();
}

bool control_next(void)
{
	atomic_store(&ending, false);
	atomic_store(&end_ns, 0);
	return !atomic_load(&stopping);
}

bool control_stopping(void)
{
	return atomic_load(&stopping) || atomic_load(&ending);
}

uint64_t control_end_ns(void)
{
	return atomic_load(&end_ns);
}

bool control_take_count(void)
{
	return atomic_exchange(&count_asked, false);
}

static void stop_handler(int number)
{
	int saved = errno;

	(void)number;
	control_stop();
	errno = saved;
}

static void end_handler(int number)
{
	int saved = errno;

	(void)number;
	control_end();
	errno = saved;
}

static void count_handler(int number)
{
	int saved = errno;

	(void)number;
	atomic_store(&count_asked, true);
	control_wake();
	errno = saved;
}

int control_init(void)
{
	const struct sigaction stop = {
		.sa_handler = stop_handler,
		.sa_flags = SA_RESTART | (int)SA_RESETHAND,
	};
	const struct sigaction end = {
		.sa_handler = end_handler,
		.sa_flags = SA_RESTART,
	};
	const struct sigaction count = {
		.sa_handler = count_handler,
		.sa_flags = SA_RESTART,
	};

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	if (sigaction(SIGINT, &stop, NULL) < 0 ||
	    sigaction(SIGTERM, &stop, NULL) < 0 ||
	    sigaction(SIGUSR1, &count, NULL) < 0 ||
	    sigaction(SIGUSR2, &end, NULL) < 0)
		return -errno;
	return 0;
}

uint64_t control_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};
}

void control_wait(uint64_t until_ns)
{
	struct pollfd fd = {.fd = wake_fd, .events = POLLIN};
	uint64_t now = control_now(), count;
	struct timespec left;

	left = timespec_of(until_ns > now ? until_ns - now : 0);
	if (ppoll(&fd, 1, &left, NULL) <= 0)
		return;
	if (read(wake_fd, &count, sizeof(count)) < 0)
		return;
}

void control_sleep(uint64_t until_ns)
{
	uint64_t now = control_now();

	while (now < until_ns && !control_stopping()) {
		uint64_t next = now + SLEEP_SLICE_NS;
		struct timespec ts;

		ts = timespec_of(next < until_ns ? next : until_ns);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		now = control_now();
	}
}
