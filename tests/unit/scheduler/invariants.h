/* SPDX-License-Identifier: MIT */
/*
 * What must be true of a world at every moment, whatever its seed: the bounds
 * docs/scheduling.md states. Judged from the world's own books, not from the
 * core's tags.
 *
 * invariants_init() once per world, then invariants_check() after each step.
 * The caller owns struct invariants. Lock: none.
 */
#ifndef TESTS_UNIT_SCHEDULER_INVARIANTS_H
#define TESTS_UNIT_SCHEDULER_INVARIANTS_H

#include "world.h"

/* What one entity is seen to have had over another, since both competed. */
struct invariants_pair {
	bool watched;
	uint64_t busy_f, busy_m;
	unsigned int epoch_f, epoch_m;
	double low, high;
	double credit; /* both came with, by weight */
};

struct invariants {
	struct invariants_pair both[WORLD_ENTITIES][WORLD_ENTITIES];
	struct invariants_pair one[WORLD_ENTITIES][WORLD_ENTITIES];
	double level_most[WORLD_ENTITIES +
			  1]; /* longest hold ever, by weight */
	uint64_t reserved_since[WORLD_ENTITIES];
	uint64_t reserved_held[WORLD_ENTITIES];
	uint64_t period;
	uint64_t period_held[WORLD_ENTITIES];
	uint64_t wait_from[WORLD_ENTITIES];
	uint64_t wait_until[WORLD_ENTITIES];
	char failure[256];
};

/** invariants_init() - begin to watch a world */
void invariants_init(struct invariants *inv, const struct world *world);

/**
 * invariants_check() - check them all after a step
 *
 * Return: true if they hold; else inv->failure says which does not.
 */
bool invariants_check(struct invariants *inv, struct world *world);

#endif
