// SPDX-License-Identifier: MIT
/* The scheduler's rules, one by one; each test is named for what it proves. */
#include "scheduler/core/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define US ((uint64_t)1000)
#define MS (1000 * US)
#define SEC (1000 * MS)

/* Two vGPUs, and a time that the test moves. */
struct bench {
	struct tsched_config config;
	struct tsched_gpu gpu;
	struct tsched_entity a, b, c;
	struct tsched_decision d;
	struct tsched_job job;
	uint64_t now;
};

static struct bench t;

static int setup(void **unused)
{
	(void)unused;
	t = (struct bench){.now = SEC};
	tsched_config_init(&t.config);
	assert_int_equal(tsched_gpu_init(&t.gpu, &t.config, t.now), 0);
	assert_int_equal(
		tsched_entity_add(&t.gpu, &t.a, TSCHED_VGPU, NULL, t.now), 0);
	assert_int_equal(
		tsched_entity_add(&t.gpu, &t.b, TSCHED_VGPU, NULL, t.now), 0);
	return 0;
}

static enum tsched_verdict decide(void)
{
	tsched_decide(&t.gpu, t.now, &t.d);
	return t.d.verdict;
}

static void want(struct tsched_entity *e)
{
	assert_int_equal(tsched_entity_want(e, t.now), 0);
}

static void idle(struct tsched_entity *e)
{
	assert_int_equal(tsched_entity_idle(e, t.now), 0);
}

static void submit(struct tsched_entity *e)
{
	assert_int_equal(tsched_job_submit(e, &t.job, TSCHED_COMPUTE, 0, t.now),
			 0);
}

static void complete_seen(struct tsched_entity *e, uint64_t gpu_ns,
			  enum tsched_seen seen)
{
	assert_int_equal(tsched_job_complete(e, &t.job, gpu_ns, seen, t.now),
			 0);
}

static void complete(struct tsched_entity *e, uint64_t gpu_ns)
{
	complete_seen(e, gpu_ns, TSCHED_SEEN_ON_TIME);
}

static void release(struct tsched_entity *e)
{
	assert_int_equal(tsched_hold_end(e, t.now), 0);
}

static void assert_granted(struct tsched_entity *e)
{
	assert_int_equal(decide(), TSCHED_GRANT);
	assert_ptr_equal(t.d.entity, e);
}

static struct tsched_entity_stats stats_of(struct tsched_entity *e)
{
	struct tsched_entity_stats stats;

	tsched_entity_stats(e, t.now, &stats);
	return stats;
}

/* Let @e, granted next, hold for @ns with one job, and still want. */
static void hold_for(struct tsched_entity *e, uint64_t ns)
{
	assert_granted(e);
	submit(e);
	t.now += ns;
	complete(e, ns);
	release(e);
}

/* One job of @job ns, then a gap of @gap ns, as a closed loop does. */
static void loop_once(struct tsched_entity *e, uint64_t job, uint64_t gap)
{
	submit(e);
	idle(e);
	t.now += job;
	complete(e, job);
	t.now += gap;
	want(e);
}

static void nobody_wants_nobody_is_granted(void **unused)
{
	(void)unused;
	assert_int_equal(decide(), TSCHED_IDLE);
	assert_true(t.d.wake_ns == TSCHED_NEVER);
}

static void who_wants_is_granted_with_slice_and_lease(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	assert_int_equal(t.d.slice_end_ns, t.now + t.config.slice_ns);
	assert_int_equal(t.d.lease_ns, t.now + t.config.lease_ns);
	assert_int_equal(t.d.depth, 1);
}

static void measured_hold_is_charged_not_job_time(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 3 * MS;
	complete(&t.a, MS);
	release(&t.a);
	assert_int_equal(stats_of(&t.a).gpu_ns, 3 * MS);
	assert_int_equal(stats_of(&t.a).engine_ns[TSCHED_COMPUTE], MS);
	assert_int_equal(t.gpu.stats.busy_ns, 3 * MS);
}

static void running_hold_counts_before_it_ends(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 2 * MS;
	assert_int_equal(stats_of(&t.a).gpu_ns, 2 * MS);
	assert_true(stats_of(&t.a).lag_ns < 0);
}

static void slice_ends_only_when_another_is_next(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 10 * t.config.slice_ns;
	assert_int_equal(decide(), TSCHED_KEEP);
	want(&t.b);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_SLICE);
	assert_ptr_equal(t.d.next, &t.b);
	assert_int_equal(decide(), TSCHED_DRAIN);
	complete(&t.a, 10 * t.config.slice_ns);
	release(&t.a);
	assert_granted(&t.b);
}

