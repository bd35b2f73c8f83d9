// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/tranche/bench/bench.h"
#include "tools/tranche/bench/cost.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"

/* Five times what a loaded two-core machine was seen to need, and more. */
#define CALIBRATE_SECONDS 240
/* So many of the short ones that a slow round trip is a small part of each. */
#define CALIBRATE_DEPTH 32
#define START_SECONDS 300
#define END_SECONDS 300

struct bench_guest *sample_guests(struct bench *bench, size_t row)
{
	switch (bench->results.rows[row].kind) {
	case ROW_HOST:
	case ROW_AGAIN:
		return &bench->host;
	case ROW_GATE:
		return &bench->gate;
	case ROW_VGPU:
	case ROW_FREE:
		return bench->vgpus;
	case ROW_GL:
		return bench->gls;
	default:
		return &bench->passed;
	}
}

/* What guests have cost up to now. */
struct reading {
	uint64_t cpu_us;
	uint64_t exits;
	bool exits_known;
};

/* A row while it is measured: its programs go from load to load. */
struct sampling {
	struct bench_guest *guests;
	unsigned int n;
	bool started;
	unsigned int summaries[BENCH_GUESTS]; /* before this load's */
	bool stopped[BENCH_GUESTS]; /* until all compute */
	struct cost_processes processes; /* what works for the guests */
	struct reading cost; /* within the span that is counted */
};

static const struct guest_job *job_of(const struct sampling *s, unsigned int i)
{
	return guest_job(s->guests[i].guest, BENCH_JOB);
}

static bool one_ended(void *user)
{
	const struct sampling *s = user;

	for (unsigned int i = 0; i < s->n; i++)
		if (job_of(s, i)->state == JOB_ENDED)
			return true;
	return false;
}

/* Who computes already stands still, or those that start later start slowly. */
static bool all_compute(void *user)
{
	struct sampling *s = user;
	bool all = true;

	for (unsigned int i = 0; i < s->n; i++) {
		if (!job_of(s, i)->computes) {
			all = false;
		} else if (!s->stopped[i]) {
			s->stopped[i] = true;
			guest_signal(s->guests[i].guest, BENCH_JOB, "STOP");
		}
	}
	return all || one_ended(user);
}

/* Of the load that is measured; NULL: not yet, or it never will. */
static sd_json_variant *summary_of(const struct sampling *s, unsigned int i)
{
	const struct guest_job *job = job_of(s, i);

	return job->summaries > s->summaries[i] ? job->summary : NULL;
}

static bool all_told(void *user)
{
	const struct sampling *s = user;

	for (unsigned int i = 0; i < s->n; i++)
		if (!summary_of(s, i) && job_of(s, i)->state != JOB_ENDED)
			return false;
	return true;
}

static bool all_ended(void *user)
{
	const struct sampling *s = user;

	for (unsigned int i = 0; i < s->n; i++)
		if (job_of(s, i)->state == JOB_STARTING ||
		    job_of(s, i)->state == JOB_RUNNING)
			return false;
	return true;
}

static void processes_find(struct sampling *s)
{
	pid_t roots[2 * BENCH_GUESTS];
	size_t n = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		roots[n++] = guest_pid(s->guests[i].guest);
		roots[n++] = s->guests[i].device;
	}
	cost_find(&s->processes, roots, n);
}

static void read_exits(const struct sampling *s, unsigned int i,
		       struct reading *reading)
{
	uint64_t exits;

	if (cost_exits(guest_pid(s->guests[i].guest), &exits) < 0)
		reading->exits_known = false;
	else
		reading->exits += exits;
}

static struct reading read_all(const struct sampling *s)
{
	struct reading reading = {
		.cpu_us = cost_cpu(&s->processes),
		.exits_known = true,
	};

	for (unsigned int i = 0; i < s->n; i++)
		read_exits(s, i, &reading);
	return reading;
}

static const struct result_load *load_of(const struct results *results,
					 size_t load, unsigned int guest)
{
	const struct result_load *first = &results->loads[load];

	if (first->against >= 0 && guest % 2)
		return &results->loads[first->against];
	return first;
}

/* Where jobs differ in length, as much work of the short ones as of the long ones. */
static unsigned int depth_of(const struct results *results, size_t load,
			     unsigned int guest)
{
	const struct result_load *own = load_of(results, load, guest);
	const struct result_load *other = load_of(results, load, guest + 1);
	double parts = fmax(other->dispatch_ms / own->dispatch_ms, 1);

	return (unsigned int)fmin(BENCH_DEPTH * parts, BENCH_DEPTH_MAX);
}

/* With one guest there is nobody to contend with. */
static bool load_counts(const struct results *results, size_t load,
			unsigned int guests)
{
	return results->loads[load].against < 0 || guests > 1;
}

