// SPDX-License-Identifier: MIT
#include "world.h"

#include <assert.h>
#include <string.h>

#define US ((uint64_t)1000)
#define MS (1000 * US)

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t random_next(struct world *world)
{
	uint64_t z = world->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t world_random(struct world *world, uint64_t low, uint64_t high)
{
	return low + random_next(world) % (high - low + 1);
}

uint64_t world_random_log(struct world *world, uint64_t low, uint64_t high)
{
	uint64_t top = low;

	while (top < high && world_random(world, 0, 3))
		top *= 2;
	if (top > high)
		top = high;
	return world_random(world, top > 2 * low ? top / 2 : low, top);
}

static bool chance(struct world *world, unsigned int percent)
{
	return world_random(world, 1, 100) <= percent;
}

static void pattern_init(struct world *world, struct world_entity *entity)
{
	static const uint64_t longest[] = {100 * US, MS, 5 * MS, 20 * MS,
					   50 * MS};

	entity->pattern = chance(world, 50)   ? PATTERN_DEEP
			  : chance(world, 50) ? PATTERN_LOOP
					      : PATTERN_BURST;
	entity->job_max = longest[world_random(world, 0, 4)];
	entity->job_min =
		chance(world, 50) ? entity->job_max : entity->job_max / 20;
	entity->gap_min = 10 * US;
	entity->gap_max = chance(world, 50) ? 200 * US : 20 * MS;
	entity->burst = world_random(world, 1, 20);
	entity->wake_at = world->now + world_random(world, 0, 10 * MS);
}

struct world_entity *world_add(struct world *world, enum tsched_kind kind,
			       struct world_entity *parent)
{
	struct world_entity *entity = &world->entities[world->count++];
	int r = tsched_entity_add(&world->gpu, &entity->core, kind,
				  parent ? &parent->core : NULL, world->now);

	assert(!r);
	(void)r;
	entity->parent = parent;
	entity->busy_since = TSCHED_NEVER;
	if (parent)
		parent->children++;
	return entity;
}

static void weight_init(struct world *world, struct world_entity *entity)
{
	static const uint32_t weights[] = {100, 100, 200, 300, 33, 1000, 10};

	if (chance(world, 60))
		tsched_entity_set_weight(&entity->core,
					 weights[world_random(world, 0, 6)],
					 world->now);
}

static void flat_init(struct world *world)
{
	unsigned int n = world_random(world, 2, 8);

	while (world->count < n) {
		struct world_entity *e = world_add(world, TSCHED_VGPU, NULL);

		weight_init(world, e);
		if (chance(world, 30))
			tsched_entity_set_latency(&e->core,
						  world_random(world, 0, 2),
						  world->now);
		pattern_init(world, e);
	}
}

static void contexts_init(struct world *world, struct world_entity *vgpu)
{
	unsigned int n = world_random(world, 1, 3);

	while (n--) {
		struct world_entity *e = world_add(world, TSCHED_CONTEXT, vgpu);

		weight_init(world, e);
		pattern_init(world, e);
	}
}

static void tree_init(struct world *world)
{
	unsigned int tenants = world_random(world, 1, 3);

	while (tenants--) {
		struct world_entity *tenant =
			world_add(world, TSCHED_TENANT, NULL);
		unsigned int vgpus = world_random(world, 1, 3);

		weight_init(world, tenant);
		while (vgpus--) {
			struct world_entity *vgpu =
				world_add(world, TSCHED_VGPU, tenant);

			weight_init(world, vgpu);
			contexts_init(world, vgpu);
		}
	}
}

static void caps_init(struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++)
		if (chance(world, 30))
			tsched_entity_set_cap(&world->entities[i].core,
					      world_random(world, 20, 700),
					      world->now);
}

static void reservations_init(struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++)
		if (chance(world, 40))
			/* Refused once the GPU is booked up. */
			tsched_entity_set_reservation(
				&world->entities[i].core,
				world_random(world, 50, 500), world->now);
}

static void gpu_init(struct world *world)
{
	int r = tsched_gpu_init(&world->gpu, &world->config, world->now);

	assert(!r);
	(void)r;
	world->slice_most = world->config.slice_ns;
	world->begin = world->now;
	world->wake_at = world->now;
}

