// SPDX-License-Identifier: MIT
#include "scheduler/sim/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ties go to the lower context, so that runs repeat exactly. */
static bool burst_before(const struct sim_burst *a, const struct sim_burst *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	return a->context < b->context;
}

static void heap_push(struct sim_load *load, struct sim_burst burst)
{
	size_t at = load->n_heap++, up;

	for (; at > 0; at = up) {
		up = (at - 1) / 2;
		if (!burst_before(&burst, &load->heap[up]))
			break;
		load->heap[at] = load->heap[up];
	}
	load->heap[at] = burst;
}

static struct sim_burst heap_pop(struct sim_load *load)
{
	struct sim_burst first = load->heap[0];
	struct sim_burst last = load->heap[--load->n_heap];
	size_t at = 0, down;

	for (;; at = down) {
		down = 2 * at + 1;
		if (down >= load->n_heap)
			break;
		if (down + 1 < load->n_heap &&
		    burst_before(&load->heap[down + 1], &load->heap[down]))
			down++;
		if (!burst_before(&load->heap[down], &last))
			break;
		load->heap[at] = load->heap[down];
	}
	load->heap[at] = last;
	return first;
}

/* Rebuilds the heap in place: what is pushed never passes what is read. */
static void heap_forget(struct sim_load *load, uint32_t context)
{
	size_t i, n = load->n_heap;

	load->n_heap = 0;
	for (i = 0; i < n; i++)
		if (load->heap[i].context != context)
			heap_push(load, load->heap[i]);
}

static void burst_plan(struct sim_load *load, uint32_t context,
		       uint64_t time_ns)
{
	if (time_ns >= load->scenario->contexts[context].stop_ns)
		return;
	heap_push(load, (struct sim_burst){
				.time_ns = time_ns,
				.context = context,
			});
}

static uint64_t think_time(struct sim_load *load, uint32_t context)
{
	const struct sim_context *c = &load->scenario->contexts[context];

	return sim_rng_vary(&load->queues[context].rng, c->wait_ns, c->jitter);
}

static void context_begin(struct sim_load *load, uint32_t context,
			  uint64_t time_ns)
{
	uint32_t i;

	for (i = 0; i < load->scenario->contexts[context].depth; i++)
		burst_plan(load, context, time_ns);
}

int sim_load_init(struct sim_load *load, const struct sim_scenario *scenario,
		  uint64_t vgpus)
{
	const struct sim_context *c = scenario->contexts;
	size_t i, n_jobs = 0, n_bursts = 0;

	*load = (struct sim_load){.scenario = scenario};
	for (i = 0; i < scenario->n_contexts; i++) {
		n_jobs += (size_t)c[i].jobs * c[i].depth;
		n_bursts += c[i].depth;
	}
	load->queues = calloc(scenario->n_contexts, sizeof(*load->queues));
	load->jobs = calloc(n_jobs, sizeof(*load->jobs));
	load->heap = calloc(n_bursts, sizeof(*load->heap));
	if (!load->queues || !load->jobs || !load->heap) {
		sim_load_deinit(load);
		return -ENOMEM;
	}
	for (i = 0, n_jobs = 0; i < scenario->n_contexts; i++) {
		load->queues[i].jobs = load->jobs + n_jobs;
		load->queues[i].size = (uint64_t)c[i].jobs * c[i].depth;
		n_jobs += load->queues[i].size;
		sim_rng_init(&load->queues[i].rng, scenario->seed, i);
		if (vgpus >> c[i].vgpu & 1)
			context_begin(load, (uint32_t)i, c[i].start_ns);
	}
	return 0;
}

void sim_load_deinit(struct sim_load *load)
{
	free(load->queues);
	free(load->jobs);
	free(load->heap);
	*load = (struct sim_load){0};
}

uint64_t sim_load_next(const struct sim_load *load)
{
	return load->n_heap ? load->heap[0].time_ns : SIM_NEVER;
}

static void queue_fill(struct sim_queue *q, const struct sim_context *c,
		       uint64_t now_ns)
{
	uint64_t length_ns;
	uint32_t i;

	for (i = 0; i < c->jobs; i++) {
		length_ns = sim_rng_vary(&q->rng, c->job_ns, c->jitter);
		q->jobs[q->n_submitted++ % q->size] = (struct sim_job){
			.submit_ns = now_ns,
			.length_ns = length_ns ? length_ns : 1,
		};
	}
}

bool sim_load_submit(struct sim_load *load, uint64_t now_ns, uint32_t *context)
{
	if (sim_load_next(load) > now_ns)
		return false;
	*context = heap_pop(load).context;
	queue_fill(&load->queues[*context], &load->scenario->contexts[*context],
		   now_ns);
	return true;
}

const struct sim_job *sim_load_pass(struct sim_load *load, uint32_t context)
{
	struct sim_queue *q = &load->queues[context];

	return &q->jobs[q->n_passed++ % q->size];
}

void sim_load_complete(struct sim_load *load, uint32_t context, uint64_t now_ns)
{
	struct sim_queue *q = &load->queues[context];

	q->n_done++;
	q->done_ns = now_ns;
	if (q->n_done % load->scenario->contexts[context].jobs == 0)
		burst_plan(load, context, now_ns + think_time(load, context));
}

void sim_load_lose(struct sim_load *load, uint32_t context, uint64_t now_ns)
{
	struct sim_queue *q = &load->queues[context];

	q->n_submitted = 0;
	q->n_passed = 0;
	q->n_done = 0;
	q->done_ns = now_ns;
	heap_forget(load, context);
	context_begin(load, context, now_ns + think_time(load, context));
}
