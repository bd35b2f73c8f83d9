/* SPDX-License-Identifier: MIT */
/*
 * Finding the amount of work whose dispatch takes a wanted time.
 *
 * Every amount is judged by the median of several dispatches, after a warm-up.
 * The search starts with the least work and grows it at most eightfold per
 * try, so that no dispatch comes near a driver's watchdog by surprise; it ends
 * within the tolerance or after a bounded number of tries, with the best amount
 * seen. Where iterations are too coarse a step, or even one takes too long, the
 * items are halved.
 *
 * The dispatches are made by a function given to it, so it knows no device.
 */
#ifndef TRANCHE_LOAD_CALIBRATE_H
#define TRANCHE_LOAD_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel.h"

#define CALIBRATE_TRIES 16
#define CALIBRATE_TOLERANCE_PERCENT 5

struct calibrate_plan {
	uint64_t target_ns;
	/* The most items, taken if one iteration of them is short enough, and
	 * the fewest. */
	uint32_t items;
	uint32_t items_min;
	uint32_t items_step;
	/* Makes one dispatch and takes its time in nanoseconds. -ECANCELED ends
	 * the search early without an error. */
	int (*measure)(void *data, const struct load_work *work, uint64_t *nsp);
	void *data;
};

struct calibration {
	struct load_work work;
	/* Median of the dispatches of @work; 0 when none was made. */
	uint64_t cost_ns;
	unsigned int tries;
	/* The cost is within the tolerance of the target. */
	bool within;
};

/**
 * calibrate() - find the amount of work
 * @plan: what is wanted
 * @result: what was found
 *
 * Return: 0, also when the target was not met (see @result->within); a negative
 * errno of the measure function.
 */
int calibrate(const struct calibrate_plan *plan, struct calibration *result);

#endif
