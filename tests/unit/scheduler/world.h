/* SPDX-License-Identifier: MIT */
/*
 * A random world for the scheduler's core: a tree of entities, leaves that
 * submit jobs by a random pattern, and a GPU that runs one job at a time. It
 * drives the core as a broker with gates would and keeps books of its own:
 * who held the GPU when, and who had work.
 *
 * world_step() advances to the next event, world_observe hooks see every
 * stretch of time and every decision. All of a world follows from its seed.
 *
 * The caller owns struct world. Lock: none.
 */
#ifndef TESTS_UNIT_SCHEDULER_WORLD_H
#define TESTS_UNIT_SCHEDULER_WORLD_H

#include "scheduler/core/sched.h"

#define WORLD_ENTITIES 40
#define WORLD_JOBS 64

enum world_kind {
	WORLD_FLAT, /* vGPUs of any weight and class below the GPU */
	WORLD_TREE, /* tenants, vGPUs and contexts */
	WORLD_CAPPED, /* a tree with caps */
	WORLD_RESERVED, /* vGPUs, some with reservations */
	WORLD_KINDS,
};

enum world_pattern {
	PATTERN_DEEP, /* always has jobs queued */
	PATTERN_LOOP, /* one job, a gap, the next */
	PATTERN_BURST, /* some jobs at once, then a longer sleep */
};

struct world_entity {
	struct tsched_entity core;
	struct world_entity *parent; /* NULL: the GPU */
	unsigned int children;

	/* A leaf's pattern and state. */
	enum world_pattern pattern;
	uint64_t job_min, job_max;
	uint64_t gap_min, gap_max;
	unsigned int burst;
	unsigned int queued;
	unsigned int in_flight;
	uint64_t wake_at;

	/* The books. */
	uint64_t held_ns; /* time it held the GPU */
	uint64_t ran_ns; /* time its jobs ran */
	uint64_t longest; /* most it ever had in flight at once, in ns */
	uint64_t inflight_ns;
	uint64_t busy_since; /* continuously busy since, or TSCHED_NEVER */
	unsigned int epoch; /* grows when its weight changes */
	uint64_t want_since;
};

struct world_job {
	struct tsched_job core;
	uint64_t length;
};

struct world {
	enum world_kind kind;
	uint64_t seed;
	uint64_t random;
	uint64_t now;
	uint64_t begin;
	struct tsched_gpu gpu;
	struct tsched_config config;
	uint64_t slice_most; /* stretched */
	uint64_t ahead; /* jobs may be queued for so long, where nobody minds */
	struct world_entity entities[WORLD_ENTITIES];
	unsigned int count;

	struct world_entity *holder;
	bool draining;
	unsigned int depth;
	uint64_t wake_at;
	struct world_job jobs[WORLD_JOBS]; /* in flight, oldest at head */
	unsigned int head, tail;
	uint64_t job_end;

	uint64_t held_ns; /* all of it */
	uint64_t idle_ns; /* of it, holder idle while others waited */
	uint64_t idle_stretch; /* the present stretch of that */
	uint64_t wasted_ns; /* nobody held while an uncapped leaf waited */
	uint64_t next_change;
	unsigned long steps;
};

/** world_init() - make a world from a seed, all of it determined by it */
void world_init(struct world *world, uint64_t seed);

/** world_init_bare() - make one without entities, in which no setting changes */
void world_init_bare(struct world *world, uint64_t seed);

/** world_add() - add an entity; a leaf's pattern is the caller's to fill in */
struct world_entity *world_add(struct world *world, enum tsched_kind kind,
			       struct world_entity *parent);

/** world_step() - advance to the next event and do what the core decides */
void world_step(struct world *world);

/** world_entity_is_busy() - whether it, or a leaf below, has work */
bool world_entity_is_busy(const struct world *world,
			  const struct world_entity *entity);

/** world_others_wait() - whether a leaf that does not hold waits, uncapped */
bool world_others_wait(const struct world *world);

/** world_random() - a number in low..high, evenly */
uint64_t world_random(struct world *world, uint64_t low, uint64_t high);

/** world_random_log() - a number in low..high, evenly by magnitude */
uint64_t world_random_log(struct world *world, uint64_t low, uint64_t high);

#endif
