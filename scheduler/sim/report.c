// SPDX-License-Identifier: MIT
#include "scheduler/sim/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "scheduler/sim/run.h"
#include "scheduler/sim/share.h"

#define NSEC_PER_MSEC ((double)SIM_NSEC_PER_MSEC)
#define NSEC_PER_SEC ((double)SIM_NSEC_PER_SEC)

/* What each vGPU would use of a GPU of its own. */
static int report_run_solo(struct sim_report *report)
{
	struct sim_account account;
	uint32_t i;
	int ret;

	for (i = 0; i < report->scenario->n_vgpus; i++) {
		ret = sim_run(&account, report->scenario, &sim_policy_fifo,
			      1ULL << i, false);
		if (ret < 0)
			return ret;
		report->solo_busy_ns[i] = account.vgpus[i].busy_ns;
		sim_account_deinit(&account);
	}
	return 0;
}

static void report_want(struct sim_report *report)
{
	const struct sim_scenario *s = report->scenario;
	double demand[SIM_VGPUS_MAX];
	uint64_t present = 0;
	uint32_t i;

	for (i = 0; i < s->n_vgpus; i++) {
		demand[i] =
			sim_report_percent(report, report->solo_busy_ns[i]) /
			100;
		if (report->solo_busy_ns[i])
			present |= 1ULL << i;
	}
	sim_share_ideal(s, present, demand, report->wanted);
}

int sim_report_new(struct sim_report **ret, const struct sim_scenario *scenario,
		   const struct sim_policy_ops *const *policies,
		   size_t n_policies, bool keep_jobs)
{
	__attribute__((cleanup(sim_report_freep))) struct sim_report *report =
		calloc(1, sizeof(*report));
	size_t i;
	int err;

	if (!report)
		return -ENOMEM;
	report->scenario = scenario;
	err = report_run_solo(report);
	if (err < 0)
		return err;
	report_want(report);
	for (i = 0; i < n_policies; i++) {
		err = sim_run(&report->accounts[i], scenario, policies[i],
			      SIM_ALL_VGPUS, keep_jobs);
		if (err < 0)
			return err;
		report->policies[report->n_policies++] = policies[i];
	}
	*ret = report;
	report = NULL;
	return 0;
}

void sim_report_free(struct sim_report *report)
{
	size_t i;

	if (!report)
		return;
	for (i = 0; i < report->n_policies; i++)
		sim_account_deinit(&report->accounts[i]);
	free(report);
}

double sim_report_percent(const struct sim_report *report, uint64_t time_ns)
{
	const struct sim_scenario *s = report->scenario;

	return 100.0 * (double)time_ns /
	       (double)(s->duration_ns - s->warmup_ns);
}

struct sim_figures sim_report_figures(const struct sim_report *report,
				      size_t policy, uint32_t vgpu)
{
	const struct sim_scenario *s = report->scenario;
	const struct sim_account *a = &report->accounts[policy];
	const struct sim_vgpu_account *v = &a->vgpus[vgpu];
	double seconds = (double)(s->duration_ns - s->warmup_ns) / NSEC_PER_SEC;
	double solo_ns = (double)report->solo_busy_ns[vgpu];

	return (struct sim_figures){
		.hold_percent = sim_report_percent(report, v->hold_ns),
		.busy_percent = sim_report_percent(report, v->busy_ns),
		.wanted_percent = 100 * report->wanted[vgpu],
		.jobs_per_s = (double)v->n_jobs / seconds,
		.wait_p50_ms =
			(double)sim_account_wait(a, vgpu, 50) / NSEC_PER_MSEC,
		.wait_p99_ms =
			(double)sim_account_wait(a, vgpu, 99) / NSEC_PER_MSEC,
		.lag_ms = v->lag_max_ns / NSEC_PER_MSEC,
		.slowdown = v->busy_ns	  ? solo_ns / (double)v->busy_ns
			    : solo_ns > 0 ? (double)INFINITY
					  : 1,
		.overruns = v->n_overruns,
	};
}