/* @load, and after it what else this guest is to do. */
static int job_start(struct bench *bench, const struct sampling *s,
		     unsigned int guest, size_t load)
{
	const struct results *results = &bench->results;
	const struct result_load *first = load_of(results, load, guest);
	char then[RESULT_LOADS * 64] = "";
	size_t used = 0;

	for (size_t i = load + 1; i < results->n_loads; i++) {
		const struct result_load *next = load_of(results, i, guest);

		if (load_counts(results, i, s->n))
			used += (size_t)snprintf(
				then + used, sizeof(then) - used,
				" --then %s:%" PRIu64 ":%" PRIu64 ":%.6f:%u",
				next->kind, next->items, next->iterations,
				(double)next->cost_ns / 1e6,
				depth_of(results, i, guest));
	}
	return guest_start(s->guests[guest].guest, BENCH_JOB,
			   "tranche-load --quiet --duration 0 --kind %s "
			   "--items %" PRIu64 " --iterations %" PRIu64
			   " --dispatch-ms %.6f --depth %u --count-on-signal"
			   " --summary-only --timeout %d%s",
			   first->kind, first->items, first->iterations,
			   (double)first->cost_ns / 1e6,
			   depth_of(results, load, guest), START_SECONDS, then);
}

static double number_ms(sd_json_variant *summary, const char *key)
{
	sd_json_variant *latency =
		summary ? sd_json_variant_by_key(summary, "latency_ns") : NULL;

	return (double)json_number(latency, key) / 1e6;
}

struct work {
	double rate;
	double jobs;
	double least;
	double most;
	double first;
	double all;
};

static void work_add(struct work *work, const struct result_load *load,
		     sd_json_variant *summary, bool first)
{
	double jobs = (double)json_number(summary, "submissions");
	double ns = (double)json_number(summary, "elapsed_ns");
	double rate = ns > 0 ? jobs * 1e9 / ns : 0;
	/* GPU time done each second: jobs differ in length. */
	double done = rate * (double)load->cost_ns;

	work->rate += rate;
	work->jobs += jobs;
	work->least = fmin(work->least, done);
	work->most = fmax(work->most, done);
	work->first += first ? done : 0;
	work->all += done;
}

static void sample_fill(struct bench *bench, const struct sampling *s,
			size_t load, struct result_sample *sample)
{
	struct work work = {.least = INFINITY};
	double *values = sample->values;

	for (unsigned int i = 0; i < s->n; i++)
		work_add(&work, load_of(&bench->results, load, i),
			 summary_of(s, i), i % 2 == 0);
	values[RESULT_RATE] = work.rate;
	values[RESULT_EVEN] = s->n > 1 ? work.least / work.most : NAN;
	values[RESULT_FIRST] = s->n > 1 ? 100 * work.first / work.all : NAN;
	values[RESULT_CPU] = (double)s->cost.cpu_us / work.jobs;
	values[RESULT_EXITS] =
		s->cost.exits_known ? (double)s->cost.exits / work.jobs : NAN;
}

static void job_check(const struct guest_job *job, sd_json_variant *summary,
		      struct result_cell *cell)
{
	const char *result =
		summary ? json_text(summary, "result", "none") : "none";

	cell->wrong += json_number(summary, "wrong");
	if (strcmp(result, "ok") != 0 && !cell->error[0])
		snprintf(cell->error, sizeof(cell->error),
			 "status %d, result %s: %.160s", job->status, result,
			 job->error);
}

static void sample_finish(const struct sampling *s, struct result_cell *cell,
			  struct result_sample *sample)
{
	double *values = sample->values;

	for (unsigned int i = 0; i < s->n; i++) {
		sd_json_variant *summary = summary_of(s, i);

		values[RESULT_P50] =
			fmax(values[RESULT_P50], number_ms(summary, "p50"));
		values[RESULT_P99] =
			fmax(values[RESULT_P99], number_ms(summary, "p99"));
		job_check(job_of(s, i), summary, cell);
	}
}

/* @load is the next one: of programs that go on, or of new ones. */
static int jobs_start(struct bench *bench, struct sampling *s, size_t load)
{
	int r = 0;

	for (unsigned int i = 0; i < s->n && r == 0; i++) {
		s->stopped[i] = false;
		if (!s->started)
			r = job_start(bench, s, i, load);
		s->summaries[i] = job_of(s, i)->summaries;
	}
	s->started = true;
	return r;
}

static int jobs_signal(const struct sampling *s, const char *name)
{
	int result = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		int r = guest_signal(s->guests[i].guest, BENCH_JOB, name);

		if (result == 0)
			result = r;
	}
	return result;
}

