/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format, version 0.0.4: families, each with its help and
 * type, then the samples of that family. Numbers are in base units.
 *
 * Stateless; what could not be written shows in ferror() of the stream.
 */
#ifndef TRANCHE_METRICS_EXPOSITION_H
#define TRANCHE_METRICS_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

#define EXPOSITION_MIME "text/plain; version=0.0.4; charset=utf-8"

/* Enough for every number that the functions below make. */
#define EXPOSITION_NUMBER 32

enum exposition_type {
	EXPOSITION_COUNTER,
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM,
};

/* An array of them ends with one that has no name. */
struct exposition_label {
	const char *name;
	const char *value;
};

/**
 * exposition_family - begin a family
 * @file: where to
 * @name: of it
 * @type: of it
 * @help: one line without backslashes
 */
void exposition_family(FILE *file, const char *name, enum exposition_type type,
		       const char *help);

/**
 * exposition_sample - one sample of the family that was begun last
 * @file: where to
 * @name: the family's, with a suffix for parts of a histogram
 * @labels: values may hold anything that is UTF-8
 * @value: as a number
 */
void exposition_sample(FILE *file, const char *name,
		       const struct exposition_label *labels,
		       const char *value);

/**
 * exposition_histogram - all samples of one histogram
 * @file: where to
 * @name: the family's
 * @labels: up to EXPOSITION_LABELS of them
 * @counts: how many fell in each range, not yet added up
 * @bounds: the upper end of each range but the last, which has none
 * @count: of ranges, at least 1
 * @sum: of all that was observed
 */
void exposition_histogram(FILE *file, const char *name,
			  const struct exposition_label *labels,
			  const uint64_t *counts, const double *bounds,
			  size_t count, const char *sum);
#define EXPOSITION_LABELS 6

/* exposition_count - 12 */
const char *exposition_count(char text[static EXPOSITION_NUMBER],
			     uint64_t count);

/* exposition_seconds - 1.500000000, exact */
const char *exposition_seconds(char text[static EXPOSITION_NUMBER],
			       uint64_t ns);

/* exposition_ratio - 0.125 for 12.5 percent */
const char *exposition_ratio(char text[static EXPOSITION_NUMBER],
			     double percent);

#endif