void world_init_bare(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->seed = seed;
	world->random = seed;
	world->next_change = TSCHED_NEVER;
	tsched_config_init(&world->config);
	gpu_init(world);
}

static void stretch_init(struct world *world)
{
	uint64_t slice_ns = world->config.slice_ns;

	if (chance(world, 50))
		world->slice_most =
			world_random_log(world, slice_ns, 16 * slice_ns);
	if (chance(world, 50))
		world->ahead = world_random_log(world, MS, 64 * MS);
	tsched_gpu_set_stretch(&world->gpu, world->slice_most);
	tsched_gpu_set_ahead(&world->gpu, world->ahead);
}

void world_init(struct world *world, uint64_t seed)
{
	world_init_bare(world, seed);
	world->kind = world_random(world, 0, WORLD_KINDS - 1);
	world->now = world_random(world, 0, 1000 * MS);
	world->config.slice_ns = world_random_log(world, MS, 16 * MS);
	world->next_change = world->now + 2000 * MS;
	gpu_init(world);
	stretch_init(world);
	if (world->kind == WORLD_FLAT || world->kind == WORLD_RESERVED)
		flat_init(world);
	else
		tree_init(world);
	if (world->kind == WORLD_CAPPED)
		caps_init(world);
	if (world->kind == WORLD_RESERVED)
		reservations_init(world);
}

static bool leaf_is_busy(const struct world_entity *leaf)
{
	return leaf->queued || leaf->in_flight;
}

static bool is_below(const struct world_entity *e,
		     const struct world_entity *top)
{
	while (e && e != top)
		e = e->parent;
	return e;
}

bool world_entity_is_busy(const struct world *world,
			  const struct world_entity *entity)
{
	unsigned int i;

	if (!entity->children)
		return leaf_is_busy(entity);
	for (i = 0; i < world->count; i++) {
		const struct world_entity *leaf = &world->entities[i];

		if (!leaf->children && leaf_is_busy(leaf) &&
		    is_below(leaf, entity))
			return true;
	}
	return false;
}

static bool leaf_is_capped(const struct world_entity *e)
{
	for (; e; e = e->parent)
		if (e->core.cap < TSCHED_WHOLE)
			return true;
	return false;
}

bool world_others_wait(const struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];

		if (e != world->holder && e->queued && !leaf_is_capped(e))
			return true;
	}
	return false;
}

/* Enter the stretch from world->now to @to into the books. */
static void books_advance(struct world *world, uint64_t to)
{
	uint64_t ns = to - world->now;
	struct world_entity *e = world->holder;
	bool wait = world_others_wait(world);

	if (!e && wait)
		world->wasted_ns += ns;
	if (!e)
		return;
	if (leaf_is_busy(e)) {
		world->idle_stretch = 0;
	} else {
		if (!wait)
			return;
		world->idle_ns += ns;
		world->idle_stretch += ns;
	}
	world->held_ns += ns;
	for (; e; e = e->parent)
		e->held_ns += ns;
}

static void leaf_wake(struct world *world, struct world_entity *leaf)
{
	leaf->wake_at = TSCHED_NEVER;
	leaf->queued = leaf->pattern == PATTERN_BURST ? leaf->burst : 1;
	if (leaf != world->holder)
		leaf->want_since = world->now;
	tsched_entity_want(&leaf->core, world->now);
}

static void leaf_submit(struct world *world, struct world_entity *leaf)
{
	struct world_job *job = &world->jobs[world->tail++ % WORLD_JOBS];
	struct world_entity *e;

	job->length = world_random(world, leaf->job_min, leaf->job_max);
	tsched_job_submit(&leaf->core, &job->core, TSCHED_COMPUTE, 0,
			  world->now);
	if (!leaf->in_flight++)
		world->job_end = world->now + job->length;
	leaf->inflight_ns += job->length;
	for (e = leaf; e; e = e->parent)
		if (leaf->inflight_ns > e->longest)
			e->longest = leaf->inflight_ns;
	if (leaf->pattern != PATTERN_DEEP && !--leaf->queued)
		tsched_entity_idle(&leaf->core, world->now);
}

