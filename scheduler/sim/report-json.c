// SPDX-License-Identifier: MIT
/*
 * The report for programs: figures as one object, and every hold and job as
 * trace events.
 */
#include "scheduler/sim/report.h"

#include <errno.h>
#include <math.h>
#include <systemd/sd-json.h>

#define AUTO_UNREF __attribute__((cleanup(sd_json_variant_unrefp)))

/* Threads of a policy's process in a trace. */
#define HOLD_THREAD 1
#define CONTEXT_THREAD (HOLD_THREAD + SIM_VGPUS_MAX)

static int figures_build(sd_json_variant **ret, const struct sim_report *report,
			 size_t policy, uint32_t vgpu)
{
	struct sim_figures f = sim_report_figures(report, policy, vgpu);

	return sd_json_buildo(
		ret,
		SD_JSON_BUILD_PAIR_STRING("name",
					  report->scenario->vgpus[vgpu].name),
		SD_JSON_BUILD_PAIR_REAL("hold_percent", f.hold_percent),
		SD_JSON_BUILD_PAIR_REAL("wanted_percent", f.wanted_percent),
		SD_JSON_BUILD_PAIR_REAL("busy_percent", f.busy_percent),
		SD_JSON_BUILD_PAIR_REAL("jobs_per_s", f.jobs_per_s),
		SD_JSON_BUILD_PAIR_REAL("wait_p50_ms", f.wait_p50_ms),
		SD_JSON_BUILD_PAIR_REAL("wait_p99_ms", f.wait_p99_ms),
		SD_JSON_BUILD_PAIR_REAL("lag_max_ms", f.lag_ms),
		/* JSON has no infinity: null says that it got nothing. */
		SD_JSON_BUILD_PAIR_CONDITION(isfinite(f.slowdown), "slowdown",
					     SD_JSON_BUILD_REAL(f.slowdown)),
		SD_JSON_BUILD_PAIR_CONDITION(!isfinite(f.slowdown), "slowdown",
					     SD_JSON_BUILD_NULL),
		SD_JSON_BUILD_PAIR_UNSIGNED("overruns", f.overruns));
}

static int vgpus_build(sd_json_variant **ret, const struct sim_report *report,
		       size_t policy)
{
	uint32_t i;
	int err;

	for (i = 0; i < report->scenario->n_vgpus; i++) {
		AUTO_UNREF sd_json_variant *vgpu = NULL;

		err = figures_build(&vgpu, report, policy, i);
		if (err == 0)
			err = sd_json_variant_append_array(ret, vgpu);
		if (err < 0)
			return err;
	}
	return 0;
}

static int policy_build(sd_json_variant **ret, const struct sim_report *report,
			size_t policy)
{
	const struct sim_account *a = &report->accounts[policy];
	AUTO_UNREF sd_json_variant *vgpus = NULL;
	int err = vgpus_build(&vgpus, report, policy);

	if (err < 0)
		return err;
	return sd_json_buildo(
		ret,
		SD_JSON_BUILD_PAIR_STRING("name",
					  report->policies[policy]->name),
		SD_JSON_BUILD_PAIR_REAL("idle_percent",
					sim_report_percent(report, a->idle_ns)),
		SD_JSON_BUILD_PAIR_REAL(
			"idle_wanted_percent",
			sim_report_percent(report, a->idle_wanted_ns)),
		SD_JSON_BUILD_PAIR_REAL(
			"anticipated_percent",
			sim_report_percent(report, a->anticipated_ns)),
		SD_JSON_BUILD_PAIR_VARIANT("vgpus", vgpus));
}

