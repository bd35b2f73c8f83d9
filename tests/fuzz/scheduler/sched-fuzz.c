// SPDX-License-Identifier: MIT
/*
 * Drives the whole interface of the scheduler's core with arbitrary bytes:
 * each operation takes a few of them. Calls come in any state, in any order,
 * with any value; what must hold is that the core stays in one piece, keeps
 * its sums, and always says when to be asked again.
 */
#include "scheduler/core/sched.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ENTITIES 24
#define JOBS 32

struct fuzz {
	const uint8_t *data;
	size_t size;
	uint64_t now;
	struct tsched_gpu gpu;
	struct tsched_config config;
	struct tsched_entity entities[ENTITIES];
	struct tsched_job jobs[JOBS];
	struct tsched_entity *job_of[JOBS];
	uint64_t removed_ns; /* charged to topmost entities now gone */
};

static uint64_t take(struct fuzz *fuzz, size_t bytes)
{
	uint64_t value = 0;

	while (bytes-- && fuzz->size) {
		value = value << 8 | *fuzz->data++;
		fuzz->size--;
	}
	return value;
}

/* Any length of time, by magnitude. */
static uint64_t take_time(struct fuzz *fuzz)
{
	uint64_t shift = take(fuzz, 1) % 44;

	return take(fuzz, 2) << shift >> 8;
}

static struct tsched_entity *take_entity(struct fuzz *fuzz)
{
	return &fuzz->entities[take(fuzz, 1) % ENTITIES];
}

static void entity_add(struct fuzz *fuzz)
{
	struct tsched_entity *e = take_entity(fuzz);
	struct tsched_entity *parent = take_entity(fuzz);
	enum tsched_kind kind = take(fuzz, 1) % (TSCHED_KINDS + 1);

	if (e->gpu)
		return;
	if (!parent->gpu)
		parent = NULL;
	tsched_entity_add(&fuzz->gpu, e, kind, parent, fuzz->now);
}

static void entity_remove(struct fuzz *fuzz)
{
	struct tsched_entity *e = take_entity(fuzz);
	struct tsched_entity *parent = e->parent;
	unsigned int i;

	if (tsched_entity_remove(e, fuzz->now))
		return;
	if (!parent)
		fuzz->removed_ns += e->gpu_ns;
	for (i = 0; i < JOBS; i++)
		if (fuzz->job_of[i] == e)
			fuzz->job_of[i] = NULL;
}

static void entity_set(struct fuzz *fuzz)
{
	struct tsched_entity *e = take_entity(fuzz);
	uint64_t what = take(fuzz, 1) % 6;
	uint64_t value = take(fuzz, 2);

	if (!e->gpu)
		return;
	if (what == 0)
		tsched_entity_set_weight(e, value, fuzz->now);
	else if (what == 1)
		tsched_entity_set_cap(e, value, fuzz->now);
	else if (what == 2)
		tsched_entity_set_reservation(e, value, fuzz->now);
	else if (what == 3)
		tsched_entity_set_latency(e, value, fuzz->now);
	else if (what == 4)
		tsched_entity_set_instances(e, value, fuzz->now);
	else
		tsched_entity_set_kill_limit(e, value * 1000000, fuzz->now);
}

static void config_set(struct fuzz *fuzz)
{
	struct tsched_config *config = &fuzz->config;

	config->policy = take(fuzz, 1) % (TSCHED_POLICIES + 1);
	config->slice_ns = take(fuzz, 1) * 100000;
	config->cap_period_ns = take(fuzz, 1) * 1000000;
	config->anticipate_ns = take(fuzz, 1) * 10000;
	config->anticipate_permille = take(fuzz, 2);
	config->lease_ns = take(fuzz, 1) * 1000000;
	config->depth_max = take(fuzz, 1);
	config->inflight_ns = take(fuzz, 1) * 100000;
	tsched_gpu_set_config(&fuzz->gpu, config, fuzz->now);
}

