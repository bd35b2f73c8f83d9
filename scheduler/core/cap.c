// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Hard limits. An entity may hold the GPU for its cap's part of every period;
 * then it leaves its queue until a period comes in which it has time again.
 * What the last job took beyond the limit is taken off the next periods, so
 * that the limit holds in the long run whatever the length of jobs.
 */
#include "internal.h"

static uint64_t cap_budget(const struct tsched_entity *entity)
{
	const struct tsched_gpu *gpu = entity->gpu;
	uint64_t period = gpu->config.cap_period_ns;
	uint64_t budget = period * entity->cap / TSCHED_WHOLE;

	if (entity->kind != TSCHED_VGPU)
		return budget;
	if (gpu->config.policy == TSCHED_EQUAL)
		return min_u64(budget, period / gpu->vgpus);
	if (gpu->config.policy == TSCHED_FIXED)
		return min_u64(budget, period / entity->instances);
	return budget;
}

bool cap_is_set(const struct tsched_entity *entity)
{
	if (entity->cap == TSCHED_WHOLE &&
	    entity->gpu->config.policy == TSCHED_FAIR)
		return false;
	return cap_budget(entity) < entity->gpu->config.cap_period_ns;
}

/* Enter the period of @now: every period passed brings its budget. */
static void cap_roll(struct tsched_entity *entity, uint64_t now)
{
	uint64_t budget = cap_budget(entity);
	uint32_t period = now / entity->gpu->config.cap_period_ns;
	uint32_t passed = period - entity->cap_period;

	entity->cap_period = period;
	if (passed > entity->cap_used / budget)
		entity->cap_used = 0;
	else
		entity->cap_used -= passed * budget;
}

uint64_t cap_left(struct tsched_entity *entity)
{
	uint64_t budget;

	if (!cap_is_set(entity))
		return TSCHED_NEVER;
	budget = cap_budget(entity);
	cap_roll(entity, entity->gpu->now_ns);
	return entity->cap_used < budget ? budget - entity->cap_used : 0;
}

void cap_charge(struct tsched_entity *entity, uint64_t from, uint64_t to)
{
	uint64_t period = entity->gpu->config.cap_period_ns;
	uint64_t first;

	if (!cap_is_set(entity))
		return;
	first = min_u64(to - from, period - from % period);
	cap_roll(entity, from);
	entity->cap_used += first;
	if (from + first >= to)
		return;
	cap_roll(entity, from + first);
	entity->cap_used += to - from - first;
	/* Whole periods spent holding used more than they brought. */
	cap_roll(entity, to);
}

/* Out of the queue until there is time again; the entity is in no tree. */
void cap_throttle(struct tsched_entity *entity)
{
	struct tsched_gpu *gpu = entity->gpu;
	uint64_t period = gpu->config.cap_period_ns;
	uint64_t waits = max_u64(entity->cap_used / cap_budget(entity), 1);
	uint64_t until = (gpu->now_ns / period + waits) * period;

	entity->flags |= ENTITY_THROTTLED;
	avl_insert(&gpu->throttled, &entity->node, until, gpu->now_ns);
}

void cap_unthrottle(struct tsched_entity *entity)
{
	struct tsched_gpu *gpu = entity->gpu;

	entity->throttled_ns += gpu->now_ns - entity->node.value;
	avl_remove(&gpu->throttled, &entity->node);
	entity->flags &= ~ENTITY_THROTTLED;
	if (entity_is_ready(entity))
		entity_activate(entity);
}

/* Let back those whose time has come. */
void cap_expire(struct tsched_gpu *gpu)
{
	struct avl_node *node = avl_first(&gpu->throttled);

	while (node && node->key <= gpu->now_ns) {
		cap_unthrottle(entity_of(node, node));
		node = avl_first(&gpu->throttled);
	}
}
