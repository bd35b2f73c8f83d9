// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/wait.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

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
