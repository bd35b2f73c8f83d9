/* SPDX-License-Identifier: MIT */
/*
 * The work that guests offer: bursts of jobs, submitted in virtual time.
 *
 * A context submits a burst, waits until its last job is done, thinks, and
 * submits the next; with a depth above one, several bursts are outstanding.
 * A job passes three states, in order of submission within its context:
 *
 *   waiting    submitted, held at the gate
 *   in flight  passed to the GPU: sim_load_pass()
 *   done       forgotten: sim_load_complete()
 *
 * A context whose work was killed loses all its outstanding jobs and starts
 * over after its think time: sim_load_lose().
 *
 * The load owns all queues; it reads the scenario, which must outlive it.
 * Nothing is allocated after sim_load_init().
 */
#ifndef TRANCHE_SCHEDULER_SIM_LOAD_H
#define TRANCHE_SCHEDULER_SIM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/sim/rng.h"
#include "scheduler/sim/scenario.h"

#define SIM_NEVER UINT64_MAX

struct sim_job {
	uint64_t submit_ns;
	uint64_t length_ns;
};

/* Outstanding jobs of a context: a ring with counters that never wrap. */
struct sim_queue {
	struct sim_job *jobs;
	uint64_t size;
	uint64_t n_submitted;
	uint64_t n_passed;
	uint64_t n_done;
	uint64_t done_ns;
	struct sim_rng rng;
};

/* A burst to come. */
struct sim_burst {
	uint64_t time_ns;
	uint32_t context;
};

struct sim_load {
	const struct sim_scenario *scenario;
	struct sim_queue *queues;
	struct sim_job *jobs;
	struct sim_burst *heap;
	size_t n_heap;
};

/**
 * sim_load_init() - Prepare the work of a scenario
 * @load: the load
 * @scenario: the scenario
 * @vgpus: bit mask of the vGPUs whose contexts take part
 *
 * Return: 0 or -ENOMEM.
 */
int sim_load_init(struct sim_load *load, const struct sim_scenario *scenario,
		  uint64_t vgpus);

/**
 * sim_load_deinit() - Release what sim_load_init() took
 * @load: the load, or one that is all zero
 */
void sim_load_deinit(struct sim_load *load);

/**
 * sim_load_next() - Time of the next burst
 * @load: the load
 *
 * Return: nanoseconds, or SIM_NEVER.
 */
uint64_t sim_load_next(const struct sim_load *load);

/**
 * sim_load_submit() - Submit the next burst, if it is due
 * @load: the load
 * @now_ns: current time
 * @context: receives the context that submitted
 *
 * Return: true if a burst was submitted; call again until it is false.
 */
bool sim_load_submit(struct sim_load *load, uint64_t now_ns, uint32_t *context);

/**
 * sim_load_pass() - Take a context's first waiting job for the GPU
 * @load: the load
 * @context: the context; it must have a waiting job
 *
 * Return: the job, valid until it is completed or lost.
 */
const struct sim_job *sim_load_pass(struct sim_load *load, uint32_t context);

/**
 * sim_load_complete() - A context's oldest job in flight is done
 * @load: the load
 * @context: the context
 * @now_ns: current time
 */
void sim_load_complete(struct sim_load *load, uint32_t context,
		       uint64_t now_ns);

/**
 * sim_load_lose() - A context was killed: drop its jobs, let it start over
 * @load: the load
 * @context: the context
 * @now_ns: current time
 */
void sim_load_lose(struct sim_load *load, uint32_t context, uint64_t now_ns);

static inline uint64_t sim_load_waiting(const struct sim_load *load,
					uint32_t context)
{
	const struct sim_queue *q = &load->queues[context];

	return q->n_submitted - q->n_passed;
}

static inline uint64_t sim_load_in_flight(const struct sim_load *load,
					  uint32_t context)
{
	const struct sim_queue *q = &load->queues[context];

	return q->n_passed - q->n_done;
}

/* A context's first waiting job; there must be one. */
static inline const struct sim_job *sim_load_first(const struct sim_load *load,
						   uint32_t context)
{
	const struct sim_queue *q = &load->queues[context];

	return &q->jobs[q->n_passed % q->size];
}

#endif
