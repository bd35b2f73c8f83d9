// SPDX-License-Identifier: MIT
/* What handoffs cost, and how long slices are for it. */
#include "scheduler/arbiter/handoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define US ((uint64_t)1000)
#define MS (1000 * US)
#define SECOND (1000 * MS)
#define SLICE (4 * MS)

/* One hold after the other, each @ns after the end of the one before. */
static void hand_on(struct handoff *handoff, unsigned int times, uint64_t ns)
{
	uint64_t now = 2 * MS;

	for (; times; times--) {
		handoff_idle(handoff, now);
		handoff_grant(handoff, now - MS);
		handoff_end(handoff, now + ns, true);
		now += ns + MS;
	}
}

/* One hold with a job after the other, each @ns after the end of the one before. */
static void go_on(struct handoff *handoff, unsigned int times, uint64_t ns,
		  bool waited)
{
	uint64_t now = MS;

	for (; times; times--) {
		handoff_idle(handoff, now);
		handoff_end(handoff, now + ns, waited);
		now += ns + MS;
	}
}

static void quick_handoffs_change_nothing(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	hand_on(&handoff, 1000, 100 * US);
	assert_in_range(handoff.mean_ns, 90 * US, 100 * US);
	assert_int_equal(handoff_slice(&handoff, SLICE), SLICE);
}

static void slices_follow_what_handoffs_cost(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	hand_on(&handoff, 1000, 500 * US);
	assert_in_range(handoff_slice(&handoff, SLICE), 15 * MS, 16 * MS);
	hand_on(&handoff, 1000, 50 * US);
	assert_int_equal(handoff_slice(&handoff, SLICE), SLICE);
}

static void slices_grow_to_a_limit(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	hand_on(&handoff, 1000, 100 * MS);
	assert_int_equal(handoff_slice(&handoff, SLICE),
			 HANDOFF_STRETCH_MAX * SLICE);
}

static void one_long_handoff_says_little(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	hand_on(&handoff, 1000, 100 * US);
	hand_on(&handoff, 1, 1000 * MS);
	assert_true(handoff.mean_ns < 200 * US);
}

/* Nobody waited: the GPU was idle because there was no work. */
static void who_came_later_does_not_count(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	handoff_grant(&handoff, 5 * MS);
	handoff_end(&handoff, 6 * MS, true);
	handoff_idle(&handoff, 10 * MS);
	handoff_grant(&handoff, 11 * MS);
	handoff_end(&handoff, 90 * MS, false);
	assert_int_equal(handoff.mean_ns, 0);
	assert_int_equal(handoff.next_mean_ns, 0);
}

static void a_hold_counts_once(void **unused)
{
	struct handoff handoff = {0};
	uint64_t mean;

	(void)unused;
	hand_on(&handoff, 1, 80 * US);
	mean = handoff.mean_ns;
	assert_true(mean > 0);
	go_on(&handoff, 1, 80 * US, true);
	assert_int_equal(handoff.mean_ns, mean);
}

static void quick_jobs_need_no_queue(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	hand_on(&handoff, 1000, 100 * US);
	go_on(&handoff, 1000, 100 * US, true);
	assert_int_equal(handoff_ahead(&handoff, SLICE), 0);
}

static void slow_ones_are_queued_ahead(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	go_on(&handoff, 1000, 500 * US, true);
	assert_in_range(handoff_ahead(&handoff, SLICE), 15 * MS, 16 * MS);
	assert_int_equal(handoff_slice(&handoff, SLICE), SLICE);
	hand_on(&handoff, 1000, 100 * MS);
	assert_int_equal(handoff_ahead(&handoff, SLICE),
			 HANDOFF_STRETCH_MAX * SLICE);
}

/* What an application takes for itself is not the GPU's delay. */
static void jobs_that_had_not_waited_do_not_count(void **unused)
{
	struct handoff handoff = {0};

	(void)unused;
	go_on(&handoff, 1000, 5 * MS, false);
	assert_int_equal(handoff.next_mean_ns, 0);
}

