// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "internal.h"

/* Anticipation may spend its share of this much time at a stretch. */
#define ANTICIPATE_SPAN_NS ((uint64_t)1000000000)

/* Whether anybody else could be granted; on the path, siblings count. */
bool hold_is_contended(const struct tsched_gpu *gpu)
{
	const struct tsched_entity *e;

	if (gpu->queue.tree.root)
		return true;
	for (e = gpu->holder; e; e = e->parent)
		if (e->queue.tree.root)
			return true;
	return false;
}

static void anticipate_earn(struct tsched_gpu *gpu, uint64_t ns)
{
	uint64_t share = gpu->config.anticipate_permille;
	uint64_t most = ANTICIPATE_SPAN_NS * share / TSCHED_WHOLE;
	uint64_t earned =
		min_u64(ns, ANTICIPATE_SPAN_NS) * share / TSCHED_WHOLE;

	gpu->anticipate_credit = min_u64(gpu->anticipate_credit + earned, most);
}

static void anticipate_spend(struct tsched_gpu *gpu, uint64_t ns)
{
	gpu->stats.anticipate_ns += ns;
	gpu->anticipate_credit -= min_u64(gpu->anticipate_credit, ns);
}

static void hold_charge(struct tsched_gpu *gpu, uint64_t from, uint64_t to)
{
	uint64_t ns = to - from;
	struct tsched_entity *e;

	gpu->stats.busy_ns += ns;
	for (e = gpu->holder; e; e = e->parent) {
		e->gpu_ns += ns;
		cap_charge(e, from, to);
		reserve_charge(e, ns);
		if (!(e->flags & ENTITY_ENTITLED))
			queue_charge(e, ns);
	}
}

/*
 * Bring the account up to the present. A holder pays for the time it has the
 * GPU, gaps included; only while it is idle and nobody else could use the GPU
 * it keeps the grant for nothing.
 */
void gpu_advance(struct tsched_gpu *gpu, uint64_t now_ns)
{
	uint64_t from = gpu->now_ns;
	uint64_t to = max_u64(now_ns, from);

	if (to == from)
		return;
	gpu->now_ns = to;
	anticipate_earn(gpu, to - from);
	if (!gpu->holder)
		return;
	if (!hold_is_contended(gpu)) {
		gpu->contended_ns = to;
		if (!entity_is_busy(gpu->holder))
			return;
	} else if (!entity_is_busy(gpu->holder)) {
		anticipate_spend(gpu, to - from);
	}
	hold_charge(gpu, from, to);
}

/* Begin a slice, of the length the most urgent on the path asks for. */
void hold_slice_begin(struct tsched_gpu *gpu)
{
	struct tsched_entity *e;

	gpu->slice_begin_ns = gpu->now_ns;
	gpu->slice_ns = gpu->config.slice_ns;
	for (e = gpu->holder; e; e = e->parent) {
		gpu->slice_ns = min_u64(gpu->slice_ns, entity_slice(e));
		reserve_restart(e);
	}
	gpu->holder->slices++;
}

static void wait_account(struct tsched_entity *leaf)
{
	uint64_t wait = leaf->gpu->now_ns - leaf->state_since;
	unsigned int bucket = 0;
	uint64_t us;

	for (us = wait / 1000; us && bucket < TSCHED_WAIT_BUCKETS - 1; us /= 4)
		bucket++;
	leaf->wait_ns += wait;
	leaf->waits[bucket]++;
}

void hold_begin(struct tsched_gpu *gpu, struct tsched_entity *leaf)
{
	struct tsched_entity *e;

	for (e = leaf; e; e = e->parent)
		queue_take(e);
	patience_spend(leaf);
	gpu->holder = leaf;
	gpu->hold_flags = 0;
	patience_update(leaf);
	gpu->hold_begin_ns = gpu->now_ns;
	gpu->lease_end_ns = time_after(gpu->now_ns, gpu->config.lease_ns);
	gpu->stats.holds++;
	wait_account(leaf);
	hold_slice_begin(gpu);
}

/*
 * Back into the queue, or out of it, after having been served for @ns, @waited of
 * them with others waiting.
 */
