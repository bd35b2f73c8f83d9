// SPDX-License-Identifier: MIT
#include "calibrate.h"

#include <errno.h>
#include <stdlib.h>

#include "units/units.h"

#define WARM_UP 3
#define SAMPLES_MIN 3
#define SAMPLES_MAX 15
/* Short dispatches are noisier: they are sampled up to this time. */
#define SAMPLES_NS (150 * NS_PER_MS)
#define GROWTH_MAX 8

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int measure_median(const struct calibrate_plan *plan,
			  const struct load_work *work, uint64_t *nsp)
{
	uint64_t samples[SAMPLES_MAX], spent = 0;
	size_t count = 0;

	while (count < SAMPLES_MIN ||
	       (count < SAMPLES_MAX && spent < SAMPLES_NS)) {
		int r = plan->measure(plan->data, work, &samples[count]);

		if (r < 0)
			return r;
		spent += samples[count++];
	}
	qsort(samples, count, sizeof(samples[0]), compare_ns);
	*nsp = samples[count / 2];
	return 0;
}

static int warm_up(const struct calibrate_plan *plan,
		   const struct load_work *work)
{
	uint64_t ignored;

	for (int i = 0; i < WARM_UP; i++) {
		int r = plan->measure(plan->data, work, &ignored);

		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static bool is_within(const struct calibrate_plan *plan, uint64_t ns)
{
	return distance(ns, plan->target_ns) * 100 <=
	       plan->target_ns * CALIBRATE_TOLERANCE_PERCENT;
}

static void keep_best(const struct calibrate_plan *plan,
		      struct calibration *result, const struct load_work *work,
		      uint64_t ns)
{
	if (result->cost_ns &&
	    distance(ns, plan->target_ns) >=
		    distance(result->cost_ns, plan->target_ns))
		return;
	result->work = *work;
	result->cost_ns = ns;
	result->within = is_within(plan, ns);
}

/* Where the search stands, for the items it is at. */
struct search {
	struct load_work work;
	/* Cost of one iteration, nearly all of it that of submitting; 0: not
	 * known. */
	uint64_t base_ns;
	/* The most iterations seen to be too short, and the fewest seen to be
	 * too long; 0: none. */
	uint32_t low;
	uint32_t high;
};

/* Noise may contradict what was seen before: the later measurement counts. */
static void narrow(struct search *search, bool too_long)
{
	uint32_t iterations = search->work.iterations;

	if (too_long) {
		search->high = iterations;
		if (search->low >= iterations)
			search->low = 0;
	} else {
		search->low = iterations;
		if (search->high <= iterations)
			search->high = 0;
	}
}

/* Fewer items make an iteration shorter and so the steps finer. */
static bool halve_items(const struct calibrate_plan *plan,
			struct search *search)
{
	uint32_t items = search->work.items / 2;

	items -= items % plan->items_step;
	if (items < plan->items_min)
		return false;
	search->work.items = items;
	search->work.iterations = search->low ? 2 * search->low : 1;
	search->base_ns = 0;
	search->low = 0;
	search->high = 0;
	return true;
}

/* By a straight line through the cost of one iteration and the last one. */
static double guess_factor(const struct calibrate_plan *plan,
			   const struct search *search, uint64_t ns)
{
	double left = (double)plan->target_ns - (double)search->base_ns;
	double used = (double)ns - (double)search->base_ns;
	double factor = (double)plan->target_ns / (double)ns;

	if (left > 0 && used > 0)
		factor = left / used;
	return factor > GROWTH_MAX ? GROWTH_MAX : factor;
}

/* False when there is no better amount to try. */
static bool next_work(const struct calibrate_plan *plan, struct search *search,
		      uint64_t ns)
{
	double next;

	if (search->high && search->high - search->low <= 1)
		return halve_items(plan, search);
	next = search->work.iterations * guess_factor(plan, search, ns) + 0.5;
	if (next < (double)search->low + 1)
		next = (double)search->low + 1;
	if (search->high && next > (double)search->high - 1)
		next = (double)search->high - 1;
	if (next > UINT32_MAX)
		return false;
	search->work.iterations = (uint32_t)next;
	return true;
}

/* Of several dispatches one may show that they can be as short as wanted: the
 * first ones, and any on a busy machine, take longer than they need. */
static int seems_short(const struct calibrate_plan *plan,
		       const struct load_work *work, bool *answer)
{
	uint64_t ns = UINT64_MAX;

	for (int i = 0; i < WARM_UP && ns >= plan->target_ns; i++) {
		int r = plan->measure(plan->data, work, &ns);

		if (r < 0)
			return r;
	}
	*answer = ns < plan->target_ns;
	return 0;
}

/*
 * From the fewest items to those that are wanted, or to where one iteration is
 * long enough. A driver or a scheduler may end whoever dispatches all at once.
 */
static int grow_items(const struct calibrate_plan *plan, struct load_work *work)
{
	bool is_short = true;

	work->items = plan->items_min;
	while (work->items < plan->items) {
		int r = seems_short(plan, work, &is_short);

		if (r < 0 || !is_short)
			return r;
		work->items = work->items < plan->items / 2 ? 2 * work->items
							    : plan->items;
	}
	return 0;
}

static int search_work(const struct calibrate_plan *plan,
		       struct calibration *result)
{
	struct search search = {.work = result->work};
	uint64_t ns;
	int r;

	r = grow_items(plan, &search.work);
	if (r < 0)
		return r;
	r = warm_up(plan, &search.work);
	if (r < 0)
		return r;
	while (result->tries < CALIBRATE_TRIES) {
		r = measure_median(plan, &search.work, &ns);
		if (r < 0)
			return r;
		result->tries++;
		keep_best(plan, result, &search.work, ns);
		if (result->within)
			return 0;
		if (search.work.iterations == 1)
			search.base_ns = ns;
		narrow(&search, ns > plan->target_ns);
		if (!next_work(plan, &search, ns))
			return 0;
	}
	return 0;
}

int calibrate(const struct calibrate_plan *plan, struct calibration *result)
{
	int r;

	*result = (struct calibration){
		.work = {.items = plan->items, .iterations = 1},
	};
	r = search_work(plan, result);
	return r == -ECANCELED ? 0 : r;
}