/* It is revoked in a gap, but submits before its gate has closed. */
static void nobody_is_next_where_the_holder_is_served_on(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, 10 * MS);
	hold_for(&t.b, 100 * MS);
	assert_granted(&t.a);
	loop_once(&t.a, 20 * MS, 0);
	idle(&t.a);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
	assert_ptr_equal(t.d.next, &t.b);
	submit(&t.a);
	t.now += 20 * MS;
	assert_int_equal(decide(), TSCHED_DRAIN);
	assert_null(t.d.next);
	complete(&t.a, 20 * MS);
	want(&t.a);
	release(&t.a);
	assert_granted(&t.a);
}

static void slice_is_renewed_while_it_is_behind(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, 50 * MS);
	assert_granted(&t.b);
	t.now += t.config.slice_ns;
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(t.d.slice_end_ns, t.now + t.config.slice_ns);
	assert_int_equal(stats_of(&t.b).slices, 2);
}

static void debt_outlives_sleep(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, SEC);
	idle(&t.a);
	assert_granted(&t.b);
	submit(&t.b);
	t.now += 100 * MS;
	want(&t.a);
	/* b has 900 ms to come before a is next. */
	for (; t.now < 3 * SEC - 10 * MS; t.now += t.config.slice_ns) {
		tsched_hold_renew(&t.b, t.now);
		assert_int_equal(decide(), TSCHED_KEEP);
	}
	t.now = 3 * SEC + t.config.slice_ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_ptr_equal(t.d.next, &t.a);
}

static void sleeping_earns_nothing(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 10 * SEC;
	want(&t.b);
	assert_int_equal(stats_of(&t.b).lag_ns, 0);
	decide();
	complete(&t.a, SEC);
	release(&t.a);
	hold_for(&t.b, 2 * t.config.slice_ns);
	assert_granted(&t.a);
}

static void short_gap_keeps_what_is_owed(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, 50 * MS);
	hold_for(&t.b, MS);
	idle(&t.b);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 100 * US;
	want(&t.b);
	t.now += 50 * MS;
	assert_int_equal(decide(), TSCHED_REVOKE);
	complete(&t.a, 50 * MS);
	release(&t.a);
	/* 49 ms from before the gap, and those since it came back. */
	hold_for(&t.b, 90 * MS);
	assert_granted(&t.b);
}

static void newcomer_starts_at_present(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, SEC);
	hold_for(&t.b, SEC);
	assert_int_equal(
		tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now), 0);
	want(&t.c);
	assert_int_equal(stats_of(&t.c).lag_ns, 0);
}

static void weights_divide_time(void **unused)
{
	unsigned int i;

	(void)unused;
	tsched_entity_set_weight(&t.a, 300, t.now);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 4000; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.a).gpu_ns, 2999 * MS, 3001 * MS);
}

static void new_weight_keeps_debt_in_gpu_time(void **unused)
{
	int64_t lag;

	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, 100 * MS);
	tsched_entity_set_weight(&t.a, 1000, t.now);
	lag = (t.a.start - t.gpu.queue.floor) * 1000 / 1024;
	assert_in_range(lag, 100 * MS - 2000, 100 * MS);
}

static void latency_class_is_served_earlier(void **unused)
{
	(void)unused;
	tsched_entity_set_latency(&t.b, TSCHED_LATENCY_LOW, t.now);
	want(&t.a);
	want(&t.b);
	assert_granted(&t.b);
	assert_int_equal(t.d.slice_end_ns, t.now + t.config.slice_ns / 4);
}

static void latency_class_cuts_the_slice_before_it(void **unused)
{
	(void)unused;
	tsched_entity_set_latency(&t.b, TSCHED_LATENCY_LOW, t.now);
	want(&t.a);
	assert_granted(&t.a);
	t.now += MS / 2;
	want(&t.b);
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(t.d.wake_ns, SEC + t.config.slice_ns / 4);
	t.now = t.d.wake_ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_LATENCY);
}

static void latency_class_is_no_larger_share(void **unused)
{
	unsigned int i;

	(void)unused;
	tsched_entity_set_latency(&t.b, TSCHED_LATENCY_LOWEST, t.now);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 2000; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.b).gpu_ns, 995 * MS, 1005 * MS);
}

static void cap_ends_the_hold_and_returns_next_period(void **unused)
{
	(void)unused;
	tsched_entity_set_cap(&t.a, 200, t.now);
	want(&t.a);
	assert_granted(&t.a);
	assert_int_equal(t.d.wake_ns, t.now + 20 * MS);
	t.now += 20 * MS;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_CAP);
	release(&t.a);
	assert_int_equal(decide(), TSCHED_IDLE);
	assert_int_equal(t.d.wake_ns, SEC + 100 * MS);
	t.now = t.d.wake_ns;
	assert_granted(&t.a);
	assert_int_equal(stats_of(&t.a).throttled_ns, 80 * MS);
}

static void cap_overshoot_is_taken_off_later_periods(void **unused)
{
	(void)unused;
	tsched_entity_set_cap(&t.a, 200, t.now);
	want(&t.a);
	hold_for(&t.a, 70 * MS);
	assert_int_equal(decide(), TSCHED_IDLE);
	assert_int_equal(t.d.wake_ns, SEC + 300 * MS);
}

