// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "estimate.h"

#define LEARNING_SAMPLES 16
/* No more than a twentieth of all samples exceeds their mean that many times. */
#define HIGH_MEANS 20

/* One step of the percentile is 1/256 of it, 1/32 while it is learning. */
static uint64_t high_step(const struct estimate *est)
{
	unsigned int shift = est->samples < LEARNING_SAMPLES ? 5 : 8;

	return (est->high_ns >> shift) + 1;
}

static void high_add(struct estimate *est, uint32_t ns)
{
	uint64_t step = high_step(est);
	uint64_t high;

	if (ns > est->high_ns) {
		high = est->high_ns + 19 * step;
		est->high_ns = high < ns ? high : ns;
	} else if (ns < est->high_ns) {
		/* What came first may be far from what follows. */
		high = est->samples < LEARNING_SAMPLES ? est->high_ns / 2
						       : est->high_ns - step;
		est->high_ns = high > ns ? high : ns;
	}
}

/*
 * Durations may change their kind, from a program's start to its work. The mean
 * follows within tens of samples, and the percentile has to be in its reach.
 */
static void high_bound(struct estimate *est)
{
	uint64_t most = (uint64_t)est->mean_ns * HIGH_MEANS;

	if (est->high_ns > most)
		est->high_ns = most;
}

void estimate_add(struct estimate *est, uint64_t ns)
{
	uint32_t sample = ns < ESTIMATE_MAX_NS ? ns : ESTIMATE_MAX_NS;

	if (!est->samples) {
		est->mean_ns = sample;
		est->high_ns = sample;
	} else {
		int64_t error = (int64_t)sample - est->mean_ns;

		est->mean_ns += error / 8;
		high_add(est, sample);
		high_bound(est);
	}
	if (est->samples < UINT32_MAX)
		est->samples++;
}
