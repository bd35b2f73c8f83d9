// SPDX-License-Identifier: MIT
#include "invariants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VTIME_SHIFT 10
/* What rounding of tags to whole units can add up to, in ns. */
#define ROUNDING 4.0

#define fail(inv, ...) \
	(snprintf((inv)->failure, sizeof((inv)->failure), __VA_ARGS__), false)

void invariants_init(struct invariants *inv, const struct world *world)
{
	unsigned int i;

	memset(inv, 0, sizeof(*inv));
	inv->period = world->now / world->config.cap_period_ns;
	for (i = 0; i < WORLD_ENTITIES; i++)
		inv->reserved_since[i] = TSCHED_NEVER;
}

static size_t level_of(const struct world *world, const struct world_entity *e)
{
	return e->parent ? e->parent - world->entities + 1 : 0;
}

static bool sums_check(struct invariants *inv, const struct world *world)
{
	uint64_t below[WORLD_ENTITIES + 1] = {0};
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];

		below[level_of(world, e)] += e->core.gpu_ns;
	}
	if (below[0] != world->gpu.stats.busy_ns)
		return fail(inv, "charges %" PRIu64 " != busy %" PRIu64,
			    below[0], world->gpu.stats.busy_ns);
	for (i = 0; i < world->count; i++)
		if (world->entities[i].children &&
		    below[i + 1] != world->entities[i].core.gpu_ns)
			return fail(inv, "charges below entity %u differ", i);
	if (world->kind != WORLD_CAPPED && below[0] != world->held_ns)
		return fail(inv, "charges %" PRIu64 " != held %" PRIu64,
			    below[0], world->held_ns);
	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];

		if (e->core.gpu_ns < e->ran_ns)
			return fail(inv, "entity %u charged less than run", i);
		if (world->kind != WORLD_CAPPED && e->core.gpu_ns != e->held_ns)
			return fail(inv, "entity %u charged not as held", i);
	}
	return true;
}

static double weight_of(const struct world_entity *e)
{
	return e->core.weight;
}

/* The longest one hold can be, by weight. */
static double hold_most(const struct world *world, const struct world_entity *e)
{
	return (world->slice_most + e->longest + ROUNDING) / weight_of(e);
}

/* A hold's length stays in the credit limit when weights change later. */
static void levels_update(struct invariants *inv, const struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		double *most = &inv->level_most[level_of(world, e)];

		if (hold_most(world, e) > *most)
			*most = hold_most(world, e);
	}
}

/* The credit an entity competes with, by weight. */
static double credit_of(const struct world *world, const struct world_entity *e)
{
	uint64_t floor = e->parent ? e->parent->core.queue.floor
				   : world->gpu.queue.floor;
	int64_t credit = floor - e->core.start;

	return credit > 0 ? (double)credit / (1 << VTIME_SHIFT) : 0;
}

static bool is_limited(const struct world *world, const struct world_entity *e)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *x = &world->entities[i];

		if (x->core.cap == TSCHED_WHOLE && !x->core.reservation)
			continue;
		while (x && x != e)
			x = x->parent;
		if (x)
			return true;
	}
	return false;
}

/*
 * Charged time, which sums_check() holds against the world's own books. The
 * books do not know whether a capped leaf that waits has time left, and so
 * whether a holder's gap was for free.
 */
static double advantage(const struct world_entity *f,
			const struct world_entity *m)
{
	return f->core.gpu_ns / weight_of(f) - m->core.gpu_ns / weight_of(m);
}

static void pair_reset(struct invariants_pair *pair, const struct world *world,
		       const struct world_entity *f,
		       const struct world_entity *m)
{
	pair->credit = credit_of(world, f) + credit_of(world, m);
	pair->busy_f = f->busy_since;
	pair->busy_m = m->busy_since;
	pair->epoch_f = f->epoch;
	pair->epoch_m = m->epoch;
	pair->low = pair->high = advantage(f, m);
	pair->watched = true;
}

