/* SPDX-License-Identifier: MIT */
/*
 * A stage for the arbiter's tests: one arbiter, accounts with doors in a folder
 * of its own, loads that come in by them, and a simulated GPU.
 *
 * States: stage_begin() -> ready -> stage_end(). Ownership: the caller owns
 * struct stage. Locking: one thread; events come on another and are counted.
 */
#ifndef TESTS_UNIT_ARBITER_STAGE_H
#define TESTS_UNIT_ARBITER_STAGE_H

#include "scheduler/arbiter/arbiter.h"
#include "tests/unit/arbiter/load.h"

#define STAGE_ACCOUNTS 8
#define STAGE_EVENTS 8

struct stage {
	struct tsched_config config;
	struct arbiter *arbiter;
	struct load_gpu *gpu;
	char folder[32];
	char doors[STAGE_ACCOUNTS][64];
	char names[STAGE_ACCOUNTS][ARBITER_NAME_MAX];
	struct arbiter_settings settings[STAGE_ACCOUNTS];
	struct load_spec specs[STAGE_ACCOUNTS];
	struct load loads[STAGE_ACCOUNTS];
	unsigned int count;
	_Atomic unsigned int events[STAGE_EVENTS]; /* by kind */
};

/* stage_setup, stage_teardown - of cmocka; the state is the stage, which gets the
 * settings that an arbiter has by itself */
int stage_setup(void **state);
int stage_teardown(void **state);

#define stage_test(name, stage)                                     \
	cmocka_unit_test_prestate_setup_teardown(name, stage_setup, \
						 stage_teardown, stage)

/* stage_begin - an arbiter with the settings in stage->config */
void stage_begin(struct stage *stage);
void stage_end(struct stage *stage);

/* stage_restart - the arbiter ends and another begins, with the same doors */
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* stage_account - one more; changed by stage_settings(); return: its index */
unsigned int stage_account(struct stage *stage);
void stage_set(struct stage *stage, unsigned int index);

/* stage_load - let a process work through an account's door */
void stage_load(struct stage *stage, unsigned int index, uint64_t job_ns,
		uint64_t gap_ns);

/* stage_stop - kill and reap it, if there is one */
void stage_stop(struct stage *stage, unsigned int index);

struct arbiter_account_stats stage_stats(struct stage *stage,
					 unsigned int index);

/**
 * stage_shares - permille of the time held within a while, by account
 * @stage: the stage
 * @ns: the while
 * @shares: filled in
 *
 * Return: how far, in permille, a share may be from what it should be: two of
 * the longest holds that there were, by the bound that docs/scheduling.md
 * derives, and a little. A busy machine makes holds long.
 */
unsigned int stage_shares(struct stage *stage, uint64_t ns,
			  unsigned int *shares);

#define assert_share(share, permille, slack)                             \
	assert_in_range(share,                                           \
			(permille) > (slack) ? (permille) - (slack) : 0, \
			(permille) + (slack))

/* stage_wait - until a condition holds, or fail after ten seconds */
#define stage_wait(condition)                                       \
	do {                                                        \
		uint64_t stage_wait_end = load_now() + 10 * SECOND; \
                                                                    \
		while (!(condition) && load_now() < stage_wait_end) \
			load_sleep_until(load_now() + MS);          \
		assert_true(condition);                             \
	} while (0)

#endif
