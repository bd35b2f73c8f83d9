// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who waits with patience: who had as much as a slice in one of its last holds. While
 * anybody else waits no slice is stretched, and until a second later nothing is queued
 * ahead. Whoever turns out to be patient never minded: a program that has just begun
 * keeps nobody, itself included, from queueing for a second.
 */
#include "internal.h"

#define PATIENCE_HOLDS 16
#define QUIET_NS ((uint64_t)1000000000)

void patience_update(struct tsched_entity *leaf)
{
	struct tsched_gpu *gpu = leaf->gpu;
	bool minds = leaf->flags & ENTITY_WANTS && !leaf->patience &&
		     gpu->holder != leaf;
	bool counted = leaf->flags & ENTITY_MINDS;

	if (minds == counted)
		return;
	leaf->flags ^= ENTITY_MINDS;
	if (minds) {
		gpu->minding++;
		return;
	}
	gpu->minding--;
	gpu->minded_ns = gpu->now_ns;
	leaf->minded_ns = gpu->now_ns;
}

/* O(n), but only for who had none. */
void patience_gain(struct tsched_entity *leaf)
{
	struct tsched_gpu *gpu = leaf->gpu;
	bool had = leaf->patience;
	const struct tsched_entity *e;

	leaf->patience = PATIENCE_HOLDS;
	if (had)
		return;
	leaf->minded_ns = 0;
	gpu->minded_ns = gpu->gone_minded_ns;
	for (e = gpu->entities; e; e = e->next)
		gpu->minded_ns = max_u64(gpu->minded_ns, e->minded_ns);
}

void patience_spend(struct tsched_entity *leaf)
{
	if (leaf->patience)
		leaf->patience--;
}

/* Others that come and go like it must not find the GPU full each time. */
void patience_leave(struct tsched_entity *leaf)
{
	struct tsched_gpu *gpu = leaf->gpu;

	gpu->gone_minded_ns = max_u64(gpu->gone_minded_ns, leaf->minded_ns);
}

bool patience_is_long(const struct tsched_gpu *gpu)
{
	return !gpu->minding && gpu->now_ns - gpu->minded_ns >= QUIET_NS;
}