static void cap_raised_frees_at_once(void **unused)
{
	(void)unused;
	tsched_entity_set_cap(&t.a, 200, t.now);
	want(&t.a);
	hold_for(&t.a, 70 * MS);
	assert_int_equal(decide(), TSCHED_IDLE);
	tsched_entity_set_cap(&t.a, TSCHED_WHOLE, t.now);
	assert_granted(&t.a);
}

static void cap_above_throttles_all_below(void **unused)
{
	struct tsched_entity tenant, vgpu;

	(void)unused;
	tsched_entity_add(&t.gpu, &tenant, TSCHED_TENANT, NULL, t.now);
	tsched_entity_add(&t.gpu, &vgpu, TSCHED_VGPU, &tenant, t.now);
	tsched_entity_set_cap(&tenant, 100, t.now);
	want(&vgpu);
	hold_for(&vgpu, 10 * MS);
	assert_int_equal(decide(), TSCHED_IDLE);
	assert_int_equal(t.d.wake_ns, SEC + 100 * MS);
}

static void reservations_are_admitted_while_they_can_be_kept(void **unused)
{
	(void)unused;
	assert_int_equal(tsched_entity_set_reservation(&t.a, 500, t.now), 0);
	assert_int_equal(tsched_entity_set_reservation(&t.b, 401, t.now),
			 -ENOSPC);
	assert_int_equal(tsched_entity_set_reservation(&t.b, 400, t.now), 0);
	assert_int_equal(tsched_entity_set_cap(&t.b, 399, t.now), -EINVAL);
	assert_int_equal(tsched_entity_remove(&t.a, t.now), 0);
	assert_int_equal(tsched_entity_set_reservation(&t.b, 900, t.now), 0);
}

static void reservation_above_covers_those_below(void **unused)
{
	struct tsched_entity tenant, vgpu;

	(void)unused;
	tsched_entity_add(&t.gpu, &tenant, TSCHED_TENANT, NULL, t.now);
	tsched_entity_add(&t.gpu, &vgpu, TSCHED_VGPU, &tenant, t.now);
	assert_int_equal(tsched_entity_set_reservation(&tenant, 600, t.now), 0);
	assert_int_equal(tsched_entity_set_reservation(&vgpu, 500, t.now), 0);
	assert_int_equal(t.gpu.reserved, 600);
	tsched_entity_set_reservation(&tenant, 0, t.now);
	assert_int_equal(t.gpu.reserved, 500);
}

static void reservation_holds_against_weight(void **unused)
{
	unsigned int i;

	(void)unused;
	tsched_entity_set_weight(&t.a, 10, t.now);
	tsched_entity_set_weight(&t.b, 1000, t.now);
	tsched_entity_set_reservation(&t.a, 300, t.now);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.a).gpu_ns, 295 * MS, 320 * MS);
}

/* One job of a millisecond, and nothing more for now. */
static void serve_once(struct tsched_entity *e)
{
	assert_granted(e);
	submit(e);
	idle(e);
	t.now += MS;
	complete(e, MS);
	release(e);
}

/*
 * While b and c are both away for a moment, a is served, which is far ahead of
 * both: that must not put the one far behind the other.
 */
static void a_moments_absence_costs_a_moment(void **unused)
{
	unsigned int i;

	(void)unused;
	tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now);
	want(&t.a);
	assert_granted(&t.a);
	want(&t.b);
	release(&t.a);
	serve_once(&t.b);
	want(&t.b);
	want(&t.c);
	hold_for(&t.a, 3 * SEC);
	serve_once(&t.c);
	serve_once(&t.b);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += MS;
	want(&t.c);
	want(&t.b);
	complete(&t.a, MS);
	release(&t.a);
	for (i = 0; i < 100; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.b).gpu_ns, 45 * MS, 60 * MS);
	assert_in_range(stats_of(&t.c).gpu_ns, 45 * MS, 60 * MS);
}

/* After a hold of three seconds of a's, b and c are owed as much. */
static void owe_three_seconds(void)
{
	tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now);
	want(&t.a);
	want(&t.b);
	want(&t.c);
	hold_for(&t.a, 3 * SEC);
}

/* b and c are both away: a is served, and virtual time leaps to where a is. */
static void leap_to_a(void)
{
	idle(&t.b);
	idle(&t.c);
	hold_for(&t.a, MS);
	want(&t.b);
	want(&t.c);
}

/* A millisecond for whoever is next; if it is @away, it goes for a moment then. */
static void hold_next(struct tsched_entity *away)
{
	assert_int_equal(decide(), TSCHED_GRANT);
	if (t.d.entity == away)
		idle(away);
	t.now += MS;
	release(t.d.entity);
	want(away);
}