static void leaf_complete(struct world *world, struct world_entity *leaf)
{
	struct world_job *job = &world->jobs[world->head++ % WORLD_JOBS];
	struct world_entity *e;

	leaf->in_flight--;
	leaf->inflight_ns -= job->length;
	for (e = leaf; e; e = e->parent)
		e->ran_ns += job->length;
	world->job_end = TSCHED_NEVER;
	if (leaf->in_flight)
		world->job_end = world->now +
				 world->jobs[world->head % WORLD_JOBS].length;
	tsched_job_complete(&leaf->core, &job->core, job->length,
			    TSCHED_SEEN_ON_TIME, world->now);
	if (!leaf_is_busy(leaf))
		leaf->wake_at = world->now + world_random(world, leaf->gap_min,
							  leaf->gap_max);
}

static struct world_entity *world_entity_of(struct tsched_entity *core)
{
	return (struct world_entity *)core;
}

static void holder_submit(struct world *world)
{
	struct world_entity *leaf = world->holder;

	while (leaf->queued && leaf->in_flight < world->depth)
		leaf_submit(world, leaf);
}

/* Do what the core says until it has nothing more to say. */
static void world_decide(struct world *world)
{
	struct tsched_decision d;

	for (;;) {
		world->steps++;
		tsched_decide(&world->gpu, world->now, &d);
		world->wake_at = d.wake_ns;
		if (d.verdict == TSCHED_GRANT) {
			world->holder = world_entity_of(d.entity);
			world->draining = false;
		}
		if (d.verdict == TSCHED_GRANT || d.verdict == TSCHED_KEEP) {
			world->depth = d.depth;
			holder_submit(world);
			return;
		}
		if (d.verdict == TSCHED_REVOKE)
			world->draining = true;
		if (!world->draining || world->holder->in_flight)
			return;
		tsched_hold_end(&world->holder->core, world->now);
		world->holder->want_since = world->now;
		world->holder = NULL;
		world->draining = false;
		world->idle_stretch = 0;
	}
}

static void settings_change(struct world *world)
{
	struct world_entity *e =
		&world->entities[world_random(world, 0, world->count - 1)];

	world->next_change = world->now + world_random(world, 1, 2000) * MS;
	tsched_entity_set_weight(&e->core, world_random(world, 1, 40) * 25,
				 world->now);
	if (world->kind == WORLD_FLAT)
		tsched_entity_set_latency(&e->core, world_random(world, 0, 2),
					  world->now);
	e->epoch++;
}

static uint64_t next_event(const struct world *world)
{
	uint64_t period = world->config.cap_period_ns;
	uint64_t next = (world->now / period + 1) * period;
	unsigned int i;

	if (world->next_change < next)
		next = world->next_change;

	if (world->head != world->tail && world->job_end < next)
		next = world->job_end;
	if (world->wake_at < next)
		next = world->wake_at;
	for (i = 0; i < world->count; i++) {
		const struct world_entity *e = &world->entities[i];

		if (!e->children && !leaf_is_busy(e) && e->wake_at < next)
			next = e->wake_at;
	}
	return next > world->now ? next : world->now;
}

static void busy_update(struct world *world)
{
	unsigned int i;

	for (i = 0; i < world->count; i++) {
		struct world_entity *e = &world->entities[i];

		if (!world_entity_is_busy(world, e))
			e->busy_since = TSCHED_NEVER;
		else if (e->busy_since == TSCHED_NEVER)
			e->busy_since = world->now;
	}
}

void world_step(struct world *world)
{
	uint64_t to = next_event(world);
	unsigned int i;

	books_advance(world, to);
	world->now = to;
	if (world->head != world->tail && world->job_end <= to)
		leaf_complete(world, world->holder);
	busy_update(world);
	for (i = 0; i < world->count; i++) {
		struct world_entity *e = &world->entities[i];

		if (!e->children && !leaf_is_busy(e) && e->wake_at <= to)
			leaf_wake(world, e);
	}
	if (world->next_change <= to)
		settings_change(world);
	world_decide(world);
	busy_update(world);
}
