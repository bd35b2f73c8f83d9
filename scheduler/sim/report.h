/* SPDX-License-Identifier: MIT */
/*
 * A scenario run under several policies, and the figures to compare them by.
 *
 * The report owns the accounts of its runs; it reads the scenario, which must
 * outlive it. Once made it never changes; every writer only reads it.
 */
#ifndef TRANCHE_SCHEDULER_SIM_REPORT_H
#define TRANCHE_SCHEDULER_SIM_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "scheduler/sim/account.h"
#include "scheduler/sim/policy.h"
#include "scheduler/sim/scenario.h"

enum {
	SIM_POLICIES_MAX = 4,
};

/**
 * struct sim_report - The runs of a scenario
 * @scenario: the scenario
 * @n_policies: number of policies
 * @policies: the policies, in the order asked for
 * @accounts: what happened under each
 * @solo_busy_ns: GPU time of each vGPU with the GPU to itself, ungated
 * @wanted: ideal part of each vGPU, 0 to 1, limited by what it uses alone
 */
struct sim_report {
	const struct sim_scenario *scenario;
	size_t n_policies;
	const struct sim_policy_ops *policies[SIM_POLICIES_MAX];
	struct sim_account accounts[SIM_POLICIES_MAX];
	uint64_t solo_busy_ns[SIM_VGPUS_MAX];
	double wanted[SIM_VGPUS_MAX];
};

/**
 * struct sim_figures - How a vGPU fared under a policy
 * @hold_percent: part of the time that it had the GPU
 * @busy_percent: part of the time that its jobs ran
 * @wanted_percent: part that it ought to have had
 * @jobs_per_s: jobs done
 * @wait_p50_ms: median wait of a job at the head of its queue
 * @wait_p99_ms: 99th percentile of it
 * @lag_ms: furthest that it fell behind its ideal part
 * @slowdown: GPU time alone over GPU time here; infinite if it got none
 * @overruns: jobs that were killed
 */
struct sim_figures {
	double hold_percent;
	double busy_percent;
	double wanted_percent;
	double jobs_per_s;
	double wait_p50_ms;
	double wait_p99_ms;
	double lag_ms;
	double slowdown;
	uint32_t overruns;
};

/**
 * sim_report_new() - Run a scenario under several policies
 * @ret: receives the report
 * @scenario: the scenario
 * @policies: the policies
 * @n_policies: how many, 1 to SIM_POLICIES_MAX
 * @keep_jobs: record every job, for timelines
 *
 * Return: 0, -ENOMEM, or -EINVAL if a policy refuses the settings.
 */
int sim_report_new(struct sim_report **ret, const struct sim_scenario *scenario,
		   const struct sim_policy_ops *const *policies,
		   size_t n_policies, bool keep_jobs);

/**
 * sim_report_free() - Release a report
 * @report: the report, or NULL
 */
void sim_report_free(struct sim_report *report);

static inline void sim_report_freep(struct sim_report **report)
{
	sim_report_free(*report);
}

/**
 * sim_report_figures() - Read the figures of one vGPU under one policy
 * @report: the report
 * @policy: index of the policy
 * @vgpu: index of the vGPU
 *
 * Return: the figures.
 */
struct sim_figures sim_report_figures(const struct sim_report *report,
				      size_t policy, uint32_t vgpu);

/**
 * sim_report_percent() - Relate a time to the measured part of the run
 * @report: the report
 * @time_ns: the time
 *
 * Return: percent.
 */
double sim_report_percent(const struct sim_report *report, uint64_t time_ns);

/**
 * sim_report_write_table() - Write tables for people
 * @report: the report
 * @file: where to; the caller checks it for errors
 */
void sim_report_write_table(const struct sim_report *report, FILE *file);

/**
 * sim_report_write_json() - Write the figures for programs
 * @report: the report
 * @file: where to; the caller checks it for errors
 *
 * Return: 0 or -ENOMEM.
 */
int sim_report_write_json(const struct sim_report *report, FILE *file);

/**
 * sim_report_write_trace() - Write all holds and jobs as trace events
 * @report: the report, made with keep_jobs
 * @file: where to; the caller checks it for errors
 *
 * The format is the JSON trace event format, which Perfetto and Chrome open.
 *
 * Return: 0 or -ENOMEM.
 */
int sim_report_write_trace(const struct sim_report *report, FILE *file);

/**
 * sim_report_write_svg() - Draw a timeline
 * @report: the report, made with keep_jobs
 * @file: where to; the caller checks it for errors
 */
void sim_report_write_svg(const struct sim_report *report, FILE *file);

#endif
