// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Guaranteed minima, after mClock's reservation tags (Gulati, Merchant,
 * Varman, OSDI 2010): an entity with a reservation r that waits has a due
 * time; each ns it holds moves it by 1/r ns; on waking it is not before the
 * present. Whoever is due is served before all shares, the longest due first.
 *
 * Service by reservation counts towards the share. Only what an entity gets
 * by it while it is ahead of its share is not added to its start tag: it was
 * entitled to that time, and it must not turn into a debt that starves it
 * once the reservation is lowered.
 */
#include "internal.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* What must be kept for an entity: its own, or its children's together. */
uint32_t reserve_needed(const struct tsched_entity *entity)
{
	return max_u32(entity->reservation, entity->reserved_below);
}

static int reserve_admit(const struct tsched_entity *entity, uint32_t permille)
{
	const struct tsched_gpu *gpu = entity->gpu;
	uint32_t before = reserve_needed(entity);
	uint32_t after = max_u32(permille, entity->reserved_below);
	const struct tsched_entity *e;

	if (after > entity->cap)
		return -EINVAL;
	for (e = entity->parent; e; e = e->parent) {
		uint32_t below = e->reserved_below - before + after;

		before = reserve_needed(e);
		after = max_u32(e->reservation, below);
		if (after > e->cap)
			return -EINVAL;
	}
	if (after <= before)
		return 0;
	if (gpu->reserved - before + after > gpu->config.reservable)
		return -ENOSPC;
	return 0;
}

int reserve_set(struct tsched_entity *entity, uint32_t permille)
{
	uint32_t before = reserve_needed(entity);
	struct tsched_entity *e;
	int r = reserve_admit(entity, permille);

	if (r)
		return r;
	entity->reservation = permille;
	for (e = entity; e->parent; e = e->parent) {
		uint32_t parent_before = reserve_needed(e->parent);

		e->parent->reserved_below += reserve_needed(e) - before;
		before = parent_before;
	}
	entity->gpu->reserved += reserve_needed(e) - before;
	return 0;
}

static bool reserve_applies(const struct tsched_entity *entity)
{
	return entity->reservation && entity->gpu->config.policy == TSCHED_FAIR;
}

/*
 * A hold begins. What it had beyond its reservation before is not held
 * against it: only the last hold can put its due time off.
 */
void reserve_restart(struct tsched_entity *entity)
{
	entity->due_ns = min_u64(entity->due_ns, entity->gpu->now_ns);
}

void reserve_charge(struct tsched_entity *entity, uint64_t ns)
{
	uint32_t r = entity->reservation;

	if (r)
		entity->due_ns = time_after(entity->due_ns,
					    ns / r * TSCHED_WHOLE +
						    ns % r * TSCHED_WHOLE / r);
}

void reserve_insert(struct tsched_entity *entity)
{
	if (reserve_applies(entity))
		avl_insert(&entity->gpu->due, &entity->due, entity->due_ns, 0);
}

void reserve_remove(struct tsched_entity *entity)
{
	if (avl_is_linked(&entity->due))
		avl_remove(&entity->gpu->due, &entity->due);
}

/* Nothing above it is throttled. */
static bool entity_is_reachable(struct tsched_entity *entity)
{
	struct tsched_entity *e;

	for (e = entity->parent; e; e = e->parent)
		if (e->flags & ENTITY_THROTTLED)
			return false;
	return true;
}

/* The longest due of those on the path to the holder, or NULL. */
static struct tsched_entity *path_due(struct tsched_gpu *gpu)
{
	struct tsched_entity *found = NULL;
	struct tsched_entity *e;

	for (e = gpu->holder; e; e = e->parent) {
		if (!reserve_applies(e) || e->due_ns > gpu->now_ns)
			continue;
		if (!found || e->due_ns < found->due_ns)
			found = e;
	}
	return found;
}

/**
 * reserve_pick() - whose reserved time is due longest
 * @gpu: the GPU
 * @with_curr: whether the holder and those above it count
 *
 * Entities below a throttled one are passed over: a hard limit comes first.
 * There are never more than TSCHED_WHOLE reservations to look at.
 *
 * Return: the entity, NULL if none is due.
 */
struct tsched_entity *reserve_pick(struct tsched_gpu *gpu, bool with_curr)
{
	struct tsched_entity *curr = with_curr ? path_due(gpu) : NULL;
	struct avl_node *node = avl_first(&gpu->due);

	for (; node && node->key <= gpu->now_ns; node = avl_next(node)) {
		struct tsched_entity *entity = entity_of(node, due);

		if (curr && curr->due_ns <= node->key)
			return curr;
		if (entity_is_reachable(entity))
			return entity;
	}
	return curr;
}

/* Mark who, from @entity up, is served ahead of its share by reservation. */
void reserve_entitle(struct tsched_entity *entity)
{
	for (; entity; entity = entity->parent)
		if (!queue_is_eligible(entity))
			entity->flags |= ENTITY_ENTITLED;
}
