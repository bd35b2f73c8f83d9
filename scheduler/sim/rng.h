/* SPDX-License-Identifier: MIT */
/*
 * Repeatable randomness for workloads.
 *
 * Every context draws from a generator of its own, seeded from the scenario's
 * seed and the context's index, so that the work a context offers is the same
 * whichever policy schedules it. A generator is one word, owned by whoever
 * embeds it; there is nothing to release.
 */
#ifndef TRANCHE_SCHEDULER_SIM_RNG_H
#define TRANCHE_SCHEDULER_SIM_RNG_H

#include <stdint.h>

struct sim_rng {
	uint64_t state;
};

/**
 * sim_rng_init() - Seed a generator
 * @rng: the generator
 * @seed: the scenario's seed
 * @stream: distinguishes generators that share a seed
 */
static inline void sim_rng_init(struct sim_rng *rng, uint64_t seed,
				uint64_t stream)
{
	rng->state = seed ^ (stream + 1) * 0xd1342543de82ef95ULL;
}

/**
 * sim_rng_next() - Next 64 random bits
 * @rng: the generator
 *
 * The SplitMix64 sequence (Steele, Lea, Flood: "Fast Splittable Pseudorandom
 * Number Generators", OOPSLA 2014).
 */
static inline uint64_t sim_rng_next(struct sim_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/**
 * sim_rng_vary() - Draw a time uniformly around a mean
 * @rng: the generator
 * @mean_ns: mean, at most an hour
 * @percent: half width of the range, 0 to 100
 *
 * Return: a time in nanoseconds; @mean_ns itself for 0 percent.
 */
static inline uint64_t sim_rng_vary(struct sim_rng *rng, uint64_t mean_ns,
				    uint32_t percent)
{
	uint64_t half = mean_ns / 100 * percent + mean_ns % 100 * percent / 100;

	if (half == 0)
		return mean_ns;
	return mean_ns - half + sim_rng_next(rng) % (2 * half + 1);
}

#endif