/* It takes them as many holds as it takes. */
static void credit_lasts_until_it_is_served(void **unused)
{
	unsigned int i;

	(void)unused;
	owe_three_seconds();
	for (i = 0; i < 2000; i++)
		hold_next(&t.b);
	leap_to_a();
	for (i = 0; i < 2000; i++)
		hold_next(&t.b);
	assert_in_range(stats_of(&t.a).gpu_ns, 3001 * MS, 3003 * MS);
	assert_in_range(stats_of(&t.b).gpu_ns, 1980 * MS, 2020 * MS);
}

/* Where virtual time has leapt to is not where who goes and comes is put. */
static void absence_after_a_leap_costs_a_moment(void **unused)
{
	unsigned int i;

	(void)unused;
	owe_three_seconds();
	leap_to_a();
	/* b is away for a millisecond of c's, again and again. */
	for (i = 0; i < 200; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		if (t.d.entity == &t.b)
			idle(&t.b);
		t.now += MS;
		if (t.d.entity == &t.c)
			want(&t.b);
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.b).gpu_ns, 60 * MS, 110 * MS);
	assert_int_equal(stats_of(&t.a).gpu_ns, 3001 * MS);
}

static void reserved_time_does_not_become_debt(void **unused)
{
	unsigned int i;

	(void)unused;
	tsched_entity_set_reservation(&t.a, 800, t.now);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	tsched_entity_set_reservation(&t.a, 0, t.now);
	assert_true(stats_of(&t.a).lag_ns > -(int64_t)(10 * MS));
}

/* @e, just granted, holds until its slice ends @ns later, with another waiting. */
static void hold_through(struct tsched_entity *e, uint64_t ns)
{
	submit(e);
	t.now += ns - 1;
	assert_int_equal(decide(), TSCHED_KEEP);
	t.now++;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_SLICE);
	complete(e, ns);
	release(e);
}

/* @e's turn, as long as that. */
static void use_up(struct tsched_entity *e, uint64_t ns)
{
	assert_granted(e);
	hold_through(e, ns);
}

/* @e's turn, and it has nothing to do after all. */
static void give_back(struct tsched_entity *e)
{
	assert_granted(e);
	idle(e);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
	release(e);
}

/* Slices may be three times as long, and a has used up its first. Return: one. */
static uint64_t stretch(void)
{
	uint64_t slice = t.config.slice_ns;

	tsched_gpu_set_stretch(&t.gpu, 3 * slice);
	want(&t.a);
	want(&t.b);
	use_up(&t.a, slice);
	return slice;
}

static void slices_stretch_while_the_next_has_used_up_its_own(void **unused)
{
	uint64_t slice = stretch();

	(void)unused;
	use_up(&t.b, 3 * slice);
	use_up(&t.a, 3 * slice);
	use_up(&t.b, 3 * slice);
}

static void slices_do_not_stretch_before_who_came(void **unused)
{
	uint64_t slice = stretch();

	(void)unused;
	use_up(&t.b, 3 * slice);
	/* In the middle of a stretch somebody comes. */
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 2 * slice;
	assert_int_equal(decide(), TSCHED_KEEP);
	tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now);
	want(&t.c);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_SLICE);
	complete(&t.a, 2 * slice);
	release(&t.a);
}

static void slices_do_not_stretch_before_who_gave_back(void **unused)
{
	uint64_t slice = stretch();

	(void)unused;
	give_back(&t.b);
	assert_granted(&t.a);
	submit(&t.a);
	want(&t.b);
	t.now += slice;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_SLICE);
}

static void slices_stretch_before_who_gave_back_after_one(void **unused)
{
	uint64_t slice = stretch();

	(void)unused;
	assert_granted(&t.b);
	submit(&t.b);
	t.now += slice - 1;
	assert_int_equal(decide(), TSCHED_KEEP);
	t.now++;
	complete(&t.b, slice);
	idle(&t.b);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
	release(&t.b);
	want(&t.b);
	use_up(&t.a, 3 * slice);
}

static void slices_stop_to_stretch_when_the_next_gives_back_often(void **unused)
{
	uint64_t slice = stretch();
	unsigned int i;

	(void)unused;
	use_up(&t.b, 3 * slice);
	use_up(&t.a, 3 * slice);
	for (i = 1; i <= 16; i++) {
		give_back(&t.b);
		assert_granted(&t.a);
		/* So long that nobody keeps the GPU for it. */
		t.now += 3 * MS;
		want(&t.b);
		hold_through(&t.a, (i < 16 ? 3 * slice : slice) - 3 * MS);
	}
}

static void slices_do_not_stretch_where_latency_is_asked_for(void **unused)
{
	uint64_t slice = stretch();

	(void)unused;
	tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now);
	tsched_entity_set_latency(&t.c, TSCHED_LATENCY_LOW, t.now);
	use_up(&t.b, slice);
}

