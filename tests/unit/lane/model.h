/* SPDX-License-Identifier: MIT */
/*
 * Explores every order in which the steps of several threads can happen. The
 * threads are coroutines that run the lane's own code, built with LANE_MODEL:
 * each gives up control before each atomic operation, each sleep and each
 * wake-up (scheduler/lane/lane_atomic.h).
 *
 * At each state the explorer takes a copy of everything (the lane, the stacks,
 * struct model_world) and tries each thread that can go on. A state that was
 * seen before is not explored again; two states are the same when all shared
 * memory is and when each thread has found the same values since its last
 * model_label(). What a thread does must depend on nothing else.
 *
 * A run fails when model_fail() is called, or when no thread can go on though
 * one that is no daemon has not ended.
 *
 * Ownership: all is static; one scenario at a time. Locking: one real thread.
 */
#ifndef TESTS_UNIT_LANE_MODEL_H
#define TESTS_UNIT_LANE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/lane/lane.h"
#include "scheduler/lane/lane_memory.h"

#define MODEL_THREADS_MAX 4

/* What a scenario's threads share beside the lane: part of the state. */
struct model_world {
	struct lane_memory memory;
	struct lane lane;
	uint64_t now_ns;
	uint32_t timed; /* time goes on: reading it is a step */
	uint32_t bell;
	uint32_t tick; /* the arbiter's timer has come */
	uint32_t hung_up; /* the gate is gone */
	uint32_t unlocked; /* the gate's own lock is free */
	uint32_t waiting; /* gate threads that want */
	/* What is true, for the checks; no lane code sees it. */
	uint32_t open;
	uint32_t closed;
	uint32_t inside;
	uint32_t depth;
	uint64_t lease_ns;
	uint32_t entered;
	uint32_t taken; /* records */
	uint32_t full; /* there may have been no room */
	uint64_t taken_ids;
};

extern struct model_world world;

struct model_thread_spec {
	void (*run)(void);
	bool daemon; /* need not end */
};

struct model_scenario {
	const char *name;
	void (*begin)(void); /* makes the first state; world is zero */
	void (*end)(void); /* checks a state in which nobody can go on */
	struct model_thread_spec threads[MODEL_THREADS_MAX];
};

/**
 * model_explore - try every order
 * @scenario: what runs
 *
 * Prints how many states there were, or the order that failed.
 *
 * Return: whether all of them went well.
 */
bool model_explore(const struct model_scenario *scenario);

/* For threads of a scenario. */

/* model_fail - this order breaks a rule */
void model_fail(const char *rule);

/* model_label - what was found before matters no more; @label says where */
void model_label(uint64_t label);

/* model_wait - go on when one of @count words of the world is not 0 */
void model_wait(uint32_t *const *words, unsigned int count);

/* model_kill - thread @index does nothing more */
void model_kill(unsigned int index);

/* model_lock - the gate's own lock */
void model_lock(void);
void model_unlock(void);

#endif
