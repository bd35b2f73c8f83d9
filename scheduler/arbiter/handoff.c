// SPDX-License-Identifier: MIT
#include "scheduler/arbiter/handoff.h"

#define NS_PER_US ((uint64_t)1000)
#define MEAN_SHIFT 3
#define OUTLIER_MEANS 4
#define OUTLIER_NS (100 * NS_PER_US)

void handoff_idle(struct handoff *handoff, uint64_t at_ns)
{
	handoff->idle_ns = at_ns;
}

void handoff_grant(struct handoff *handoff, uint64_t want_ns)
{
	handoff->awaited = handoff->idle_ns && want_ns <= handoff->idle_ns;
}

void handoff_end(struct handoff *handoff, uint64_t at_ns)
{
	uint64_t most = OUTLIER_MEANS * handoff->mean_ns + OUTLIER_NS;
	uint64_t idle_ns = handoff->idle_ns;
	uint64_t ns = at_ns > idle_ns ? at_ns - idle_ns : 0;

	if (!handoff->awaited)
		return;
	handoff->awaited = false;
	if (ns > most)
		ns = most;
	handoff->mean_ns -= handoff->mean_ns >> MEAN_SHIFT;
	handoff->mean_ns += ns >> MEAN_SHIFT;
}

uint64_t handoff_slice(const struct handoff *handoff, uint64_t slice_ns)
{
	uint64_t most = HANDOFF_STRETCH_MAX * slice_ns;
	uint64_t ns = HANDOFF_PARTS * handoff->mean_ns;

	if (ns < slice_ns)
		return slice_ns;
	return ns < most ? ns : most;
}