static void entity_put(struct tsched_entity *entity, uint64_t ns,
		       uint64_t waited)
{
	struct tsched_queue *queue = queue_of(entity);

	queue->curr = NULL;
	queue_note_hold(entity, ns, waited);
	entity->flags &= ~ENTITY_ENTITLED;
	if (!entity_is_ready(entity)) {
		queue_leave(entity);
	} else if (cap_left(entity)) {
		queue_insert(entity);
	} else {
		cap_throttle(entity);
		queue_leave(entity);
	}
}

void hold_finish(struct tsched_gpu *gpu)
{
	struct tsched_entity *leaf = gpu->holder;
	uint64_t since = max_u64(gpu->slice_begin_ns, gpu->contended_ns);
	struct tsched_entity *e;

	gpu->holder = NULL;
	if (leaf->flags & ENTITY_WANTS)
		leaf->state_since = gpu->now_ns;
	patience_update(leaf);
	for (e = leaf; e; e = e->parent)
		entity_put(e, gpu->now_ns - gpu->hold_begin_ns,
			   gpu->now_ns - since);
}

uint64_t hold_cap_left(struct tsched_gpu *gpu)
{
	uint64_t left = TSCHED_NEVER;
	struct tsched_entity *e;

	for (e = gpu->holder; e; e = e->parent)
		left = min_u64(left, cap_left(e));
	return left;
}

static bool hold_is_capped(const struct tsched_gpu *gpu)
{
	const struct tsched_entity *e;

	for (e = gpu->holder; e; e = e->parent)
		if (cap_is_set(e))
			return true;
	return false;
}

/* How many jobs may be queued behind the one that runs where nobody minds. */
static uint64_t hold_ahead(const struct tsched_gpu *gpu)
{
	if (gpu->urgent || gpu->reserved || !patience_is_long(gpu))
		return 0;
	return gpu->ahead_ns / max_u64(gpu->holder->jobs.mean_ns, 1);
}

/*
 * One job while anybody waits, so that a switch waits for one job only, or as
 * many as nobody minds; one under a cap, so that a cap is exceeded by one job
 * only; one as long as nothing is known. Else as many as fit the time in flight.
 * Of many jobs together the mean tells how long they last, and one alone may be late.
 */
uint32_t hold_depth(const struct tsched_gpu *gpu)
{
	const struct tsched_entity *leaf = gpu->holder;
	uint64_t job_ns = max_u64(leaf->jobs.high_ns, 1);
	uint64_t room = gpu->config.inflight_ns;
	uint64_t depth = 1 + hold_ahead(gpu);

	if (hold_is_capped(gpu) || !estimate_is_known(&leaf->jobs))
		return 1;
	if (!hold_is_contended(gpu)) {
		room -= min_u64(room, leaf->inflight_ns);
		depth = max_u64(depth, leaf->inflight + room / job_ns);
	}
	return min_u64(depth, gpu->config.depth_max);
}

/*
 * Until when an idle holder keeps its slot for the next job: a little longer
 * than its gaps usually are. Where some of them are longer than anybody may
 * wait, most jobs still come in time as long as the mean is short: a slot given
 * up in every gap because of a few would cost nearly all of the share.
 */
uint64_t hold_idle_end(const struct tsched_gpu *gpu)
{
	const struct tsched_entity *leaf = gpu->holder;
	uint64_t most = min_u64(gpu->config.anticipate_ns, gpu->slice_ns);
	uint64_t window = leaf->gaps.high_ns;

	if (!estimate_is_known(&leaf->gaps) || leaf->gaps.mean_ns >= most)
		return gpu->now_ns;
	window = min_u64(window + window / 4 + 1000, most);
	return min_u64(time_after(leaf->state_since, window),
		       time_after(gpu->now_ns, gpu->anticipate_credit));
}

int tsched_hold_renew(struct tsched_entity *entity, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || gpu->holder != entity || gpu->hold_flags & HOLD_DRAINING)
		return -EPERM;
	gpu_advance(gpu, now_ns);
	gpu->lease_end_ns = time_after(gpu->now_ns, gpu->config.lease_ns);
	return 0;
}

int tsched_hold_end(struct tsched_entity *entity, uint64_t now_ns)
{
	struct tsched_gpu *gpu = entity->gpu;

	if (!gpu || gpu->holder != entity)
		return -EPERM;
	gpu_advance(gpu, now_ns);
	hold_finish(gpu);
	return 0;
}
