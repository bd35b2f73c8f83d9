// SPDX-License-Identifier: MIT
#include "worker.h"

#include <errno.h>
#include <string.h>

#include "control.h"
#include "message.h"

void load_stats_init(struct load_stats *stats)
{
	stats->submissions = 0;
	stats->verdict = (struct job_verdict){0};
	histogram_init(&stats->latency);
}

void load_stats_merge(struct load_stats *stats, const struct load_stats *other)
{
	stats->submissions += other->submissions;
	stats->verdict.verified += other->verdict.verified;
	stats->verdict.wrong += other->verdict.wrong;
	histogram_merge(&stats->latency, &other->latency);
}

static int hold_memory(struct worker *worker)
{
	struct job *job = worker->job;
	uint64_t used =
		job_working_set(job->kernel, job->work.items, job->depth);

	if (worker->options->memory <= used)
		return 0;
	return job_hold_memory(job, worker->options->memory - used);
}

int worker_init(struct worker *worker, const struct options *options,
		const struct gpu *gpu, uint32_t family,
		const struct load_work *work, uint32_t index)
{
	const struct load_kernel *kernel = options->kernel;
	int r;

	memset(worker, 0, sizeof(*worker));
	worker->options = options;
	load_stats_init(&worker->stats);
	pthread_mutex_init(&worker->lock, NULL);
	/* An endless dispatch is meant to last: its time is bounded by the
	 * run, not by the wait. */
	r = device_new(&worker->device, gpu, family,
		       kernel->endless ? 0 : options->timeout_ns,
		       options->poll_ns);
	if (r < 0)
		return r;
	r = job_new(&worker->job, worker->device, kernel, work, options->depth,
		    options->seed + index * 0x01000193u);
	if (r < 0)
		return r;
	return hold_memory(worker);
}

void worker_deinit(struct worker *worker)
{
	job_free(worker->job);
	device_free(worker->device);
	pthread_mutex_destroy(&worker->lock);
}

static void count_verdict(struct worker *worker,
			  const struct job_verdict *verdict)
{
	pthread_mutex_lock(&worker->lock);
	worker->stats.verdict.verified += verdict->verified;
	worker->stats.verdict.wrong += verdict->wrong;
	pthread_mutex_unlock(&worker->lock);
}

static void count_completion(struct worker *worker, uint64_t latency_ns)
{
	pthread_mutex_lock(&worker->lock);
	worker->stats.submissions++;
	histogram_add(&worker->stats.latency, latency_ns);
	pthread_mutex_unlock(&worker->lock);
}

static void publish_flight(struct worker *worker)
{
	const struct job *job = worker->job;
	uint64_t oldest_ns = 0;

	if (job->in_flight)
		oldest_ns = job->slots[job->oldest].submitted_ns;
	atomic_store(&worker->oldest_ns, oldest_ns);
	atomic_store(&worker->in_flight, job->in_flight);
}

static bool may_submit(const struct worker *worker, uint64_t submitted)
{
	const struct options *options = worker->options;

	return !control_stopping() &&
	       worker->job->in_flight < worker->job->depth &&
	       (!options->submissions || submitted < options->submissions);
}

static int fill_queue(struct worker *worker, uint64_t *submittedp)
{
	while (may_submit(worker, *submittedp)) {
		int r;

		/* Seen by the watchdog even if the submission blocks. */
		if (!worker->job->in_flight)
			atomic_store(&worker->oldest_ns, control_now());
		r = job_submit(worker->job);
		if (r < 0)
			return r;
		(*submittedp)++;
		publish_flight(worker);
	}
	return 0;
}

/*
 * What runs out after the end was asked for is not of the span that others count too:
 * who is last would have less of it, and all together more than the GPU can do.
 */
static bool is_counted(const struct worker *worker)
{
	return !worker->options->count_on_signal || !control_stopping();
}

static int complete_one(struct worker *worker)
{
	uint64_t latency_ns;
	int r;

	r = job_complete(worker->job, &latency_ns);
	if (r < 0)
		return r;
	publish_flight(worker);
	if (is_counted(worker)) {
		atomic_store(&worker->end_ns, control_now());
		count_completion(worker, latency_ns);
	}
	if (!atomic_exchange(&worker->computes, true))
		control_wake();
	return 0;
}

/* Without a wait: the GPU would run dry of what was submitted ahead. */
static int check_sample(struct worker *worker, bool wait)
{
	struct job_verdict verdict = {0};
	int r;

	r = job_sample_check(worker->job, wait, &verdict);
	count_verdict(worker, &verdict);
	if (r < 0 || wait || worker->job->sample.pending)
		return r;
	if (!atomic_exchange(&worker->sample_due, false))
		return 0;
	return job_sample_start(worker->job);
}

static int drive(struct worker *worker)
{
	uint64_t submitted = 0;
	int r;

	for (;;) {
		r = fill_queue(worker, &submitted);
		if (r < 0)
			return r;
		if (!worker->job->in_flight)
			return check_sample(worker, true);
		r = complete_one(worker);
		if (r < 0)
			return r;
		r = check_sample(worker, false);
		if (r < 0)
			return r;
		if (worker->options->think_ns)
			control_sleep(control_now() +
				      worker->options->think_ns);
	}
}

/* A wrong result leaves submissions in flight, which must end before their
 * buffers may be given back. */
static void drain(struct worker *worker)
{
	while (worker->job->in_flight)
		if (complete_one(worker) < 0)
			return;
}

static void *worker_main(void *data)
{
	struct worker *worker = data;
	struct job_verdict verdict = {0};
	int r;

	atomic_store(&worker->end_ns, control_now());
	r = drive(worker);
	if (r == -EBADMSG)
		drain(worker);
	if (r == 0) {
		r = job_verify_all(worker->job, &verdict);
		count_verdict(worker, &verdict);
	}
	worker->result = r;
	if (r < 0)
		control_stop();
	atomic_store(&worker->finished, true);
	control_wake();
	return NULL;
}

int worker_start(struct worker *worker)
{
	int r;

	r = pthread_create(&worker->thread, NULL, worker_main, worker);
	if (r)
		message_error("cannot start a thread: %s", strerror(r));
	return -r;
}

bool worker_finished(struct worker *worker)
{
	return atomic_load(&worker->finished);
}

void worker_take(struct worker *worker, struct load_stats *stats)
{
	pthread_mutex_lock(&worker->lock);
	load_stats_merge(stats, &worker->stats);
	load_stats_init(&worker->stats);
	pthread_mutex_unlock(&worker->lock);
}