static void pair_update(struct invariants_pair *pair, double d)
{
	if (d < pair->low)
		pair->low = d;
	if (d > pair->high)
		pair->high = d;
}

static bool epochs_differ(const struct invariants_pair *pair,
			  const struct world_entity *f,
			  const struct world_entity *m)
{
	return !pair->watched || pair->epoch_f != f->epoch ||
	       pair->epoch_m != m->epoch || pair->busy_m != m->busy_since;
}

/* Two that are both busy all the time: SFQ's bound, and credit they had. */
static bool both_check(struct invariants *inv, const struct world *world,
		       unsigned int fi, unsigned int mi)
{
	const struct world_entity *f = &world->entities[fi];
	const struct world_entity *m = &world->entities[mi];
	struct invariants_pair *pair = &inv->both[fi][mi];
	double bound = hold_most(world, f) + hold_most(world, m);

	if (f->busy_since == TSCHED_NEVER || m->busy_since == TSCHED_NEVER) {
		pair->watched = false;
		return true;
	}
	if (epochs_differ(pair, f, m) || pair->busy_f != f->busy_since)
		pair_reset(pair, world, f, m);
	pair_update(pair, advantage(f, m));
	bound += pair->credit;
	if (pair->high - pair->low > bound)
		return fail(inv, "lag of %u over %u: %.0f > %.0f", fi, mi,
			    pair->high - pair->low, bound);
	return true;
}

/* However f sleeps and wakes, it gains no more over a busy m. */
static bool one_check(struct invariants *inv, const struct world *world,
		      unsigned int fi, unsigned int mi)
{
	const struct world_entity *f = &world->entities[fi];
	const struct world_entity *m = &world->entities[mi];
	struct invariants_pair *pair = &inv->one[fi][mi];
	double bound = hold_most(world, f) + hold_most(world, m) +
		       inv->level_most[level_of(world, f)];
	double d = advantage(f, m);

	if (m->busy_since == TSCHED_NEVER) {
		pair->watched = false;
		return true;
	}
	if (epochs_differ(pair, f, m))
		pair_reset(pair, world, f, m);
	pair_update(pair, d);
	if (d - pair->low > bound)
		return fail(inv, "gain of %u over busy %u: %.0f > %.0f", fi, mi,
			    d - pair->low, bound);
	return true;
}

static bool pairs_check(struct invariants *inv, const struct world *world)
{
	unsigned int f, m;

	levels_update(inv, world);
	for (f = 0; f < world->count; f++) {
		if (is_limited(world, &world->entities[f]))
			continue;
		for (m = 0; m < world->count; m++) {
			if (f == m || world->entities[f].parent !=
					      world->entities[m].parent)
				continue;
			if (is_limited(world, &world->entities[m]))
				continue;
			if (m < f && !both_check(inv, world, f, m))
				return false;
			if (!one_check(inv, world, f, m))
				return false;
		}
	}
	return true;
}

static bool conservation_check(struct invariants *inv,
			       const struct world *world)
{
	const struct tsched_config *config = &world->config;
	uint64_t share = (world->now - world->begin) *
				 config->anticipate_permille / TSCHED_WHOLE +
			 100000000;

	if (world->wasted_ns)
		return fail(inv, "idle %" PRIu64 " ns with work waiting",
			    world->wasted_ns);
	if (world->idle_stretch > config->anticipate_ns)
		return fail(inv, "anticipated for %" PRIu64 " ns",
			    world->idle_stretch);
	if (world->idle_ns > share)
		return fail(inv, "anticipated %" PRIu64 " > %" PRIu64,
			    world->idle_ns, share);
	if (world->kind != WORLD_CAPPED &&
	    world->idle_ns != world->gpu.stats.anticipate_ns)
		return fail(inv,
			    "anticipation reported %" PRIu64 ", was %" PRIu64,
			    world->gpu.stats.anticipate_ns, world->idle_ns);
	if (world->holder && !world->draining && world_others_wait(world) &&
	    world->depth != 1 &&
	    (!world->ahead || world->gpu.minding || world->gpu.urgent ||
	     world->gpu.reserved))
		return fail(inv, "depth %u under contention", world->depth);
	return true;
}

