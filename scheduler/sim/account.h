/* SPDX-License-Identifier: MIT */
/*
 * What happened in a run: who had the GPU when, what ran, who waited.
 *
 * States: gathering, from sim_account_init() on, fed by the run as virtual
 * time passes; then finished, when sim_account_finish() has sorted the waits
 * and closed the open holds. Figures count from the scenario's warm-up on,
 * spans from the start. The account owns all it gathered.
 *
 * Lag: how far a vGPU that has wanted the GPU without a break is behind its
 * part of an ideal GPU (sim_share_ideal()). A break of a millisecond
 * ends the claim.
 */
#ifndef TRANCHE_SCHEDULER_SIM_ACCOUNT_H
#define TRANCHE_SCHEDULER_SIM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scheduler/sim/gpu.h"
#include "scheduler/sim/scenario.h"

/* A vGPU had the GPU, or a context's job ran. */
struct sim_span {
	uint64_t start_ns;
	uint64_t end_ns;
	uint32_t vgpu;
	uint32_t context;
	uint32_t engine;
};

struct sim_spans {
	struct sim_span *items;
	size_t n;
	size_t n_allocated;
};

struct sim_vgpu_account {
	uint64_t hold_ns;
	uint64_t busy_ns;
	uint64_t n_jobs;
	uint32_t n_overruns;
	double lag_max_ns;
	/* Waits of its jobs at the head of their queue; sorted at the end. */
	uint64_t *waits_ns;
	size_t n_waits;
	size_t n_waits_allocated;
	/* Gathering only. */
	double lag_ns;
	uint64_t hold_start_ns;
	uint64_t absent_ns;
};

/* Ideal shares of one set of present vGPUs, so as to compute them once. */
struct sim_ideal {
	uint64_t present;
	double share[SIM_VGPUS_MAX];
};

enum {
	SIM_IDEALS = 64,
};

struct sim_account {
	const struct sim_scenario *scenario;
	bool keep_jobs;
	int error;
	uint64_t now_ns;
	uint64_t idle_ns;
	uint64_t idle_wanted_ns;
	uint64_t anticipated_ns;
	/* Bit masks of vGPUs, as of now_ns. */
	uint64_t holding;
	uint64_t running;
	uint64_t present;
	uint64_t wanting;
	struct sim_spans holds;
	struct sim_spans jobs;
	struct sim_vgpu_account vgpus[SIM_VGPUS_MAX];
	struct sim_ideal ideals[SIM_IDEALS];
};

/**
 * sim_account_init() - Begin an account
 * @account: the account
 * @scenario: the scenario that is run
 * @keep_jobs: record a span for every job, for timelines
 */
void sim_account_init(struct sim_account *account,
		      const struct sim_scenario *scenario, bool keep_jobs);

/**
 * sim_account_deinit() - Release what was gathered
 * @account: the account, or one that is all zero
 */
void sim_account_deinit(struct sim_account *account);

/**
 * sim_account_advance() - Let time pass
 * @account: the account
 * @now_ns: time up to which the state set last was in force
 */
void sim_account_advance(struct sim_account *account, uint64_t now_ns);

/**
 * sim_account_reset() - The warm-up is over: start the figures anew
 * @account: the account
 */
void sim_account_reset(struct sim_account *account);

/**
 * sim_account_set() - Set who does what from now on
 * @account: the account
 * @holding: bit mask of the vGPUs that have the GPU
 * @running: bit mask of the vGPUs whose jobs run
 * @wanting: bit mask of the vGPUs with an unfinished job
 */
void sim_account_set(struct sim_account *account, uint64_t holding,
		     uint64_t running, uint64_t wanting);

/**
 * sim_account_start() - A job started
 * @account: the account
 * @task: the job
 * @ready_ns: since when nothing but the scheduler held it up
 */
void sim_account_start(struct sim_account *account, const struct sim_task *task,
		       uint64_t ready_ns);

/**
 * sim_account_end() - A job ended
 * @account: the account
 * @task: the job
 * @killed: it was killed
 */
void sim_account_end(struct sim_account *account, const struct sim_task *task,
		     bool killed);

/**
 * sim_account_finish() - The run is over
 * @account: the account
 *
 * Return: 0, or -ENOMEM if something could not be recorded.
 */
int sim_account_finish(struct sim_account *account);

/**
 * sim_account_wait() - A percentile of a vGPU's waits
 * @account: the account, finished
 * @vgpu: index of the vGPU
 * @percent: 0 to 100; 100 is the longest wait
 *
 * Return: nanoseconds; 0 without any job.
 */
uint64_t sim_account_wait(const struct sim_account *account, uint32_t vgpu,
			  uint32_t percent);

/**
 * sim_account_hold() - Part of the measured time that a vGPU had the GPU
 * @account: the account, finished
 * @vgpu: index of the vGPU
 *
 * Return: 0 to 1.
 */
double sim_account_hold(const struct sim_account *account, uint32_t vgpu);

/**
 * sim_account_window_ratio() - Worst ratio of two vGPUs' holds
 * @account: the account, finished
 * @a: index of one vGPU
 * @b: index of the other
 * @window_ns: length of the windows; all of them since the warm-up count
 *
 * For policies with one holder at a time.
 *
 * Return: smaller over larger hold time in the worst window, 0 to 1.
 */
double sim_account_window_ratio(const struct sim_account *account, uint32_t a,
				uint32_t b, uint64_t window_ns);

#endif
