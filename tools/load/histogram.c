// SPDX-License-Identifier: MIT
#include "histogram.h"

#include <string.h>

/*
 * The first 2 * PARTS buckets hold one value each. Above them a value's
 * highest set bit chooses the group of PARTS buckets, the PART_BITS bits below
 * it the bucket within.
 */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < 2 * HISTOGRAM_PARTS)
		return (unsigned int)value;
	shift = 63 - HISTOGRAM_PART_BITS - (unsigned int)__builtin_clzll(value);
	return shift * HISTOGRAM_PARTS + (unsigned int)(value >> shift);
}

static uint64_t bucket_middle(unsigned int bucket)
{
	unsigned int shift;
	uint64_t low;

	if (bucket < 2 * HISTOGRAM_PARTS)
		return bucket;
	shift = bucket / HISTOGRAM_PARTS - 1;
	low = (uint64_t)(bucket - shift * HISTOGRAM_PARTS) << shift;
	return low + ((uint64_t)1 << (shift - 1));
}

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += (double)value;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->bucket[bucket_of(value)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	h->count += other->count;
	h->sum += other->sum;
	if (other->min < h->min)
		h->min = other->min;
	if (other->max > h->max)
		h->max = other->max;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->bucket[i] += other->bucket[i];
}

static uint64_t clamp_to_seen(const struct histogram *h, uint64_t value)
{
	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

uint64_t histogram_percentile(const struct histogram *h, unsigned int permille)
{
	uint64_t rank, seen = 0;

	if (!h->count)
		return 0;
	if (permille >= 1000)
		return h->max;

	/* The rank of the wanted value, from 1; count * 1000 can't overflow
	 * before centuries of microsecond submissions. */
	rank = (h->count * permille + 999) / 1000;
	if (rank == 0)
		return h->min;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return clamp_to_seen(h, bucket_middle(i));
	}
	return h->max;
}

uint64_t histogram_mean(const struct histogram *h)
{
	if (!h->count)
		return 0;
	return clamp_to_seen(h, (uint64_t)(h->sum / (double)h->count));
}
