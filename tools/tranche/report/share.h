/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of shares: what each guest ought to have, what it had, and
 * whether that is near enough. Stateless.
 */
#ifndef TRANCHE_REPORT_SHARE_H
#define TRANCHE_REPORT_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/tranche/report/record.h"

/* How far a share may be off, in points of percent. */
#define SHARE_TOLERANCE 3.0

/**
 * struct share_rule - by what a guest gets its share
 * @weight: against the others
 * @cap: percent of all time at most; 100 for none
 * @busy: it wants the GPU at all
 */
struct share_rule {
	unsigned int weight;
	double cap;
	bool busy;
};

/**
 * share_expect - what each ought to have
 * @rules: one for each guest
 * @n: how many, up to RECORD_GUESTS
 * @wanted: gets percent of all time
 *
 * What a cap leaves goes to the others by weight.
 */
void share_expect(const struct share_rule *rules, size_t n, double *wanted);

/**
 * share_between - what a guest had between two readings
 * @first: the earlier one
 * @last: the later one
 * @n: how many guests
 * @guest: which
 * @of_time: of all time between; else of the time that guests had the GPU
 *
 * Return: percent; 0 when there was no time.
 */
double share_between(const struct record_sample *first,
		     const struct record_sample *last, size_t n, size_t guest,
		     bool of_time);

/**
 * share_measure - fill in what was measured in a phase that has ended
 * @record: with the readings
 * @phase: of it
 *
 * Return: whether two readings at least are from its settled part.
 */
bool share_measure(const struct record *record, struct record_phase *phase);

/* share_worst - how far the guest that is off most is off, in points */
double share_worst(const struct record_phase *phase, size_t n);

#endif
