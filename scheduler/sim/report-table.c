// SPDX-License-Identifier: MIT
#include "scheduler/sim/report.h"

static void write_row(const struct sim_report *report, size_t policy,
		      uint32_t vgpu, FILE *file)
{
	struct sim_figures f = sim_report_figures(report, policy, vgpu);

	fprintf(file, "  %-16.16s", report->scenario->vgpus[vgpu].name);
	fprintf(file, " %7.2f %8.2f %7.2f %9.1f", f.hold_percent,
		f.wanted_percent, f.busy_percent, f.jobs_per_s);
	fprintf(file, " %9.3f %9.3f %9.3f %8.2f %8u\n", f.wait_p50_ms,
		f.wait_p99_ms, f.lag_ms, f.slowdown, f.overruns);
}

static void write_policy(const struct sim_report *report, size_t policy,
			 FILE *file)
{
	const struct sim_account *a = &report->accounts[policy];
	uint32_t i;

	fprintf(file, "\n%s (%s): GPU idle %.2f %%, with work waiting %.2f %%",
		report->policies[policy]->name, report->policies[policy]->about,
		sim_report_percent(report, a->idle_ns),
		sim_report_percent(report, a->idle_wanted_ns));
	if (report->policies[policy]->anticipated_ns)
		fprintf(file, ", anticipating %.2f %%",
			sim_report_percent(report, a->anticipated_ns));
	fprintf(file, "\n  %-16s %7s %8s %7s %9s %9s %9s %9s %8s %8s\n", "vGPU",
		"hold %", "wanted %", "busy %", "jobs/s", "wait p50",
		"wait p99", "max lag", "slowdown", "overruns");
	for (i = 0; i < report->scenario->n_vgpus; i++)
		write_row(report, policy, i, file);
}

void sim_report_write_table(const struct sim_report *report, FILE *file)
{
	const struct sim_scenario *s = report->scenario;
	size_t i;

	fprintf(file, "%s\n", s->title);
	fprintf(file,
		"%.3f s measured after %.3f s, seed %llu; waits and lag in "
		"ms\n",
		(double)(s->duration_ns - s->warmup_ns) /
			(double)SIM_NSEC_PER_SEC,
		(double)s->warmup_ns / (double)SIM_NSEC_PER_SEC,
		(unsigned long long)s->seed);
	for (i = 0; i < report->n_policies; i++)
		write_policy(report, i, file);
}
