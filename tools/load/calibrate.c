// SPDX-License-Identifier: MIT
#include "calibrate.h"

#include <errno.h>
#include <stdlib.h>

#include "units.h"

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

static bool halve_items(const struct calibrate_plan *plan,
			struct load_work *work)
{
	uint32_t items = work->items / 2;

	items -= items % plan->items_step;
	if (items < plan->items_min)
		return false;
	work->items = items;
	return true;
}

/*
 * The next amount, by a straight line through the cost of one iteration
 * (@base_ns, nearly all of it the cost of submitting) and the last one.
 * False when there is none.
 */
static bool next_work(const struct calibrate_plan *plan, uint64_t base_ns,
		      uint64_t ns, struct load_work *work)
{
	double left = (double)plan->target_ns - (double)base_ns;
	double used = (double)ns - (double)base_ns;
	double factor, next;

	if (ns > plan->target_ns && work->iterations == 1)
		return halve_items(plan, work);
	factor = used > 0 && left > 0 ? left / used : GROWTH_MAX;
	if (ns > plan->target_ns && factor >= 1)
		factor = (double)plan->target_ns / (double)ns;
	if (factor > GROWTH_MAX)
		factor = GROWTH_MAX;
	next = work->iterations * factor + 0.5;
	if (next > UINT32_MAX)
		next = UINT32_MAX;
	if (next < 1)
		next = 1;
	if ((uint32_t)next == work->iterations)
		return false;
	work->iterations = (uint32_t)next;
	return true;
}

static int search(const struct calibrate_plan *plan, struct calibration *result)
{
	struct load_work work = result->work;
	uint64_t base_ns = 0, ns;
	int r;

	r = warm_up(plan, &work);
	if (r < 0)
		return r;
	while (result->tries < CALIBRATE_TRIES) {
		r = measure_median(plan, &work, &ns);
		if (r < 0)
			return r;
		result->tries++;
		keep_best(plan, result, &work, ns);
		if (result->within)
			return 0;
		if (work.iterations == 1)
			base_ns = ns;
		if (!next_work(plan, base_ns, ns, &work))
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
	r = search(plan, result);
	return r == -ECANCELED ? 0 : r;
}
