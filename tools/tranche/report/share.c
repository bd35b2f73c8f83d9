// SPDX-License-Identifier: MIT
#include "tools/tranche/report/share.h"

#include <math.h>

/* The weight of all that take part in what is left. */
static double weight_sum(const struct share_rule *rules, const bool *capped,
			 size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (rules[i].busy && !capped[i])
			sum += rules[i].weight;
	return sum;
}

/* Caps one guest whose part of what is left is beyond its cap. */
static bool cap_one(const struct share_rule *rules, bool *capped, size_t n,
		    double *left)
{
	double sum = weight_sum(rules, capped, n);

	for (size_t i = 0; i < n; i++) {
		if (!rules[i].busy || capped[i] ||
		    *left * rules[i].weight / sum <= rules[i].cap)
			continue;
		capped[i] = true;
		*left -= rules[i].cap;
		return true;
	}
	return false;
}

void share_expect(const struct share_rule *rules, size_t n, double *wanted)
{
	bool capped[RECORD_GUESTS] = {false};
	double left = 100, sum;

	while (cap_one(rules, capped, n, &left))
		;
	sum = weight_sum(rules, capped, n);
	for (size_t i = 0; i < n; i++) {
		if (!rules[i].busy)
			wanted[i] = 0;
		else if (capped[i])
			wanted[i] = rules[i].cap;
		else
			wanted[i] = left * rules[i].weight / sum;
	}
}

static double had(const struct record_sample *first,
		  const struct record_sample *last, size_t guest)
{
	uint64_t before = first->guests[guest].gpu_ns;
	uint64_t after = last->guests[guest].gpu_ns;

	/* The broker may have begun anew meanwhile. */
	return after > before ? (double)(after - before) : 0;
}

double share_between(const struct record_sample *first,
		     const struct record_sample *last, size_t n, size_t guest,
		     bool of_time)
{
	double whole = 0;

	if (of_time)
		whole = (double)last->now_ns - (double)first->now_ns;
	else
		for (size_t i = 0; i < n; i++)
			whole += had(first, last, i);
	return whole > 0 ? 100 * had(first, last, guest) / whole : 0;
}

bool share_measure(const struct record *record, struct record_phase *phase)
{
	const struct record_sample *first = NULL, *last = NULL, *sample;

	for (size_t i = 0; i < record->n_samples; i++) {
		sample = &record->samples[i];
		if (sample->now_ns < phase->settled_ns ||
		    sample->now_ns > phase->end_ns)
			continue;
		if (!first)
			first = sample;
		last = sample;
	}
	if (!first || first == last)
		return false;
	for (size_t i = 0; i < record->n_guests; i++)
		phase->measured[i] = share_between(
			first, last, record->n_guests, i, phase->of_time[i]);
	return true;
}

double share_worst(const struct record_phase *phase, size_t n)
{
	double worst = 0;

	for (size_t i = 0; i < n; i++)
		worst = fmax(worst,
			     fabs(phase->measured[i] - phase->wanted[i]));
	return worst;
}
