// SPDX-License-Identifier: MIT
#include "mdev/device/pace.h"

#include <time.h>

#define GROUPS 4
#define SLEEPS 8 /* of a group */
#define SLACK_LOOKS 4

static uint64_t processor_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static uint64_t group_ns(void)
{
	const struct timespec moment = {.tv_nsec = 1};
	uint64_t begin_ns = processor_ns();

	for (unsigned int i = 0; i < SLEEPS; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
	return processor_ns() - begin_ns;
}

/* The least: interrupts of others may be counted as well. */
uint64_t pace_look_ns(void)
{
	uint64_t least_ns = UINT64_MAX;

	for (unsigned int i = 0; i < GROUPS; i++) {
		uint64_t ns = group_ns();

		if (ns < least_ns)
			least_ns = ns;
	}
	return least_ns / SLEEPS;
}

uint64_t pace_slack_ns(uint64_t look_ns)
{
	if (look_ns < PACE_SLACK_MIN_NS / SLACK_LOOKS)
		return PACE_SLACK_MIN_NS;
	if (look_ns > PACE_SLACK_MAX_NS / SLACK_LOOKS)
		return PACE_SLACK_MAX_NS;
	return look_ns * SLACK_LOOKS;
}