static void equal_gives_each_present_its_part(void **unused)
{
	(void)unused;
	t.config.policy = TSCHED_EQUAL;
	tsched_entity_set_weight(&t.a, 1000, t.now);
	tsched_gpu_set_config(&t.gpu, &t.config, t.now);
	want(&t.a);
	assert_granted(&t.a);
	assert_int_equal(t.d.wake_ns, t.now + 50 * MS);
}

static void fixed_gives_each_its_types_part(void **unused)
{
	(void)unused;
	t.config.policy = TSCHED_FIXED;
	tsched_entity_set_instances(&t.a, 8, t.now);
	tsched_gpu_set_config(&t.gpu, &t.config, t.now);
	want(&t.a);
	assert_granted(&t.a);
	assert_int_equal(t.d.wake_ns, t.now + 12500 * US);
}

static void best_effort_gates_nobody_and_counts(void **unused)
{
	(void)unused;
	t.config.policy = TSCHED_BEST_EFFORT;
	want(&t.a);
	assert_granted(&t.a);
	tsched_gpu_set_config(&t.gpu, &t.config, t.now);
	assert_int_equal(decide(), TSCHED_OPEN);
	submit(&t.b);
	t.now += MS;
	complete(&t.b, MS);
	assert_int_equal(stats_of(&t.b).engine_ns[TSCHED_COMPUTE], MS);
	assert_int_equal(stats_of(&t.b).gpu_ns, 0);
}

static void depth_fits_known_jobs_into_the_time_in_flight(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 4; i++) {
		assert_int_equal(t.d.depth, 1);
		submit(&t.a);
		t.now += 800 * US;
		complete(&t.a, 800 * US);
		decide();
	}
	assert_int_equal(t.d.depth, 5);
	want(&t.b);
	decide();
	assert_int_equal(t.d.depth, 1);
}

/*
 * Jobs as long as slices may be queued for two and a half. a and b have used up
 * theirs for more than a second, and a has the next.
 */
static void queue_ahead(void)
{
	uint64_t slice = t.config.slice_ns;
	unsigned int i;

	tsched_gpu_set_ahead(&t.gpu, 5 * slice / 2);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 200; i++) {
		use_up(&t.a, slice);
		use_up(&t.b, slice);
	}
	assert_granted(&t.a);
}

/* c comes, of which nothing is known, and waits. */
static void queue_ahead_until_one_minds(void)
{
	queue_ahead();
	tsched_entity_add(&t.gpu, &t.c, TSCHED_VGPU, NULL, t.now);
	want(&t.c);
}

static void jobs_are_queued_where_nobody_minds(void **unused)
{
	(void)unused;
	queue_ahead();
	assert_int_equal(t.d.depth, 3);
	idle(&t.b);
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(t.d.depth, 3);
}

static void none_are_queued_for_a_second_after_somebody_minded(void **unused)
{
	(void)unused;
	queue_ahead_until_one_minds();
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(t.d.depth, 1);
	t.now += MS;
	idle(&t.b);
	idle(&t.c);
	decide();
	assert_int_equal(t.d.depth, 1);
	t.now += 999 * MS;
	tsched_hold_renew(&t.a, t.now);
	decide();
	assert_int_equal(t.d.depth, 1);
	t.now += MS;
	decide();
	assert_int_equal(t.d.depth, 3);
}

/* As after a program's start: nobody knew what kind it is of. */
static void who_turns_out_to_be_patient_never_minded(void **unused)
{
	uint64_t slice = t.config.slice_ns;

	(void)unused;
	queue_ahead_until_one_minds();
	decide();
	assert_int_equal(t.d.depth, 1);
	t.now += slice;
	decide();
	release(&t.a);
	while (decide() == TSCHED_GRANT && t.d.entity != &t.c) {
		struct tsched_entity *other = t.d.entity;

		t.now += slice;
		decide();
		release(other);
	}
	assert_ptr_equal(t.d.entity, &t.c);
	t.now += slice;
	assert_int_equal(decide(), TSCHED_REVOKE);
	release(&t.c);
	assert_int_equal(decide(), TSCHED_GRANT);
	assert_int_equal(t.d.depth, 3);
}

static void who_minded_counts_for_a_second_after_it_has_gone(void **unused)
{
	(void)unused;
	queue_ahead_until_one_minds();
	t.now += MS;
	tsched_entity_remove(&t.c, t.now);
	idle(&t.b);
	decide();
	assert_int_equal(t.d.depth, 1);
	t.now += 1000 * MS;
	tsched_hold_renew(&t.a, t.now);
	decide();
	assert_int_equal(t.d.depth, 3);
}

/* @e's turn, with one job that lasts beyond its slice. */
static void overrun(struct tsched_entity *e, uint64_t ns)
{
	assert_granted(e);
	submit(e);
	t.now += ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	complete(e, ns);
	release(e);
}