static void job_submit(struct fuzz *fuzz)
{
	unsigned int i = take(fuzz, 1) % JOBS;
	struct tsched_entity *e = take_entity(fuzz);
	uint64_t estimate = take_time(fuzz);
	enum tsched_engine engine = take(fuzz, 1) % (TSCHED_ENGINES + 1);

	if (fuzz->job_of[i])
		return;
	if (!tsched_job_submit(e, &fuzz->jobs[i], engine, estimate, fuzz->now))
		fuzz->job_of[i] = e;
}

static void job_complete(struct fuzz *fuzz)
{
	unsigned int i = take(fuzz, 1) % JOBS;
	struct tsched_entity *e = fuzz->job_of[i];
	uint64_t gpu_ns = take_time(fuzz);

	if (!e)
		return;
	if (gpu_ns % 3 == 0)
		tsched_job_start(e, &fuzz->jobs[i], fuzz->now);
	tsched_job_complete(e, &fuzz->jobs[i], gpu_ns,
			    (enum tsched_seen)(gpu_ns / 3 % 3), fuzz->now);
	if (fuzz->jobs[i].in_flight)
		abort();
	fuzz->job_of[i] = NULL;
}

/* The same question at the same time must come to rest. */
static void decide(struct fuzz *fuzz)
{
	struct tsched_decision d;
	unsigned int i;

	for (i = 0; i <= 2 * ENTITIES + 2; i++) {
		tsched_decide(&fuzz->gpu, fuzz->now, &d);
		if (d.verdict == TSCHED_IDLE && d.entity)
			abort();
		if (d.verdict == TSCHED_KEEP && d.wake_ns <= fuzz->gpu.now_ns)
			abort();
		if (d.verdict != TSCHED_KILL && d.verdict != TSCHED_REVOKE &&
		    d.verdict != TSCHED_GRANT)
			return;
	}
	abort();
}

static void sums_check(struct fuzz *fuzz)
{
	struct tsched_entity_stats stats;
	struct tsched_gpu_stats gpu;
	uint64_t sum = fuzz->removed_ns;
	unsigned int i;

	tsched_gpu_stats(&fuzz->gpu, fuzz->now, &gpu);
	for (i = 0; i < ENTITIES; i++) {
		if (!fuzz->entities[i].gpu)
			continue;
		tsched_entity_stats(&fuzz->entities[i], fuzz->now, &stats);
		if (!fuzz->entities[i].parent)
			sum += stats.gpu_ns;
	}
	if (sum != gpu.busy_ns)
		abort();
}

static void step(struct fuzz *fuzz)
{
	static void (*const ops[])(struct fuzz *) = {
		entity_add, entity_remove, entity_set, config_set,
		job_submit, job_complete,  decide,     sums_check,
	};
	uint64_t op = take(fuzz, 1) % 14;

	if (op < sizeof(ops) / sizeof(*ops))
		ops[op](fuzz);
	else if (op < 10)
		tsched_entity_want(take_entity(fuzz), fuzz->now);
	else if (op == 10)
		tsched_entity_idle(take_entity(fuzz), fuzz->now);
	else if (op == 11)
		tsched_hold_end(take_entity(fuzz), fuzz->now);
	else if (op == 12)
		tsched_hold_renew(take_entity(fuzz), fuzz->now);
	else
		fuzz->now += take_time(fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;

	memset(&fuzz, 0, sizeof(fuzz));
	fuzz.data = data;
	fuzz.size = size;
	/* Centuries are left until time itself would wrap. */
	fuzz.now = take(&fuzz, 7);
	tsched_config_init(&fuzz.config);
	if (tsched_gpu_init(&fuzz.gpu, &fuzz.config, fuzz.now))
		abort();
	while (fuzz.size)
		step(&fuzz);
	sums_check(&fuzz);
	return 0;
}
