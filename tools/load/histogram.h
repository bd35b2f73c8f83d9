/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations in bounded memory.
 *
 * Buckets are log-linear: each power of two is cut into 128 equal parts, so a
 * value read back differs from the recorded one by at most 1/256 of it
 * (0.4 %), from 0 ns to 2^64 - 1 ns. Values below 256 ns, the smallest, the
 * largest and the mean are exact. The size is fixed (58 KiB): a run of days
 * takes no more than a run of seconds.
 *
 * The owner embeds it and serialises access; there is no lock inside.
 */
#ifndef TRANCHE_LOAD_HISTOGRAM_H
#define TRANCHE_LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PART_BITS 7
#define HISTOGRAM_PARTS (1u << HISTOGRAM_PART_BITS)
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_PART_BITS + 1) * HISTOGRAM_PARTS)
/* The error bound of histogram_percentile(), in parts per million. */
#define HISTOGRAM_ERROR_PPM (1000000 / (2 * HISTOGRAM_PARTS))

struct histogram {
	uint64_t count;
	uint64_t min;
	uint64_t max;
	double sum;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/**
 * histogram_init() - make a histogram empty
 * @h: the histogram; any former content is dropped
 */
void histogram_init(struct histogram *h);

/**
 * histogram_add() - record one value
 * @h: the histogram
 * @value: a duration in nanoseconds, any
 */
void histogram_add(struct histogram *h, uint64_t value);

/**
 * histogram_merge() - add all values of one histogram to another
 * @h: the histogram that grows
 * @other: the histogram that is read
 */
void histogram_merge(struct histogram *h, const struct histogram *other);

/**
 * histogram_percentile() - the value that a share of all values does not exceed
 * @h: the histogram
 * @permille: the share, 0 to 1000 (the median is 500)
 *
 * Return: nanoseconds, within 1/256 of a recorded value and never outside the
 * recorded smallest and largest; 0 when nothing was recorded.
 */
uint64_t histogram_percentile(const struct histogram *h, unsigned int permille);

/**
 * histogram_mean() - the mean of all values
 * @h: the histogram
 *
 * Return: nanoseconds, rounded down; 0 when nothing was recorded.
 */
uint64_t histogram_mean(const struct histogram *h);

#endif