/* One job in nine is ten times as long. */
static void as_many_are_queued_as_last_so_long_together(void **unused)
{
	uint64_t slice = t.config.slice_ns;
	unsigned int i;

	(void)unused;
	tsched_gpu_set_ahead(&t.gpu, 16 * slice);
	want(&t.a);
	want(&t.b);
	for (i = 0; i < 900; i++) {
		overrun(&t.a, i % 9 ? slice : 10 * slice);
		overrun(&t.b, i % 9 ? slice : 10 * slice);
	}
	assert_granted(&t.a);
	assert_true(t.a.jobs.high_ns >= 5 * slice);
	assert_in_range(t.d.depth, 6, 14);
}

static void none_are_queued_where_each_counts(void **unused)
{
	(void)unused;
	queue_ahead();
	tsched_entity_set_reservation(&t.b, 100, t.now);
	decide();
	assert_int_equal(t.d.depth, 1);
	tsched_entity_set_reservation(&t.b, 0, t.now);
	tsched_entity_set_cap(&t.a, 500, t.now);
	decide();
	assert_int_equal(t.d.depth, 1);
	tsched_entity_set_cap(&t.a, TSCHED_WHOLE, t.now);
	tsched_entity_set_latency(&t.b, TSCHED_LATENCY_LOW, t.now);
	decide();
	assert_int_equal(t.d.depth, 1);
	tsched_entity_set_latency(&t.b, TSCHED_LATENCY_NORMAL, t.now);
	decide();
	assert_int_equal(t.d.depth, 3);
}

static void late_completions_teach_nothing(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 10 * MS;
	complete_seen(&t.a, 10 * MS, TSCHED_SEEN_LATE);
	assert_int_equal(stats_of(&t.a).job_mean_ns, 0);
	assert_int_equal(stats_of(&t.a).engine_ns[TSCHED_COMPUTE], 10 * MS);
}

/* What the GPU measured is as long as it is, whenever it was looked at. */
static void measured_jobs_are_learnt_and_their_gaps_are_not(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 8; i++) {
		submit(&t.a);
		idle(&t.a);
		t.now += 10 * MS;
		complete_seen(&t.a, MS, TSCHED_SEEN_MEASURED);
		want(&t.a);
	}
	assert_int_equal(stats_of(&t.a).job_mean_ns, MS);
	assert_int_equal(stats_of(&t.a).gap_high_ns, 0);
}

/* A completion noticed at the next submission says nothing of the gap. */
static void late_completions_teach_no_gaps(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 8; i++) {
		submit(&t.a);
		idle(&t.a);
		t.now += MS;
		complete_seen(&t.a, MS, TSCHED_SEEN_LATE);
		want(&t.a);
	}
	assert_int_equal(stats_of(&t.a).gap_high_ns, 0);
	loop_once(&t.a, MS, 50 * US);
	assert_int_equal(stats_of(&t.a).gap_high_ns, 50 * US);
}

/* Else a program that starts slowly would long be served a job at a time. */
static void long_gaps_of_the_past_are_soon_forgotten(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	loop_once(&t.a, MS, 500 * MS);
	for (i = 0; i < 12; i++)
		loop_once(&t.a, MS, 50 * US);
	assert_in_range(stats_of(&t.a).gap_high_ns, 50 * US, MS);
	for (i = 0; i < 150; i++)
		loop_once(&t.a, MS, 100 * MS);
	assert_in_range(stats_of(&t.a).gap_high_ns, 50 * MS, 100 * MS);
	for (i = 0; i < 70; i++)
		loop_once(&t.a, MS, 50 * US);
	assert_in_range(stats_of(&t.a).gap_high_ns, 50 * US, 1600 * US);
}

/* A job of a's ends while b waits. */
static void end_a_job_beside_b(void)
{
	submit(&t.a);
	idle(&t.a);
	want(&t.b);
	t.now += 200 * US;
	complete(&t.a, 200 * US);
}

static void short_known_gaps_keep_the_slot(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 8; i++)
		loop_once(&t.a, 200 * US, 50 * US);
	end_a_job_beside_b();
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_in_range(t.d.wake_ns - t.now, 50 * US, 100 * US);
	t.now = t.d.wake_ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
	assert_true(t.gpu.stats.anticipate_ns > 0);
}

/* One gap in many that is longer than anybody waits. */
static void a_long_gap_now_and_then_keeps_the_slot(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 2000; i++)
		loop_once(&t.a, 200 * US, i % 10 ? 50 * US : 5 * MS);
	assert_true(stats_of(&t.a).gap_high_ns > 2 * MS);
	/* With a slice that is new. */
	release(&t.a);
	assert_granted(&t.a);
	end_a_job_beside_b();
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(t.d.wake_ns - t.now, 2 * MS);
	t.now = t.d.wake_ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
}

static void gaps_that_are_usually_long_do_not(void **unused)
{
	unsigned int i;

	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	for (i = 0; i < 20; i++)
		loop_once(&t.a, 200 * US, 3 * MS);
	end_a_job_beside_b();
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
}

