/* SPDX-License-Identifier: MIT */
/*
 * A scenario: one simulated GPU, the vGPUs that share it and the work that
 * their guests offer.
 *
 * A scenario is read from a JSON file, never changes after that, and is shared
 * by every run made of it. The reader owns it: sim_scenario_read_file() and
 * sim_scenario_read_text() hand it over, sim_scenario_free() releases it.
 * Tenants, vGPUs and contexts are flat arrays; a child names its parent by
 * index, and contexts of one vGPU are neighbours.
 *
 * All times are nanoseconds, counted from the start of the run.
 */
#ifndef TRANCHE_SCHEDULER_SIM_SCENARIO_H
#define TRANCHE_SCHEDULER_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_NSEC_PER_USEC 1000ULL
#define SIM_NSEC_PER_MSEC 1000000ULL
#define SIM_NSEC_PER_SEC 1000000000ULL

enum {
	SIM_TEXT_MAX = 96,
	SIM_ENGINES_MAX = 3,
	SIM_TENANTS_MAX = 64,
	SIM_VGPUS_MAX = 64,
	SIM_CONTEXTS_MAX = 4096,
	SIM_JOBS_MAX = 1 << 20,
};

/* How the scheduler divides the GPU; see docs/scheduling.md. */
enum sim_mode {
	SIM_MODE_FAIR,
	SIM_MODE_EQUAL,
	SIM_MODE_FIXED,
	SIM_MODE_BEST_EFFORT,
};

/* Latency classes, by rising urgency. */
enum sim_latency {
	SIM_LATENCY_NORMAL,
	SIM_LATENCY_LOW,
	SIM_LATENCY_LOWEST,
};

/**
 * struct sim_tenant - A customer: a group of vGPUs with one weight
 * @name: unique among tenants
 * @weight: share among tenants
 */
struct sim_tenant {
	char name[SIM_TEXT_MAX];
	uint32_t weight;
};

/**
 * struct sim_vgpu - One virtual GPU
 * @name: unique among vGPUs
 * @tenant: index of its tenant
 * @weight: share among the tenant's vGPUs
 * @cap: hard limit in percent of the GPU, 1 to 100; 100 is none
 * @reservation: guaranteed minimum in percent of the GPU, 0 is none
 * @latency: latency class: how short a slice it asks for
 * @instances: for SIM_MODE_FIXED, how many of its type fill the GPU
 */
struct sim_vgpu {
	char name[SIM_TEXT_MAX];
	uint32_t tenant;
	uint32_t weight;
	uint32_t cap;
	uint32_t reservation;
	enum sim_latency latency;
	uint32_t instances;
};

/**
 * struct sim_context - One guest context and the work it offers
 * @vgpu: index of its vGPU
 * @engine: index of the engine its jobs run on
 * @jobs: jobs that a burst submits at once
 * @depth: bursts kept outstanding; above 1 the queue never runs dry
 * @job_ns: mean GPU time of a job
 * @wait_ns: mean time from a burst's last completion to the next burst
 * @jitter: half width, in percent, of the range of @job_ns and @wait_ns
 * @start_ns: first submission
 * @stop_ns: no burst is submitted from here on
 */
struct sim_context {
	uint32_t vgpu;
	uint32_t engine;
	uint32_t jobs;
	uint32_t depth;
	uint64_t job_ns;
	uint64_t wait_ns;
	uint32_t jitter;
	uint64_t start_ns;
	uint64_t stop_ns;
};

/**
 * struct sim_gpu_model - The simulated GPU
 * @engines: number of engines: compute, graphics, copy in this order
 * @switch_ns: time an engine needs before a job of another vGPU
 * @report_error: half width, in percent, of the error in reported job times
 */
struct sim_gpu_model {
	uint32_t engines;
	uint64_t switch_ns;
	uint32_t report_error;
};

/**
 * struct sim_tuning - Settings of the scheduler under test
 * @mode: how the GPU is divided
 * @slice_ns: slice; 0 takes the core's default
 * @kill_ns: longest job allowed; 0 takes the core's default
 * @cap_period_ns: time over which caps are enforced; 0 takes the default
 */
struct sim_tuning {
	enum sim_mode mode;
	uint64_t slice_ns;
	uint64_t kill_ns;
	uint64_t cap_period_ns;
};

/**
 * struct sim_scenario - Everything a run needs but its policy
 * @title: one line for tables and plots
 * @seed: seed of all randomness
 * @duration_ns: end of the run
 * @warmup_ns: start of the measured part
 * @plot_from_ns: start of the part that a timeline draws
 * @plot_for_ns: length of that part
 */
struct sim_scenario {
	char title[SIM_TEXT_MAX];
	uint64_t seed;
	uint64_t duration_ns;
	uint64_t warmup_ns;
	uint64_t plot_from_ns;
	uint64_t plot_for_ns;
	struct sim_gpu_model gpu;
	struct sim_tuning tuning;
	size_t n_tenants;
	struct sim_tenant *tenants;
	size_t n_vgpus;
	struct sim_vgpu *vgpus;
	size_t n_contexts;
	struct sim_context *contexts;
};

/**
 * struct sim_error - What is wrong with an input, in one line
 * @text: place, cause and cure, without a newline
 */
struct sim_error {
	char text[512];
};

/* Names of the engines, by index. */
extern const char *const sim_engine_names[SIM_ENGINES_MAX];

/**
 * sim_scenario_read_file() - Read a scenario
 * @ret: receives the scenario
 * @path: JSON file
 * @error: receives one line when the file can't be read or is not valid
 *
 * Return: 0, -ENOMEM, -EINVAL for content that is not valid, or the negative
 * errno of opening or reading @path. @error is set in every case of failure.
 */
int sim_scenario_read_file(struct sim_scenario **ret, const char *path,
			   struct sim_error *error);

/**
 * sim_scenario_read_text() - Read a scenario from memory
 * @ret: receives the scenario
 * @text: JSON
 * @name: what to call @text in messages
 * @error: receives one line when @text is not valid
 *
 * Return: as sim_scenario_read_file().
 */
int sim_scenario_read_text(struct sim_scenario **ret, const char *text,
			   const char *name, struct sim_error *error);

/**
 * sim_scenario_free() - Release a scenario
 * @scenario: the scenario, or NULL
 */
void sim_scenario_free(struct sim_scenario *scenario);

static inline void sim_scenario_freep(struct sim_scenario **scenario)
{
	sim_scenario_free(*scenario);
}

#endif