/* The load has been measured. */
static int jobs_tell(struct bench *bench, struct sampling *s)
{
	int r;

	jobs_signal(s, "USR2");
	r = wait_until(bench->event, END_SECONDS * WAIT_SECOND_US, all_told, s);
	return r == -ETIMEDOUT ? 0 : r;
}

static int jobs_end(struct bench *bench, struct sampling *s)
{
	int r;

	s->started = false;
	jobs_signal(s, "TERM");
	r = wait_until(bench->event, END_SECONDS * WAIT_SECOND_US, all_ended,
		       s);
	if (r != -ETIMEDOUT)
		return r;
	jobs_signal(s, "KILL");
	r = wait_until(bench->event, END_SECONDS * WAIT_SECOND_US, all_ended,
		       s);
	return r < 0 ? r : 0;
}

/* 0 after that time; -EIO when a job has ended by then. */
static int jobs_compute_on(struct bench *bench, struct sampling *s,
			   uint64_t seconds)
{
	int r = wait_until(bench->event, seconds * WAIT_SECOND_US, one_ended,
			   s);

	if (r == -ETIMEDOUT)
		return 0;
	return r == 0 ? -EIO : r;
}

/* The span that is counted begins once all have computed for a second, and
 * ends before the first of them does.
 */
static int span_measure(struct bench *bench, struct sampling *s)
{
	struct reading from, to;
	int r;

	r = wait_until(bench->event, START_SECONDS * WAIT_SECOND_US,
		       all_compute, s);
	/* While they stand still. */
	processes_find(s);
	jobs_signal(s, "CONT");
	if (r == 0)
		r = jobs_compute_on(bench, s, 1);
	if (r == 0)
		r = jobs_signal(s, "USR1");
	from = read_all(s);
	if (r == 0)
		r = jobs_compute_on(bench, s, bench->options->seconds);
	to = read_all(s);
	s->cost = (struct reading){
		.cpu_us = to.cpu_us - from.cpu_us,
		.exits = to.exits - from.exits,
		.exits_known = from.exits_known && to.exits_known,
	};
	return r;
}

static int sample_run(struct bench *bench, struct sampling *s, size_t load,
		      struct result_cell *cell)
{
	struct result_sample sample = {0};
	int r = jobs_start(bench, s, load), error;

	if (r == 0)
		r = span_measure(bench, s);
	if (r < 0 && r != -ETIMEDOUT && r != -EIO)
		return r;
	error = jobs_tell(bench, s);
	sample_fill(bench, s, load, &sample);
	sample_finish(s, cell, &sample);
	if (r == 0)
		cell->samples[cell->count++] = sample;
	else if (!cell->error[0])
		snprintf(cell->error, sizeof(cell->error), "%s", strerror(-r));
	/* What comes next is begun anew. */
	if (error == 0 && cell->error[0])
		error = jobs_end(bench, s);
	return error;
}

int sample_row(struct bench *bench, size_t row)
{
	struct results *results = &bench->results;
	struct sampling s = {
		.guests = sample_guests(bench, row),
		.n = results->rows[row].guests,
	};
	int r = 0, error;

	for (size_t load = 0; load < results->n_loads && r == 0; load++) {
		if (!load_counts(results, load, s.n))
			continue;
		r = sample_run(bench, &s, load, &results->cells[row][load]);
		if (r < 0)
			message_error("%s, %s: %s", results->rows[row].name,
				      results->loads[load].name, strerror(-r));
	}
	error = jobs_end(bench, &s);
	return r == 0 ? error : r;
}

static int calibrate(struct bench *bench, struct result_load *load)
{
	const struct guest_job *job = guest_job(bench->host.guest, BENCH_JOB);
	struct sampling s = {.guests = &bench->host, .n = 1};
	int r;

	r = guest_start(bench->host.guest, BENCH_JOB,
			"tranche-load --quiet --calibrate-only --kind %s "
			"--dispatch-ms %g --depth %d",
			load->kind, load->dispatch_ms, CALIBRATE_DEPTH);
	if (r == 0)
		r = wait_until(bench->event, CALIBRATE_SECONDS * WAIT_SECOND_US,
			       all_ended, &s);
	load->items = json_number(job->calibration, "items");
	load->iterations = json_number(job->calibration, "iterations");
	load->cost_ns = json_number(job->calibration, "cost_ns");
	if (r == 0 && !load->cost_ns)
		r = -EIO;
	if (r < 0)
		message_error("cannot calibrate %s on the host: %s: %s",
			      load->name, strerror(-r), job->error);
	return r;
}

int sample_calibrate(struct bench *bench)
{
	int r = 0;

	for (size_t i = 0; i < bench->results.n_loads && r == 0; i++)
		r = calibrate(bench, &bench->results.loads[i]);
	return r;
}