static void unknown_gaps_do_not(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	idle(&t.a);
	want(&t.b);
	t.now += MS;
	complete(&t.a, MS);
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_IDLE);
}

static void standing_grant_of_an_idle_holder_costs_nothing(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	idle(&t.a);
	t.now += MS;
	complete(&t.a, MS);
	assert_int_equal(decide(), TSCHED_KEEP);
	t.now += 100 * MS;
	assert_int_equal(stats_of(&t.a).gpu_ns, MS);
	assert_int_equal(t.gpu.stats.busy_ns, MS);
}

static void lease_not_renewed_is_revoked_then_killed(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	t.now += t.config.lease_ns;
	assert_int_equal(decide(), TSCHED_REVOKE);
	assert_int_equal(t.d.reason, TSCHED_BY_LEASE);
	assert_int_equal(tsched_hold_renew(&t.a, t.now), -EPERM);
	assert_int_equal(decide(), TSCHED_DRAIN);
	assert_int_equal(t.d.wake_ns, t.now + t.config.kill_ns);
	t.now = t.d.wake_ns;
	assert_int_equal(decide(), TSCHED_KILL);
	assert_int_equal(t.d.reason, TSCHED_BY_LEASE);
	assert_int_equal(tsched_entity_remove(&t.a, t.now), 0);
	assert_int_equal(decide(), TSCHED_IDLE);
}

static void lease_renewed_goes_on(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	t.now += t.config.lease_ns - 1;
	assert_int_equal(tsched_hold_renew(&t.a, t.now), 0);
	t.now += 2;
	assert_int_equal(decide(), TSCHED_KEEP);
}

static void overrun_is_reported_once_per_limit_and_charged(void **unused)
{
	(void)unused;
	tsched_entity_set_kill_limit(&t.a, 100 * MS, t.now);
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	t.now += 100 * MS;
	assert_int_equal(decide(), TSCHED_KILL);
	assert_int_equal(t.d.reason, TSCHED_BY_OVERRUN);
	assert_ptr_equal(t.d.entity, &t.a);
	assert_int_equal(decide(), TSCHED_KEEP);
	assert_int_equal(stats_of(&t.a).overruns, 1);
	assert_int_equal(stats_of(&t.a).gpu_ns, 100 * MS);
}

static void job_queued_behind_another_runs_from_its_completion(void **unused)
{
	struct tsched_job second;

	(void)unused;
	tsched_entity_set_kill_limit(&t.a, 100 * MS, t.now);
	want(&t.a);
	assert_granted(&t.a);
	submit(&t.a);
	tsched_job_submit(&t.a, &second, TSCHED_COPY, 0, t.now);
	t.now += 90 * MS;
	complete(&t.a, 90 * MS);
	t.now += 90 * MS;
	assert_int_equal(decide(), TSCHED_KEEP);
	t.now += 10 * MS;
	assert_int_equal(decide(), TSCHED_KILL);
}

static void waiting_is_counted_by_length(void **unused)
{
	(void)unused;
	want(&t.a);
	want(&t.b);
	hold_for(&t.a, 10 * MS);
	assert_granted(&t.b);
	assert_int_equal(stats_of(&t.b).wait_ns, 10 * MS);
	/* 10 ms is in 4^6..4^7 us. */
	assert_int_equal(stats_of(&t.b).waits[7], 1);
	assert_int_equal(stats_of(&t.a).waits[0], 1);
}

static void tree_takes_only_what_fits(void **unused)
{
	struct tsched_entity ctx;

	(void)unused;
	assert_int_equal(
		tsched_entity_add(&t.gpu, &ctx, TSCHED_CONTEXT, NULL, t.now),
		-EINVAL);
	want(&t.a);
	assert_int_equal(
		tsched_entity_add(&t.gpu, &ctx, TSCHED_CONTEXT, &t.a, t.now),
		-EBUSY);
	idle(&t.a);
	assert_int_equal(
		tsched_entity_add(&t.gpu, &ctx, TSCHED_CONTEXT, &t.a, t.now),
		0);
	assert_int_equal(tsched_entity_want(&t.a, t.now), -EINVAL);
	assert_int_equal(tsched_entity_remove(&t.a, t.now), -EBUSY);
	want(&ctx);
	assert_granted(&ctx);
	assert_int_equal(tsched_entity_remove(&ctx, t.now), 0);
	assert_int_equal(tsched_entity_remove(&t.a, t.now), 0);
}

static void contexts_gain_a_vgpu_nothing(void **unused)
{
	struct tsched_entity ctx[4];
	unsigned int i;

	(void)unused;
	for (i = 0; i < 4; i++) {
		tsched_entity_add(&t.gpu, &ctx[i], TSCHED_CONTEXT, &t.a, t.now);
		want(&ctx[i]);
	}
	want(&t.b);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(decide(), TSCHED_GRANT);
		t.now += MS;
		release(t.d.entity);
	}
	assert_in_range(stats_of(&t.b).gpu_ns, 499 * MS, 501 * MS);
	assert_in_range(stats_of(&ctx[0]).gpu_ns, 124 * MS, 126 * MS);
}