/* With another in flight the GPU was not idle, and what is known stays. */
static void jobs_submitted_ahead_do_not_count(void **unused)
{
	struct handoff handoff = {0};
	uint64_t mean;

	(void)unused;
	go_on(&handoff, 1000, 500 * US, true);
	mean = handoff.next_mean_ns;
	handoff_end(&handoff, 2 * MS, true);
	handoff_end(&handoff, 3 * MS, true);
	assert_int_equal(handoff.next_mean_ns, mean);
}

static void gates_are_told_as_early_as_they_are_slow(void **unused)
{
	struct handoff handoff = {0};
	uint64_t now = MS;

	(void)unused;
	assert_int_equal(handoff_lead(&handoff, SLICE), 0);
	for (; now < SECOND; now += 10 * MS)
		handoff_opened(&handoff, now, now + 500 * US);
	assert_in_range(handoff_lead(&handoff, SLICE), 900 * US, MS);
	for (; now < 2 * SECOND; now += 10 * MS)
		handoff_opened(&handoff, now, now + 50 * MS);
	assert_int_equal(handoff_lead(&handoff, SLICE), SLICE);
}

/* A gate that submits in time because it was told early is no faster for it. */
static void slices_stay_long_where_gates_are_told_early(void **unused)
{
	struct handoff handoff = {0};
	uint64_t now;

	(void)unused;
	hand_on(&handoff, 100, 0);
	for (now = MS; now < SECOND; now += 10 * MS)
		handoff_opened(&handoff, now, now + 500 * US);
	assert_in_range(handoff_slice(&handoff, SLICE), 15 * MS, 16 * MS);
}

/* Eight jobs of @job_ns, which are thought to take ten: looked at @looks times. */
static uint64_t drain_until_told(uint64_t job_ns, unsigned int *looks)
{
	struct handoff_drain drain = {.jobs = 8, .mean_ns = 10 * MS};
	uint64_t now, look = 0;

	*looks = 0;
	do {
		uint64_t ended = look / job_ns;

		now = look;
		drain.run_ns = ended * job_ns;
		drain.jobs = ended < 8 ? 8 - ended : 0;
		look = handoff_look(&drain, 3 * MS, now);
		(*looks)++;
	} while (look > now);
	return now;
}

static void gates_are_told_in_time_where_jobs_end_sooner(void **unused)
{
	unsigned int looks;

	(void)unused;
	assert_int_equal(drain_until_told(10 * MS, &looks), 77 * MS);
	assert_true(looks <= 5);
	assert_in_range(drain_until_told(9 * MS, &looks), 62 * MS, 72 * MS);
	assert_in_range(drain_until_told(7 * MS, &looks), 46 * MS, 56 * MS);
	assert_true(looks <= 5);
}

static void one_job_is_looked_at_once(void **unused)
{
	const struct handoff_drain drain = {
		.run_ns = MS,
		.jobs = 1,
		.mean_ns = 10 * MS,
	};

	(void)unused;
	assert_int_equal(handoff_look(&drain, 3 * MS, MS), 8 * MS);
	assert_int_equal(handoff_look(&drain, 3 * MS, 8 * MS), 8 * MS);
	/* Told for longer than it takes. */
	assert_int_equal(handoff_look(&drain, 20 * MS, MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_handoffs_change_nothing),
		cmocka_unit_test(slices_follow_what_handoffs_cost),
		cmocka_unit_test(slices_grow_to_a_limit),
		cmocka_unit_test(one_long_handoff_says_little),
		cmocka_unit_test(who_came_later_does_not_count),
		cmocka_unit_test(a_hold_counts_once),
		cmocka_unit_test(quick_jobs_need_no_queue),
		cmocka_unit_test(slow_ones_are_queued_ahead),
		cmocka_unit_test(jobs_that_had_not_waited_do_not_count),
		cmocka_unit_test(jobs_submitted_ahead_do_not_count),
		cmocka_unit_test(gates_are_told_as_early_as_they_are_slow),
		cmocka_unit_test(slices_stay_long_where_gates_are_told_early),
		cmocka_unit_test(gates_are_told_in_time_where_jobs_end_sooner),
		cmocka_unit_test(one_job_is_looked_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