int sim_report_write_json(const struct sim_report *report, FILE *file)
{
	const struct sim_scenario *s = report->scenario;
	AUTO_UNREF sd_json_variant *policies = NULL, *root = NULL;
	size_t i;
	int err;

	for (i = 0; i < report->n_policies; i++) {
		AUTO_UNREF sd_json_variant *policy = NULL;

		err = policy_build(&policy, report, i);
		if (err == 0)
			err = sd_json_variant_append_array(&policies, policy);
		if (err < 0)
			return err;
	}
	err = sd_json_buildo(
		&root, SD_JSON_BUILD_PAIR_STRING("title", s->title),
		SD_JSON_BUILD_PAIR_UNSIGNED("seed", s->seed),
		SD_JSON_BUILD_PAIR_UNSIGNED("measured_ns",
					    s->duration_ns - s->warmup_ns),
		SD_JSON_BUILD_PAIR_VARIANT("policies", policies));
	if (err < 0)
		return err;
	return sd_json_variant_dump(
		root, SD_JSON_FORMAT_PRETTY | SD_JSON_FORMAT_NEWLINE, file,
		NULL);
}

static int trace_name(FILE *file, const char *kind, size_t policy,
		      uint32_t thread, const char *name)
{
	AUTO_UNREF sd_json_variant *event = NULL;
	int err;

	err = sd_json_buildo(
		&event, SD_JSON_BUILD_PAIR_STRING("ph", "M"),
		SD_JSON_BUILD_PAIR_STRING("name", kind),
		SD_JSON_BUILD_PAIR_UNSIGNED("pid", policy + 1),
		SD_JSON_BUILD_PAIR_UNSIGNED("tid", thread),
		SD_JSON_BUILD_PAIR(
			"args", SD_JSON_BUILD_OBJECT(SD_JSON_BUILD_PAIR_STRING(
					"name", name))));
	if (err < 0)
		return err;
	fputs(",\n", file);
	return sd_json_variant_dump(event, 0, file, NULL);
}

static int trace_names(const struct sim_report *report, size_t policy,
		       FILE *file)
{
	const struct sim_scenario *s = report->scenario;
	char name[SIM_TEXT_MAX + 64];
	uint32_t i;
	int err;

	snprintf(name, sizeof(name), "%s: %s", report->policies[policy]->name,
		 report->policies[policy]->about);
	err = trace_name(file, "process_name", policy, 0, name);
	for (i = 0; err >= 0 && i < s->n_vgpus; i++) {
		snprintf(name, sizeof(name), "%s holds", s->vgpus[i].name);
		err = trace_name(file, "thread_name", policy, HOLD_THREAD + i,
				 name);
	}
	for (i = 0; err >= 0 && i < s->n_contexts; i++) {
		snprintf(name, sizeof(name), "%s context %u: %s",
			 s->vgpus[s->contexts[i].vgpu].name, i,
			 sim_engine_names[s->contexts[i].engine]);
		err = trace_name(file, "thread_name", policy,
				 CONTEXT_THREAD + i, name);
	}
	return err;
}

static void trace_span(const struct sim_span *span, const char *name,
		       size_t policy, uint32_t thread, FILE *file)
{
	fprintf(file,
		",\n{\"ph\":\"X\",\"name\":\"%s\",\"pid\":%zu,\"tid\":%u,"
		"\"ts\":%.3f,\"dur\":%.3f}",
		name, policy + 1, thread, (double)span->start_ns / 1000,
		(double)(span->end_ns - span->start_ns) / 1000);
}

int sim_report_write_trace(const struct sim_report *report, FILE *file)
{
	const struct sim_span *span;
	size_t p, i;
	int err;

	/* An event first that names nothing spares the others a comma. */
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
	      "{\"ph\":\"M\",\"name\":\"trace\",\"pid\":0}",
	      file);
	for (p = 0; p < report->n_policies; p++) {
		const struct sim_account *a = &report->accounts[p];

		err = trace_names(report, p, file);
		if (err < 0)
			return err;
		for (i = 0; i < a->holds.n; i++) {
			span = &a->holds.items[i];
			trace_span(span, "hold", p, HOLD_THREAD + span->vgpu,
				   file);
		}
		for (i = 0; i < a->jobs.n; i++) {
			span = &a->jobs.items[i];
			trace_span(span, "job", p,
				   CONTEXT_THREAD + span->context, file);
		}
	}
	fputs("\n]}\n", file);
	return 0;
}
