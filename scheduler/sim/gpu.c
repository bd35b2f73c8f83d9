// SPDX-License-Identifier: MIT
#include "scheduler/sim/gpu.h"

#include <errno.h>
#include <stdlib.h>

/* Stream of the GPU's own randomness, beyond that of any context. */
#define GPU_STREAM SIM_CONTEXTS_MAX

static uint64_t engine_capacity(const struct sim_scenario *s, uint32_t engine)
{
	uint64_t n = 1;
	size_t i;

	for (i = 0; i < s->n_contexts; i++)
		if (s->contexts[i].engine == engine)
			n += (uint64_t)s->contexts[i].jobs *
			     s->contexts[i].depth;
	return n;
}

int sim_gpu_init(struct sim_gpu *gpu, const struct sim_scenario *scenario)
{
	uint32_t i;

	*gpu = (struct sim_gpu){.model = &scenario->gpu};
	sim_rng_init(&gpu->rng, scenario->seed, GPU_STREAM);
	for (i = 0; i < gpu->model->engines; i++) {
		struct sim_engine *e = &gpu->engines[i];

		e->size = engine_capacity(scenario, i);
		e->last_vgpu = UINT32_MAX;
		e->tasks = calloc(e->size, sizeof(*e->tasks));
		if (!e->tasks) {
			sim_gpu_deinit(gpu);
			return -ENOMEM;
		}
	}
	return 0;
}

void sim_gpu_deinit(struct sim_gpu *gpu)
{
	uint32_t i;

	for (i = 0; i < SIM_ENGINES_MAX; i++)
		free(gpu->engines[i].tasks);
	*gpu = (struct sim_gpu){0};
}

void sim_gpu_enqueue(struct sim_gpu *gpu, const struct sim_task *task)
{
	struct sim_engine *e = &gpu->engines[task->engine];

	e->tasks[e->n_queued++ % e->size] = *task;
}

uint64_t sim_gpu_next(const struct sim_gpu *gpu)
{
	uint64_t next_ns = SIM_NEVER;
	uint32_t i;

	for (i = 0; i < gpu->model->engines; i++)
		if (gpu->engines[i].running &&
		    gpu->engines[i].current.end_ns < next_ns)
			next_ns = gpu->engines[i].current.end_ns;
	return next_ns;
}

static void engine_start(struct sim_engine *e, uint64_t switch_ns,
			 uint64_t now_ns)
{
	struct sim_task *task = &e->current;

	*task = e->tasks[e->n_started++ % e->size];
	task->start_ns = now_ns;
	task->end_ns = now_ns + task->length_ns;
	if (e->last_vgpu != task->vgpu)
		task->end_ns += switch_ns;
	e->last_vgpu = task->vgpu;
	e->running = true;
}

bool sim_gpu_start(struct sim_gpu *gpu, uint64_t now_ns, struct sim_task *task)
{
	uint32_t i;

	for (i = 0; i < gpu->model->engines; i++) {
		struct sim_engine *e = &gpu->engines[i];

		if (e->running || e->n_started == e->n_queued)
			continue;
		engine_start(e, gpu->model->switch_ns, now_ns);
		*task = e->current;
		return true;
	}
	return false;
}

bool sim_gpu_finish(struct sim_gpu *gpu, uint64_t now_ns, struct sim_task *task,
		    uint64_t *reported_ns)
{
	uint32_t i;

	for (i = 0; i < gpu->model->engines; i++) {
		struct sim_engine *e = &gpu->engines[i];

		if (!e->running || e->current.end_ns > now_ns)
			continue;
		e->running = false;
		*task = e->current;
		*reported_ns = sim_rng_vary(&gpu->rng, task->length_ns,
					    gpu->model->report_error);
		return true;
	}
	return false;
}

static void engine_forget(struct sim_engine *e, uint32_t context)
{
	uint64_t from, to = e->n_started;

	for (from = e->n_started; from < e->n_queued; from++)
		if (e->tasks[from % e->size].context != context)
			e->tasks[to++ % e->size] = e->tasks[from % e->size];
	e->n_queued = to;
}

bool sim_gpu_abort(struct sim_gpu *gpu, uint32_t context, uint64_t now_ns,
		   struct sim_task *task)
{
	bool ran = false;
	uint32_t i;

	for (i = 0; i < gpu->model->engines; i++) {
		struct sim_engine *e = &gpu->engines[i];

		engine_forget(e, context);
		if (!e->running || e->current.context != context)
			continue;
		e->running = false;
		e->current.end_ns = now_ns;
		*task = e->current;
		ran = true;
	}
	return ran;
}

uint64_t sim_gpu_running(const struct sim_gpu *gpu)
{
	uint64_t vgpus = 0;
	uint32_t i;

	for (i = 0; i < gpu->model->engines; i++)
		if (gpu->engines[i].running)
			vgpus |= 1ULL << gpu->engines[i].current.vgpu;
	return vgpus;
}
