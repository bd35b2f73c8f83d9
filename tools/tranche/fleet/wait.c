// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/wait.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

int wait_take_signals(sd_event *event)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t set;
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (r >= 0)
			r = sd_event_add_signal(
				event, NULL,
				signals[i] | SD_EVENT_SIGNAL_PROCMASK, NULL,
				NULL);
	return r < 0 ? r : 0;
}

uint64_t wait_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * WAIT_SECOND_US +
	       (uint64_t)now.tv_nsec / 1000;
}

int wait_until(sd_event *event, uint64_t timeout_us, bool (*done)(void *user),
	       void *user)
{
	uint64_t end = wait_now_us() + timeout_us, now;
	int r;

	while (!done || !done(user)) {
		now = wait_now_us();
		if (now >= end)
			return -ETIMEDOUT;
		r = sd_event_run(event, end - now);
		if (r < 0)
			return r;
		if (sd_event_get_state(event) == SD_EVENT_FINISHED)
			return -ESTALE;
	}
	return 0;
}
