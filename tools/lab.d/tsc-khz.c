// SPDX-License-Identifier: MIT
/*
 * Prints how fast this machine's time stamp counter runs, in kHz.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#define NS_PER_S UINT64_C(1000000000)
/* An error of 1 us at either end makes 20 in a million. */
#define SPAN_NS (NS_PER_S / 10)
#define TRIES 32

/* The counter and the clock at the same time. */
struct moment {
	uint64_t ticks;
	uint64_t ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A loaded machine may stop the program anywhere: the closest pair counts. */
static struct moment moment_take(void)
{
	uint64_t closest = UINT64_MAX;
	struct moment moment = {0};

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc();
		uint64_t ns = now_ns();
		uint64_t took = __rdtsc() - before;

		if (took >= closest)
			continue;
		closest = took;
		moment = (struct moment){before + took / 2, ns};
	}
	return moment;
}

int main(void)
{
	const struct timespec span = {.tv_nsec = (long)SPAN_NS};
	struct moment start, end;
	uint64_t ticks;

	start = moment_take();
	nanosleep(&span, NULL);
	end = moment_take();
	if (end.ns <= start.ns) {
		fprintf(stderr, "lab-tsc-khz: the clock stands still\n");
		return EXIT_FAILURE;
	}
	ticks = end.ticks - start.ticks;
	printf("%" PRIu64 "\n", ticks * 1000000 / (end.ns - start.ns));
	return EXIT_SUCCESS;
}
