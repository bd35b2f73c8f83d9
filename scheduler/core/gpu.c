// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

#define US ((uint64_t)1000)
#define MS (1000 * US)
#define SEC (1000 * MS)
#define HOUR (3600 * SEC)
#define DEPTH_LIMIT 64

void tsched_config_init(struct tsched_config *config)
{
	*config = (struct tsched_config){
		.policy = TSCHED_FAIR,
		.slice_ns = 4 * MS,
		.inflight_ns = 4 * MS,
		.depth_max = 8,
		.cap_period_ns = 100 * MS,
		.reservable = 900,
		.anticipate_ns = 2 * MS,
		.anticipate_permille = 200,
		.lease_ns = 500 * MS,
		.kill_ns = 2 * SEC,
	};
}

static bool is_within(uint64_t x, uint64_t low, uint64_t high)
{
	return x >= low && x <= high;
}

static bool config_is_valid(const struct tsched_config *config)
{
	return config->policy < TSCHED_POLICIES &&
	       is_within(config->slice_ns, 100 * US, SEC) &&
	       is_within(config->inflight_ns, 0, SEC) &&
	       is_within(config->depth_max, 1, DEPTH_LIMIT) &&
	       is_within(config->cap_period_ns, MS, 10 * SEC) &&
	       is_within(config->reservable, 0, TSCHED_WHOLE) &&
	       is_within(config->anticipate_ns, 0, SEC) &&
	       is_within(config->anticipate_permille, 0, TSCHED_WHOLE) &&
	       is_within(config->lease_ns, MS, HOUR) &&
	       is_within(config->kill_ns, MS, HOUR);
}

int tsched_gpu_init(struct tsched_gpu *gpu, const struct tsched_config *config,
		    uint64_t now_ns)
{
	if (!config_is_valid(config))
		return -EINVAL;
	*gpu = (struct tsched_gpu){
		.config = *config,
		.now_ns = now_ns,
		.minded_ns = now_ns,
		.gone_minded_ns = now_ns,
	};
	return 0;
}

/* Periods are counted anew when their length changes; what is owed stays. */
static void period_renumber(struct tsched_gpu *gpu)
{
	struct tsched_entity *e;

	for (e = gpu->entities; e; e = e->next)
		e->cap_period = gpu->now_ns / gpu->config.cap_period_ns;
}

int tsched_gpu_set_config(struct tsched_gpu *gpu,
			  const struct tsched_config *config, uint64_t now_ns)
{
	struct tsched_entity *e;

	if (!config_is_valid(config) || gpu->reserved > config->reservable)
		return -EINVAL;
	gpu_advance(gpu, now_ns);
	if (config->policy == TSCHED_BEST_EFFORT && gpu->holder)
		hold_finish(gpu);
	gpu->config = *config;
	period_renumber(gpu);
	for (e = gpu->entities; e; e = e->next)
		entity_refresh(e);
	return 0;
}

void tsched_gpu_set_stretch(struct tsched_gpu *gpu, uint64_t stretch_ns)
{
	gpu->stretch_ns = stretch_ns;
}

void tsched_gpu_set_ahead(struct tsched_gpu *gpu, uint64_t ahead_ns)
{
	gpu->ahead_ns = ahead_ns;
}

void tsched_gpu_stats(struct tsched_gpu *gpu, uint64_t now_ns,
		      struct tsched_gpu_stats *stats)
{
	gpu_advance(gpu, now_ns);
	*stats = gpu->stats;
}

void tsched_entity_stats(struct tsched_entity *entity, uint64_t now_ns,
			 struct tsched_entity_stats *stats)
{
	unsigned int i;

	gpu_advance(entity->gpu, now_ns);
	*stats = (struct tsched_entity_stats){
		.gpu_ns = entity->gpu_ns,
		.wait_ns = entity->wait_ns,
		.throttled_ns = entity->throttled_ns,
		.lag_ns = queue_lag_ns(entity),
		.slices = entity->slices,
		.overruns = entity->overruns,
		.job_mean_ns = entity->jobs.mean_ns,
		.job_high_ns = entity->jobs.high_ns,
		.gap_mean_ns = entity->gaps.mean_ns,
		.gap_high_ns = entity->gaps.high_ns,
	};
	for (i = 0; i < TSCHED_ENGINES; i++)
		stats->engine_ns[i] = entity->engine_ns[i];
	for (i = 0; i < TSCHED_WAIT_BUCKETS; i++)
		stats->waits[i] = entity->waits[i];
}