static void time_never_goes_back(void **unused)
{
	(void)unused;
	want(&t.a);
	assert_granted(&t.a);
	t.now += MS;
	decide();
	t.now -= MS / 2;
	assert_int_equal(stats_of(&t.a).gpu_ns, MS);
}

static void settings_out_of_range_are_refused(void **unused)
{
	(void)unused;
	assert_int_equal(tsched_entity_set_weight(&t.a, 0, t.now), -EINVAL);
	assert_int_equal(tsched_entity_set_cap(&t.a, 0, t.now), -EINVAL);
	assert_int_equal(tsched_entity_set_cap(&t.a, 1001, t.now), -EINVAL);
	assert_int_equal(tsched_entity_set_instances(&t.a, 0, t.now), -EINVAL);
	assert_int_equal(
		tsched_entity_set_latency(&t.a, TSCHED_LATENCIES, t.now),
		-EINVAL);
	assert_int_equal(tsched_entity_set_kill_limit(&t.a, 1, t.now), -EINVAL);
	t.config.slice_ns = 0;
	assert_int_equal(tsched_gpu_set_config(&t.gpu, &t.config, t.now),
			 -EINVAL);
}

#define rule(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rule(nobody_wants_nobody_is_granted),
		rule(who_wants_is_granted_with_slice_and_lease),
		rule(measured_hold_is_charged_not_job_time),
		rule(running_hold_counts_before_it_ends),
		rule(slice_ends_only_when_another_is_next),
		rule(nobody_is_next_where_the_holder_is_served_on),
		rule(slice_is_renewed_while_it_is_behind),
		rule(debt_outlives_sleep),
		rule(sleeping_earns_nothing),
		rule(short_gap_keeps_what_is_owed),
		rule(newcomer_starts_at_present),
		rule(weights_divide_time),
		rule(new_weight_keeps_debt_in_gpu_time),
		rule(latency_class_is_served_earlier),
		rule(latency_class_cuts_the_slice_before_it),
		rule(latency_class_is_no_larger_share),
		rule(cap_ends_the_hold_and_returns_next_period),
		rule(cap_overshoot_is_taken_off_later_periods),
		rule(cap_raised_frees_at_once),
		rule(cap_above_throttles_all_below),
		rule(reservations_are_admitted_while_they_can_be_kept),
		rule(reservation_above_covers_those_below),
		rule(reservation_holds_against_weight),
		rule(a_moments_absence_costs_a_moment),
		rule(credit_lasts_until_it_is_served),
		rule(absence_after_a_leap_costs_a_moment),
		rule(reserved_time_does_not_become_debt),
		rule(slices_stretch_while_the_next_has_used_up_its_own),
		rule(slices_do_not_stretch_before_who_came),
		rule(slices_do_not_stretch_before_who_gave_back),
		rule(slices_stretch_before_who_gave_back_after_one),
		rule(slices_stop_to_stretch_when_the_next_gives_back_often),
		rule(slices_do_not_stretch_where_latency_is_asked_for),
		rule(equal_gives_each_present_its_part),
		rule(fixed_gives_each_its_types_part),
		rule(best_effort_gates_nobody_and_counts),
		rule(depth_fits_known_jobs_into_the_time_in_flight),
		rule(jobs_are_queued_where_nobody_minds),
		rule(none_are_queued_for_a_second_after_somebody_minded),
		rule(who_turns_out_to_be_patient_never_minded),
		rule(who_minded_counts_for_a_second_after_it_has_gone),
		rule(as_many_are_queued_as_last_so_long_together),
		rule(none_are_queued_where_each_counts),
		rule(late_completions_teach_nothing),
		rule(late_completions_teach_no_gaps),
		rule(measured_jobs_are_learnt_and_their_gaps_are_not),
		rule(long_gaps_of_the_past_are_soon_forgotten),
		rule(short_known_gaps_keep_the_slot),
		rule(a_long_gap_now_and_then_keeps_the_slot),
		rule(gaps_that_are_usually_long_do_not),
		rule(unknown_gaps_do_not),
		rule(standing_grant_of_an_idle_holder_costs_nothing),
		rule(lease_not_renewed_is_revoked_then_killed),
		rule(lease_renewed_goes_on),
		rule(overrun_is_reported_once_per_limit_and_charged),
		rule(job_queued_behind_another_runs_from_its_completion),
		rule(waiting_is_counted_by_length),
		rule(tree_takes_only_what_fits),
		rule(contexts_gain_a_vgpu_nothing),
		rule(time_never_goes_back),
		rule(settings_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
