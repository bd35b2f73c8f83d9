// SPDX-License-Identifier: MIT
/*
 * Who is next submits before the last job of the hold before has ended: gates that
 * need a while to submit, and a GPU that tells which jobs came while it did another
 * gate's. Where nobody submits early there are none.
 */
#include "tests/unit/arbiter/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#define LAG_NS (2 * MS)

static struct stage s;

/* One more, with so many in flight, which needs @lag_ns to submit once it was woken. */
static void late_queue(uint64_t job_ns, uint64_t lag_ns, unsigned int depth)
{
	unsigned int index = stage_account(&s);

	s.specs[index].lag_ns = lag_ns;
	s.specs[index].depth = depth;
	stage_load(&s, index, job_ns, 0);
}

/* One at a time. */
static void late_load(uint64_t job_ns, uint64_t lag_ns)
{
	late_queue(job_ns, lag_ns, 1);
}

static void forget_handoffs(void)
{
	atomic_store(&s.gpu->handoffs, 0);
	atomic_store(&s.gpu->queued, 0);
	atomic_store(&s.gpu->queued_max_ns, 0);
}

/* Once how late they are is learnt. */
static void assert_early(void)
{
	uint64_t handoffs;

	stage_wait(s.gpu->handoffs > 30);
	forget_handoffs();
	stage_wait(s.gpu->queued >= 15);
	handoffs = s.gpu->handoffs;
	print_message("15 of %llu handoffs early, %llu us at most\n",
		      (unsigned long long)handoffs,
		      (unsigned long long)s.gpu->queued_max_ns / 1000);
	/* Some come too late on a machine that is busy. */
	assert_true(handoffs <= 4 * 15);
	/* No earlier than one may be told at all. */
	assert_true(s.gpu->queued_max_ns <= s.config.slice_ns + MS);
}

static void next_one_submits_before_the_last_job_ends(void **unused)
{
	(void)unused;
	late_load(20 * MS, LAG_NS);
	late_load(20 * MS, LAG_NS);
	assert_early();
}

static void it_does_where_jobs_are_queued_ahead(void **unused)
{
	(void)unused;
	late_queue(4 * MS, LAG_NS, 6);
	late_queue(4 * MS, LAG_NS, 6);
	assert_early();
}

/* Shares are those of time, and the early one pays for its own. */
static void it_costs_nobody_a_share(void **unused)
{
	unsigned int shares[3], slack;

	(void)unused;
	late_load(20 * MS, LAG_NS);
	late_load(6 * MS, LAG_NS);
	late_load(6 * MS, 0);
	stage_wait(stage_stats(&s, 0).submits > 20 &&
		   stage_stats(&s, 1).submits > 20 &&
		   stage_stats(&s, 2).submits > 20);
	slack = stage_shares(&s, 2 * SECOND, shares);
	assert_share(shares[0], 333, slack);
	assert_share(shares[1], 333, slack);
	assert_share(shares[2], 333, slack);
}

/* A job that came early runs, for the core, since its own hold began. */
static void nobody_is_killed_for_the_job_before(void **unused)
{
	int status;

	(void)unused;
	late_load(20 * MS, LAG_NS);
	s.settings[0].kill_ns = 100 * MS;
	stage_set(&s, 0);
	stage_account(&s);
	s.settings[1].kill_ns = SECOND;
	stage_set(&s, 1);
	s.specs[1].endless = 30;
	stage_load(&s, 1, 20 * MS, 0);
	stage_wait(s.events[ARBITER_CONTEXT_KILLED] == 1);
	waitpid(s.loads[1].pid, &status, 0);
	s.loads[1].pid = 0;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(stage_stats(&s, 1).kills, 1);
	stage_wait(stage_stats(&s, 0).share > 800);
	assert_int_equal(stage_stats(&s, 0).kills, 0);
}

/* Who dies after it was let in early leaves the GPU to the others. */
static void who_dies_early_holds_nobody_up(void **unused)
{
	unsigned int i;

	(void)unused;
	late_load(20 * MS, LAG_NS);
	late_load(20 * MS, LAG_NS);
	stage_wait(stage_stats(&s, 0).submits > 20 &&
		   stage_stats(&s, 1).submits > 20);
	for (i = 0; i < 30; i++) {
		stage_stop(&s, 1);
		stage_load(&s, 1, 20 * MS, 0);
		stage_wait(stage_stats(&s, 1).contexts == 1);
		load_sleep_until(load_now() + (30 + i) * MS);
	}
	stage_stop(&s, 1);
	stage_wait(stage_stats(&s, 0).share > 800);
}

/* Who was let in early takes part in what comes next. */
static void it_is_heard_when_the_policy_changes(void **unused)
{
	unsigned int i;
	uint64_t before;

	(void)unused;
	late_load(20 * MS, LAG_NS);
	late_load(20 * MS, LAG_NS);
	stage_wait(stage_stats(&s, 0).submits > 20 &&
		   stage_stats(&s, 1).submits > 20);
	for (i = 0; i < 20; i++) {
		s.config.policy = i % 2 ? TSCHED_FAIR : TSCHED_BEST_EFFORT;
		assert_int_equal(arbiter_set_config(s.arbiter, &s.config), 0);
		load_sleep_until(load_now() + (20 + i) * MS);
	}
	before = stage_stats(&s, 1).submits;
	stage_wait(stage_stats(&s, 1).submits > before + 10);
	before = stage_stats(&s, 0).submits;
	stage_wait(stage_stats(&s, 0).submits > before + 10);
}

#define staged(name) stage_test(name, &s)

int main(void)
{
	const struct CMUnitTest tests[] = {
		staged(next_one_submits_before_the_last_job_ends),
		staged(it_does_where_jobs_are_queued_ahead),
		staged(it_costs_nobody_a_share),
		staged(nobody_is_killed_for_the_job_before),
		staged(who_dies_early_holds_nobody_up),
		staged(it_is_heard_when_the_policy_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
