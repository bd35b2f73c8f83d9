/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/stamp.h"

/* Two clocks run apart by less than this part. */
#define DRIFT_PART 64
/* How many times what may be added a time may vary. */
#define NOISE 2
#define GOLDEN_RATIO UINT32_C(0x9e3779b9) /* its fraction */

bool stamp_elapsed(const struct stamp_clock *clock, uint64_t begin,
		   uint64_t end, uint64_t most_ns, uint64_t *ns)
{
	uint64_t mask = clock->bits < 64 ? (UINT64_C(1) << clock->bits) - 1
					 : UINT64_MAX;
	double elapsed = (double)((end - begin) & mask) * clock->period_ns;
	double most = (double)most_ns;

	if (most >= (double)mask * clock->period_ns ||
	    elapsed > most + most / DRIFT_PART)
		return false;
	*ns = elapsed < most ? (uint64_t)elapsed : most_ns;
	return true;
}

/* ------------------------------------------------------------------------
 * The verdict
 * ------------------------------------------------------------------------ */

/* Multiples of the golden ratio are spread evenly over its fractions, and so are
 * every second, every third of them. */
enum stamp_kind stamp_turn(uint32_t turn)
{
	return turn * GOLDEN_RATIO >> 31 ? STAMP_STAMPED : STAMP_PLAIN;
}

struct spread {
	uint64_t quarter;
	uint64_t noise;
};

/*
 * Of what is timed on a busy processor the lower quarter says most: it is free
 * of what came in between, and less a matter of chance than the least. Of 32 times
 * the true quarter lies between one eighth and three in nine of ten cases.
 */
static struct spread spread_of(const uint64_t *ns, uint32_t count)
{
	uint64_t sorted[STAMP_SAMPLES];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = i;

		for (; place && sorted[place - 1] > ns[i]; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = ns[i];
	}
	return (struct spread){
		.quarter = sorted[count / 4],
		.noise = sorted[3 * count / 8] - sorted[count / 8],
	};
}

/* What stamps may add to a time. */
static const uint64_t most_ns[STAMP_TIMES] = {
	[STAMP_CALL] = STAMP_CALL_NS,
	[STAMP_WHOLE] = STAMP_LATE_NS,
};

static struct spread spread_get(const struct stamp_probe *probe,
				enum stamp_kind kind, enum stamp_time time)
{
	const struct stamp_samples *samples = &probe->samples[kind];

	return spread_of(samples->ns[time], samples->count);
}

/* Whether stamps add more than so much to a time. */
static bool adds_more(const struct stamp_probe *probe, enum stamp_time time,
		      uint64_t ns)
{
	return spread_get(probe, STAMP_STAMPED, time).quarter >
	       spread_get(probe, STAMP_PLAIN, time).quarter + ns;
}

static uint64_t noise(const struct stamp_probe *probe, enum stamp_time time)
{
	return spread_get(probe, STAMP_PLAIN, time).noise;
}

static bool is_dear(const struct stamp_probe *probe)
{
	return adds_more(probe, STAMP_CALL, most_ns[STAMP_CALL]) ||
	       adds_more(probe, STAMP_WHOLE, most_ns[STAMP_WHOLE]);
}

static bool is_noisy(const struct stamp_probe *probe)
{
	return noise(probe, STAMP_CALL) > NOISE * most_ns[STAMP_CALL] ||
	       noise(probe, STAMP_WHOLE) > NOISE * most_ns[STAMP_WHOLE];
}

static bool is_dear_by_far(const struct stamp_probe *probe)
{
	for (int time = 0; time < STAMP_TIMES; time++) {
		if (adds_more(probe, time,
			      STAMP_FAR * (most_ns[time] + noise(probe, time))))
			return true;
	}
	return false;
}

static enum stamp_verdict judge(struct stamp_probe *probe)
{
	if (!is_noisy(probe))
		return is_dear(probe) ? STAMP_DEAR : STAMP_CHEAP;
	probe->samples[STAMP_PLAIN].count = 0;
	probe->samples[STAMP_STAMPED].count = 0;
	return ++probe->rounds < STAMP_ROUNDS ? STAMP_UNKNOWN : STAMP_DEAR;
}

enum stamp_verdict stamp_probe_add(struct stamp_probe *probe,
				   enum stamp_kind kind, uint64_t call_ns,
				   uint64_t whole_ns)
{
	struct stamp_samples *samples = &probe->samples[kind];
	uint32_t least;

	if (samples->count < STAMP_SAMPLES) {
		samples->ns[STAMP_CALL][samples->count] = call_ns;
		samples->ns[STAMP_WHOLE][samples->count++] = whole_ns;
	}
	least = probe->samples[!kind].count;
	if (samples->count < least)
		least = samples->count;
	if (least == STAMP_SAMPLES)
		return judge(probe);
	if (least == STAMP_EARLY && is_dear_by_far(probe))
		return STAMP_DEAR;
	return STAMP_UNKNOWN;
}
