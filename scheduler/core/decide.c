// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

/* Whether, below the one on the path to the holder, others wait too. */
static bool path_has_waiting(const struct tsched_entity *curr)
{
	for (; curr; curr = curr->queue.curr)
		if (curr->queue.tree.root)
			return true;
	return false;
}

/*
 * Who is next: whose reserved time is due, else by shares, from the GPU down.
 * @with_holder: the holder competes to be served on. @due: the entity whose
 * reservation decided, or NULL.
 */
static struct tsched_entity *gpu_pick(struct tsched_gpu *gpu, bool with_holder,
				      struct tsched_entity **due)
{
	struct tsched_entity *entity = reserve_pick(gpu, with_holder);
	struct tsched_queue *queue = entity ? &entity->queue : &gpu->queue;

	*due = entity;
	while (!entity || !entity_is_leaf(entity)) {
		bool with_curr = with_holder || path_has_waiting(queue->curr);

		entity = queue_pick(queue, with_curr);
		if (!entity)
			return NULL;
		queue = &entity->queue;
	}
	return entity;
}

static uint64_t first_key(const struct avl_tree *tree)
{
	const struct avl_node *node = avl_first(tree);

	return node ? node->key : TSCHED_NEVER;
}

/* The times that come whatever the holder does. */
static uint64_t gpu_wake(const struct tsched_gpu *gpu)
{
	return min_u64(first_key(&gpu->throttled), first_key(&gpu->watched));
}

/* A job past its kill limit, wherever it runs; reported anew per limit. */
static bool decide_overrun(struct tsched_gpu *gpu, struct tsched_decision *d)
{
	struct avl_node *node = avl_first(&gpu->watched);
	struct tsched_entity *entity;

	if (!node || node->key > gpu->now_ns)
		return false;
	entity = entity_of(node, watch);
	avl_remove(&gpu->watched, node);
	avl_insert(&gpu->watched, node,
		   time_after(gpu->now_ns, entity_kill_ns(entity)), 0);
	if (!(entity->flags & ENTITY_OVERRUN))
		entity->overruns++;
	entity->flags |= ENTITY_OVERRUN;
	d->verdict = TSCHED_KILL;
	d->reason = TSCHED_BY_OVERRUN;
	d->entity = entity;
	d->wake_ns = gpu->now_ns;
	return true;
}

static void decide_free(struct tsched_gpu *gpu, struct tsched_decision *d)
{
	struct tsched_entity *due;
	struct tsched_entity *leaf = gpu_pick(gpu, false, &due);

	if (!leaf) {
		d->verdict = TSCHED_IDLE;
		d->wake_ns = gpu_wake(gpu);
		return;
	}
	if (due)
		reserve_entitle(due);
	hold_begin(gpu, leaf);
	d->verdict = TSCHED_GRANT;
	d->entity = leaf;
}

static uint64_t lease_kill_time(const struct tsched_gpu *gpu)
{
	return time_after(gpu->lease_end_ns, entity_kill_ns(gpu->holder));
}

/*
 * Who is granted when the holder has released, if it wants to go on then: whoever
 * is revoked in a gap and was about to submit is often served on. NULL if it is.
 */
static struct tsched_entity *next_after_drain(struct tsched_gpu *gpu)
{
	bool competes = entity_is_busy(gpu->holder) && hold_cap_left(gpu);
	struct tsched_entity *due;
	struct tsched_entity *next = gpu_pick(gpu, competes, &due);

	return next == gpu->holder ? NULL : next;
}

static void decide_draining(struct tsched_gpu *gpu, struct tsched_decision *d)
{
	d->entity = gpu->holder;
	if (gpu->now_ns >= lease_kill_time(gpu)) {
		gpu->lease_end_ns = gpu->now_ns;
		d->verdict = TSCHED_KILL;
		d->reason = TSCHED_BY_LEASE;
		d->wake_ns = gpu->now_ns;
		return;
	}
	d->verdict = TSCHED_DRAIN;
	d->next = next_after_drain(gpu);
	d->wake_ns = min_u64(gpu_wake(gpu), lease_kill_time(gpu));
}

/* Whether the holder has had as much as a slice since others wait. */
static bool slice_is_used(const struct tsched_gpu *gpu)
{
	uint64_t since = max_u64(gpu->hold_begin_ns, gpu->contended_ns);

	return gpu->now_ns - since >= gpu->config.slice_ns;
}

static void decide_revoke(struct tsched_gpu *gpu, struct tsched_decision *d,
			  enum tsched_reason reason)
{
	gpu->hold_flags |= HOLD_DRAINING;
	if (reason == TSCHED_BY_SLICE ||
	    (reason == TSCHED_BY_IDLE && slice_is_used(gpu)))
		patience_gain(gpu->holder);
	decide_draining(gpu, d);
	d->verdict = TSCHED_REVOKE;
	d->reason = reason;
}

