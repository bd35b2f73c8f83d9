// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

static void watch_stop(struct tsched_entity *entity)
{
	if (avl_is_linked(&entity->watch))
		avl_remove(&entity->gpu->watched, &entity->watch);
	entity->flags &= ~ENTITY_OVERRUN;
}

/* The oldest job in flight runs from now on: watch it for the kill limit. */
static void watch_restart(struct tsched_entity *entity)
{
	struct tsched_gpu *gpu = entity->gpu;

	watch_stop(entity);
	if (!entity->inflight)
		return;
	entity->run_since = gpu->now_ns;
	avl_insert(&gpu->watched, &entity->watch,
		   time_after(gpu->now_ns, entity_kill_ns(entity)), 0);
}

static void lease_renew(struct tsched_entity *entity)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (gpu->holder == entity)
		gpu->lease_end_ns =
			time_after(gpu->now_ns, gpu->config.lease_ns);
}

int tsched_job_submit(struct tsched_entity *entity, struct tsched_job *job,
		      enum tsched_engine engine, uint64_t estimate_ns,
		      uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || !entity_is_leaf(entity) || engine >= TSCHED_ENGINES)
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	*job = (struct tsched_job){
		.submit_ns = gpu->now_ns,
		.estimate_ns = estimate_ns ? estimate_ns : entity->jobs.high_ns,
		.engine = engine,
		.in_flight = true,
	};
	entity_gap_end(entity);
	entity->inflight_ns += job->estimate_ns;
	if (!entity->inflight++)
		watch_restart(entity);
	lease_renew(entity);
	return 0;
}

int tsched_job_start(struct tsched_entity *entity, struct tsched_job *job,
		     uint64_t now_ns)
{
	if (!entity->gpu || !job->in_flight || !entity->inflight)
		return -EINVAL;
	gpu_advance(entity->gpu, now_ns);
	watch_restart(entity);
	return 0;
}

int tsched_job_complete(struct tsched_entity *entity, struct tsched_job *job,
			uint64_t gpu_ns, enum tsched_seen seen, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || !job->in_flight || !entity->inflight)
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	job->in_flight = false;
	entity->inflight--;
	entity->inflight_ns -= job->estimate_ns;
	entity->engine_ns[job->engine] += gpu_ns;
	if (seen != TSCHED_SEEN_LATE)
		estimate_add(&entity->jobs, gpu_ns);
	watch_restart(entity);
	lease_renew(entity);
	entity_gap_begin(entity);
	/* Seen late, it says nothing of how long the gap after it is, however
	 * well the job is known. */
	if (seen != TSCHED_SEEN_ON_TIME)
		entity->flags &= ~ENTITY_GAP;
	return 0;
}
