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

static void mean_add(uint64_t *mean_ns, uint64_t ns)
{
	uint64_t most = OUTLIER_MEANS * *mean_ns + OUTLIER_NS;

	if (ns > most)
		ns = most;
	*mean_ns -= *mean_ns >> MEAN_SHIFT;
	*mean_ns += ns >> MEAN_SHIFT;
}

void handoff_end(struct handoff *handoff, uint64_t at_ns, bool waited)
{
	uint64_t idle_ns = handoff->idle_ns;
	uint64_t ns = at_ns > idle_ns ? at_ns - idle_ns : 0;

	handoff->idle_ns = 0;
	if (!idle_ns)
		return;
	if (handoff->awaited)
		mean_add(&handoff->mean_ns, ns);
	else if (waited)
		mean_add(&handoff->next_mean_ns, ns);
	handoff->awaited = false;
}

void handoff_opened(struct handoff *handoff, uint64_t open_ns, uint64_t at_ns)
{
	mean_add(&handoff->open_mean_ns, at_ns > open_ns ? at_ns - open_ns : 0);
}

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t handoff_lead(const struct handoff *handoff, uint64_t slice_ns)
{
	uint64_t ns = HANDOFF_LEADS * handoff->open_mean_ns;

	return ns < slice_ns ? ns : slice_ns;
}

uint64_t handoff_drain_end(const struct handoff_drain *drain)
{
	return drain->run_ns + drain->jobs * drain->mean_ns;
}

uint64_t handoff_look(const struct handoff_drain *drain, uint64_t lead_ns,
		      uint64_t now_ns)
{
	uint64_t end_ns = handoff_drain_end(drain);
	uint64_t open_ns = end_ns > lead_ns ? end_ns - lead_ns : 0;
	uint64_t look_ns;

	if (now_ns >= open_ns || drain->jobs < 2)
		return open_ns;
	look_ns = now_ns + longer((open_ns - now_ns) / 2, drain->mean_ns);
	return look_ns < open_ns ? look_ns : open_ns;
}

/* So many times as long as a time idle, in limits. */
static uint64_t parts(uint64_t mean_ns, uint64_t slice_ns)
{
	uint64_t most = HANDOFF_STRETCH_MAX * slice_ns;
	uint64_t ns = HANDOFF_PARTS * mean_ns;

	return ns < most ? ns : most;
}

uint64_t handoff_slice(const struct handoff *handoff, uint64_t slice_ns)
{
	uint64_t mean_ns = longer(handoff->mean_ns, handoff->open_mean_ns);

	return longer(parts(mean_ns, slice_ns), slice_ns);
}

uint64_t handoff_ahead(const struct handoff *handoff, uint64_t slice_ns)
{
	uint64_t mean_ns =
		longer(longer(handoff->mean_ns, handoff->open_mean_ns),
		       handoff->next_mean_ns);
	uint64_t ns = parts(mean_ns, slice_ns);

	return ns > slice_ns ? ns : 0;
}
