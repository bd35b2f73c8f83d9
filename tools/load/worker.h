/* SPDX-License-Identifier: MIT */
/*
 * One context under load: a device, a job on it and the thread that drives it.
 *
 * States: made (worker_init(): the starting thread may use the job, for
 * instance to calibrate it), running (worker_start(): device and job belong to
 * the worker's thread), finished (worker_finished(): the outputs were checked
 * and the result stands), joined (worker_deinit() is allowed).
 *
 * What the thread measures is handed over through worker_take() under the
 * worker's lock; the rest that both sides touch is atomic.
 */
#ifndef TRANCHE_LOAD_WORKER_H
#define TRANCHE_LOAD_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "histogram.h"
#include "job.h"
#include "options.h"

/* What happened in a span of time. */
struct load_stats {
	uint64_t submissions;
	struct job_verdict verdict;
	struct histogram latency;
};

struct worker {
	const struct options *options;
	struct device *device;
	struct job *job;
	pthread_t thread;

	pthread_mutex_t lock;
	/* Under the lock: what worker_take() has not taken yet. */
	struct load_stats stats;

	/* A submission has completed. */
	atomic_bool computes;
	/* The next completed output is to be checked. */
	atomic_bool sample_due;
	/* When the oldest submission in flight was made; 0: none. */
	_Atomic uint64_t oldest_ns;
	_Atomic uint32_t in_flight;
	atomic_bool finished;

	/* When the last dispatch completed. */
	_Atomic uint64_t end_ns;

	/* Set by the thread, read once it has finished. */
	int result;
};

/**
 * load_stats_init() - make statistics empty
 * @stats: the statistics
 */
void load_stats_init(struct load_stats *stats);

/**
 * load_stats_merge() - add statistics to others
 * @stats: what grows
 * @other: what is read
 */
void load_stats_merge(struct load_stats *stats, const struct load_stats *other);

/**
 * worker_init() - open a context
 * @worker: the worker; on failure worker_deinit() is still to be called
 * @options: what to do; must outlive the worker
 * @gpu: the GPU; must outlive the worker
 * @family: its queue family
 * @work: the amount of work
 * @index: the context's number, which makes its data differ from the others'
 *
 * Return: 0 or a negative errno as of vulkan_errno(). Failures are told.
 */
int worker_init(struct worker *worker, const struct options *options,
		const struct gpu *gpu, uint32_t family,
		const struct load_work *work, uint32_t index);

/**
 * worker_deinit() - close a context
 * @worker: the worker, not running
 */
void worker_deinit(struct worker *worker);

/**
 * worker_start() - put the load on
 * @worker: the worker
 *
 * It ends by itself after the wanted number of submissions, on a failure, and
 * soon after control_stop(). A failure stops the other workers too.
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int worker_start(struct worker *worker);

/**
 * worker_finished() - whether a started worker has ended
 * @worker: the worker
 *
 * Return: true when it may be joined without waiting.
 */
bool worker_finished(struct worker *worker);

/**
 * worker_take() - take over what was measured since the last call
 * @worker: the worker
 * @stats: it is added to them
 */
void worker_take(struct worker *worker, struct load_stats *stats);

#endif
