/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is known about a series of durations (a context's jobs on one engine,
 * its gaps between completion and next submission): a mean and a high
 * percentile, in constant space and integers only.
 *
 * States: unknown (no sample), learning (fewer than ESTIMATE_KNOWN samples:
 * the percentile moves in large steps), known. Feed it only durations that
 * were observed on time: a completion noticed late would teach it a length
 * the job did not have, and the depth limit would follow.
 *
 * The owner embeds it. Lock: none, the caller serialises.
 */
#ifndef SCHEDULER_CORE_ESTIMATE_H
#define SCHEDULER_CORE_ESTIMATE_H

#include "types.h"

#define ESTIMATE_KNOWN 4
#define ESTIMATE_MAX_NS UINT32_MAX

struct estimate {
	uint32_t mean_ns;
	uint32_t high_ns; /* about the 95th percentile */
	uint32_t samples; /* saturates */
};

/**
 * estimate_add() - learn from one duration
 * @est: the estimate, zeroed before its first sample
 * @ns: the duration in ns; longer than ESTIMATE_MAX_NS counts as that
 *
 * The mean is exponentially weighted (1/8). The percentile is a stochastic
 * approximation with steps in the ratio 19:1 up and down, relative to its
 * own size (Ma, Muthukrishnan, Sandler: "Frugal Streaming for Estimating
 * Quantiles", 2013, with multiplicative steps). It is at most twenty means: by
 * Markov's inequality no 95th percentile is more.
 */
void estimate_add(struct estimate *est, uint64_t ns);

/**
 * estimate_is_known() - ask whether an estimate may be relied upon
 * @est: the estimate
 *
 * Return: true once it has seen ESTIMATE_KNOWN samples.
 */
static inline bool estimate_is_known(const struct estimate *est)
{
	return est->samples >= ESTIMATE_KNOWN;
}

#endif