/* The holder was chosen again at the end of its slice. */
static void slice_renew(struct tsched_gpu *gpu, struct tsched_entity *due)
{
	struct tsched_entity *e;

	for (e = gpu->holder; e; e = e->parent)
		e->flags &= ~ENTITY_ENTITLED;
	if (due)
		reserve_entitle(due);
	hold_slice_begin(gpu);
}

/*
 * When a slice that is over ends with another next: later, if all who wait do so
 * with patience. Not with a reservation due, and not where latency is asked for.
 */
static uint64_t stretch_end(const struct tsched_gpu *gpu,
			    const struct tsched_entity *due)
{
	if (gpu->minding || due || gpu->urgent)
		return gpu->now_ns;
	return time_after(gpu->slice_begin_ns, gpu->stretch_ns);
}

/*
 * When the slice ends with others waiting. It is cut to the request of the
 * one who is next, so that a shorter one waits no longer than it would run.
 */
static enum tsched_reason slice_check(struct tsched_gpu *gpu, uint64_t *end)
{
	uint64_t length = gpu->slice_ns;
	struct tsched_entity *due;
	struct tsched_entity *next;

	*end = time_after(gpu->slice_begin_ns, length);
	if (!gpu->urgent && gpu->now_ns < *end)
		return TSCHED_BY_NONE;
	next = gpu_pick(gpu, true, &due);
	if (next != gpu->holder)
		length = min_u64(length, entity_slice(next));
	*end = time_after(gpu->slice_begin_ns, length);
	if (gpu->now_ns < *end)
		return TSCHED_BY_NONE;
	if (next != gpu->holder && length < gpu->slice_ns)
		return TSCHED_BY_LATENCY;
	if (next != gpu->holder) {
		*end = stretch_end(gpu, due);
		return gpu->now_ns < *end ? TSCHED_BY_NONE : TSCHED_BY_SLICE;
	}
	slice_renew(gpu, due);
	*end = time_after(gpu->slice_begin_ns, gpu->slice_ns);
	return TSCHED_BY_NONE;
}

/* Why the hold must end with others waiting, or by when to ask again. */
static enum tsched_reason contended_check(struct tsched_gpu *gpu,
					  uint64_t *wake)
{
	enum tsched_reason reason;
	uint64_t end;

	if (!entity_is_busy(gpu->holder)) {
		end = hold_idle_end(gpu);
		if (gpu->now_ns >= end)
			return TSCHED_BY_IDLE;
		*wake = min_u64(*wake, end);
	}
	reason = slice_check(gpu, &end);
	*wake = min_u64(*wake, end);
	return reason;
}

/* Why the hold must end, or by when to ask again. */
static enum tsched_reason hold_check(struct tsched_gpu *gpu, uint64_t *wake)
{
	uint64_t left = hold_cap_left(gpu);

	*wake = min_u64(gpu_wake(gpu), gpu->lease_end_ns);
	if (gpu->now_ns >= gpu->lease_end_ns)
		return TSCHED_BY_LEASE;
	if (!left)
		return TSCHED_BY_CAP;
	*wake = min_u64(*wake, time_after(gpu->now_ns, left));
	if (hold_is_contended(gpu))
		return contended_check(gpu, wake);
	return TSCHED_BY_NONE;
}

static void decide_held(struct tsched_gpu *gpu, struct tsched_decision *d)
{
	uint64_t wake;
	enum tsched_reason reason = hold_check(gpu, &wake);

	if (reason != TSCHED_BY_NONE) {
		decide_revoke(gpu, d, reason);
		return;
	}
	if (d->verdict != TSCHED_GRANT)
		d->verdict = TSCHED_KEEP;
	d->entity = gpu->holder;
	d->slice_end_ns = time_after(gpu->slice_begin_ns, gpu->slice_ns);
	d->lease_ns = gpu->lease_end_ns;
	d->depth = hold_depth(gpu);
	d->wake_ns = wake;
}

void tsched_decide(struct tsched_gpu *gpu, uint64_t now_ns,
		   struct tsched_decision *decision)
{
	*decision = (struct tsched_decision){.verdict = TSCHED_IDLE};
	gpu_advance(gpu, now_ns);
	gpu->stats.decisions++;
	cap_expire(gpu);
	if (decide_overrun(gpu, decision))
		return;
	if (gpu->config.policy == TSCHED_BEST_EFFORT) {
		decision->verdict = TSCHED_OPEN;
		decision->depth = gpu->config.depth_max;
		decision->wake_ns = gpu_wake(gpu);
		return;
	}
	if (!gpu->holder)
		decide_free(gpu, decision);
	if (gpu->holder && gpu->hold_flags & HOLD_DRAINING)
		decide_draining(gpu, decision);
	else if (gpu->holder)
		decide_held(gpu, decision);
}