static bool caps_check(struct invariants *inv, const struct world *world)
{
	uint64_t period = world->now / world->config.cap_period_ns;
	unsigned int i;

	if (period == inv->period)
		return true;
	inv->period = period;
	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		uint64_t budget = world->config.cap_period_ns / TSCHED_WHOLE *
				  e->core.cap;
		uint64_t held = e->core.gpu_ns - inv->period_held[i];

		inv->period_held[i] = e->core.gpu_ns;
		if (e->core.cap < TSCHED_WHOLE && held > budget + e->longest)
			return fail(inv, "cap of %u: %" PRIu64 " > %" PRIu64, i,
				    held, budget + e->longest);
	}
	return true;
}

static double reserved_slack(const struct world *world)
{
	double slack = 0, longest = 0;
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		double hold = world->slice_most + e->longest;

		if (e->core.reservation)
			slack += hold;
		if (hold > longest)
			longest = hold;
	}
	return slack + 2 * longest;
}

static bool reservations_check(struct invariants *inv,
			       const struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		double due;

		if (!e->core.reservation || e->busy_since == TSCHED_NEVER)
			continue;
		if (inv->reserved_since[i] != e->busy_since) {
			inv->reserved_since[i] = e->busy_since;
			inv->reserved_held[i] = e->held_ns;
		}
		due = (double)(world->now - e->busy_since) *
			      e->core.reservation / TSCHED_WHOLE -
		      reserved_slack(world);
		if (e->held_ns - inv->reserved_held[i] < due)
			return fail(inv, "reservation of %u: %.0f short", i,
				    due + inv->reserved_held[i] - e->held_ns);
	}
	return true;
}

/* The earliest start tag @e can compete with from now on. */
static uint64_t tag_of(const struct world *world, const struct world_entity *e)
{
	uint64_t place = world->gpu.queue.floor - e->core.owed;

	if (e->queued || e == world->holder ||
	    !avl_before(e->core.start, place))
		return e->core.start;
	return place;
}

/*
 * The longest @f can wait from now on: everybody else may catch up with its
 * start tag, and be held once more, with jobs queued ahead that last up to twice
 * as long as was expected.
 */
static uint64_t wait_most(const struct world *world,
			  const struct world_entity *f)
{
	double wait = 0;
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		int64_t behind = f->core.start - tag_of(world, e);
		uint64_t longest =
			e->longest > e->job_max ? e->longest : e->job_max;

		if (e == f)
			continue;
		wait += world->slice_most + longest + 2 * world->ahead +
			ROUNDING;
		if (behind > 0)
			wait += (double)behind * weight_of(e) /
				(1 << VTIME_SHIFT);
	}
	return wait;
}

static bool starvation_check(struct invariants *inv, const struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];
		bool waits = e->queued && e != world->holder;

		if (!waits || world->next_change != inv->wait_from[i]) {
			inv->wait_from[i] = world->next_change;
			inv->wait_until[i] =
				waits ? world->now + wait_most(world, e) : 0;
			continue;
		}
		if (!inv->wait_until[i])
			inv->wait_until[i] = world->now + wait_most(world, e);
		if (world->now > inv->wait_until[i])
			return fail(inv, "%u starves since %" PRIu64, i,
				    e->want_since);
	}
	return true;
}

bool invariants_check(struct invariants *inv, struct world *world)
{
	if (!sums_check(inv, world) || !conservation_check(inv, world) ||
	    !pairs_check(inv, world))
		return false;
	if (world->kind == WORLD_CAPPED)
		return caps_check(inv, world);
	if (world->kind == WORLD_RESERVED)
		return reservations_check(inv, world);
	if (world->kind == WORLD_FLAT)
		return starvation_check(inv, world);
	return true;
}
