// SPDX-License-Identifier: MIT
/* The simulator's own mechanics, against figures worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "scheduler/sim/run.h"
#include "scheduler/sim/share.h"

#define US SIM_NSEC_PER_USEC
#define MS SIM_NSEC_PER_MSEC

static struct sim_scenario *scenario_from(const char *text)
{
	struct sim_scenario *s = NULL;
	struct sim_error error;

	if (sim_scenario_read_text(&s, text, "test", &error) < 0)
		fail_msg("%s", error.text);
	return s;
}

#define SCENARIO \
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario

static void bursts_follow_completions(void **state)
{
	/* 2 × 1 ms, then 3 ms: two jobs each 5 ms, busy for 2 of 5. */
	SCENARIO *s = scenario_from(
		"{ \"title\": \"t\", \"duration_ms\": 50, \"vgpus\": [ { "
		"\"name\": \"a\", \"contexts\": [ { \"jobs\": 2, \"job_us\": "
		"1000, \"wait_us\": 3000 } ] } ] }");
	struct sim_account a;

	(void)state;
	assert_int_equal(sim_run(&a, s, &sim_policy_fifo, SIM_ALL_VGPUS, true),
			 0);
	assert_int_equal(a.vgpus[0].n_jobs, 20);
	assert_int_equal(a.vgpus[0].busy_ns, 20 * MS);
	assert_int_equal(a.idle_ns, 30 * MS);
	assert_int_equal(a.idle_wanted_ns, 0);
	assert_int_equal(a.jobs.n, 20);
	assert_int_equal(a.jobs.items[2].start_ns, 5 * MS);
	assert_int_equal(sim_account_wait(&a, 0, 100), 0);
	sim_account_deinit(&a);
}

static void fifo_is_in_order_and_switching_costs(void **state)
{
	/* a runs 0..2, b 2..5 and each switch takes 0.5 ms: period 6 ms. */
	SCENARIO *s = scenario_from(
		"{ \"title\": \"t\", \"duration_ms\": 60, \"gpu\": { "
		"\"switch_us\": 500 }, \"vgpus\": [ { \"name\": \"a\", "
		"\"contexts\": [ { \"job_us\": 2000 } ] }, { \"name\": \"b\", "
		"\"contexts\": [ { \"job_us\": 3000 } ] } ] }");
	struct sim_account a;

	(void)state;
	assert_int_equal(sim_run(&a, s, &sim_policy_fifo, SIM_ALL_VGPUS, false),
			 0);
	assert_int_equal(a.vgpus[0].busy_ns, 25 * MS);
	assert_int_equal(a.vgpus[1].busy_ns, 35 * MS);
	assert_int_equal(sim_account_wait(&a, 0, 100), 3500 * US);
	assert_int_equal(sim_account_wait(&a, 1, 100), 2500 * US);
	sim_account_deinit(&a);
}

static void engines_run_side_by_side(void **state)
{
	SCENARIO *s = scenario_from(
		"{ \"title\": \"t\", \"duration_ms\": 10, \"gpu\": { "
		"\"engines\": 3 }, \"vgpus\": [ { \"name\": \"a\", "
		"\"contexts\": [ { \"job_us\": 1000 }, { \"job_us\": 1000, "
		"\"engine\": \"copy\" } ] } ] }");
	struct sim_account a;

	(void)state;
	assert_int_equal(sim_run(&a, s, &sim_policy_fifo, SIM_ALL_VGPUS, true),
			 0);
	/* What ends with the run itself is not counted. */
	assert_int_equal(a.jobs.n, 18);
	assert_int_equal(a.vgpus[0].busy_ns, 10 * MS);
	sim_account_deinit(&a);
}

static const char mixed[] =
	"{ \"title\": \"t\", \"duration_ms\": 500, \"seed\": 5, \"gpu\": { "
	"\"report_error_percent\": 30 }, \"vgpus\": [ { \"name\": \"a\", "
	"\"contexts\": [ { \"count\": 3, \"job_us\": 700, \"wait_us\": 900, "
	"\"jitter_percent\": 80 } ] }, { \"name\": \"b\", \"contexts\": [ { "
	"\"job_us\": 2500, \"jitter_percent\": 50 } ] } ] }";

static void assert_spans_equal(const struct sim_spans *a,
			       const struct sim_spans *b)
{
	size_t i;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		assert_int_equal(a->items[i].start_ns, b->items[i].start_ns);
		assert_int_equal(a->items[i].end_ns, b->items[i].end_ns);
		assert_int_equal(a->items[i].vgpu, b->items[i].vgpu);
		assert_int_equal(a->items[i].context, b->items[i].context);
	}
}

static void runs_repeat_exactly(void **state)
{
	SCENARIO *s = scenario_from(mixed);
	struct sim_account a, b;
	size_t i;

	(void)state;
	for (i = 0; sim_policies[i]; i++) {
		sim_run(&a, s, sim_policies[i], SIM_ALL_VGPUS, true);
		sim_run(&b, s, sim_policies[i], SIM_ALL_VGPUS, true);
		assert_spans_equal(&a.jobs, &b.jobs);
		assert_spans_equal(&a.holds, &b.holds);
		sim_account_deinit(&a);
		sim_account_deinit(&b);
	}
}

static void holds_cover_all_that_runs(void **state)
{
	SCENARIO *s = scenario_from(mixed);
	struct sim_account a;
	uint64_t holds_ns, total_ns, k;
	size_t i;

	(void)state;
	for (i = 0; sim_policies[i]; i++) {
		sim_run(&a, s, sim_policies[i], SIM_ALL_VGPUS, true);
		total_ns = a.vgpus[0].hold_ns + a.vgpus[1].hold_ns;
		for (holds_ns = 0, k = 0; k < a.holds.n; k++)
			holds_ns += a.holds.items[k].end_ns -
				    a.holds.items[k].start_ns;
		assert_int_equal(holds_ns, total_ns);
		assert_true(a.vgpus[0].hold_ns >= a.vgpus[0].busy_ns);
		assert_true(a.vgpus[1].hold_ns >= a.vgpus[1].busy_ns);
		assert_true(total_ns <= s->duration_ns);
		sim_account_deinit(&a);
	}
}

static void assert_share(double share, double wanted)
{
	if (share < wanted - 1e-6 || share > wanted + 1e-6)
		fail_msg("%g is not %g", share, wanted);
}

static void ideal_shares_follow_the_tree(void **state)
{
	/* x and y have half each; in x 3:1; what c leaves goes to d first. */
	SCENARIO *s = scenario_from(
		"{ \"title\": \"t\", \"tenants\": [ { \"name\": \"x\" }, { "
		"\"name\": \"y\" } ], \"vgpus\": [ "
		"{ \"name\": \"a\", \"tenant\": \"x\", \"weight\": 300, "
		"\"contexts\": [ { \"job_us\": 1 } ] }, "
		"{ \"name\": \"b\", \"tenant\": \"x\", \"contexts\": [ { "
		"\"job_us\": 1 } ] }, "
		"{ \"name\": \"c\", \"tenant\": \"y\", \"cap\": 10, "
		"\"contexts\": [ { \"job_us\": 1 } ] }, "
		"{ \"name\": \"d\", \"tenant\": \"y\", \"contexts\": [ { "
		"\"job_us\": 1 } ] } ] }");
	double demand[] = {1, 1, 1, 0.2}, share[4];

	(void)state;
	sim_share_ideal(s, 0xf, NULL, share);
	assert_share(share[0], 0.375);
	assert_share(share[1], 0.125);
	assert_share(share[2], 0.1);
	assert_share(share[3], 0.4);
	sim_share_ideal(s, 0xf, demand, share);
	assert_share(share[0], 0.525);
	assert_share(share[3], 0.2);
	sim_share_ideal(s, 0x5, NULL, share);
	assert_share(share[0], 0.9);
	assert_share(share[1], 0);
	assert_share(share[2], 0.1);
}

static void windows_find_the_worst(void **state)
{
	struct sim_span spans[] = {
		{.start_ns = 0, .end_ns = 10, .vgpu = 0},
		{.start_ns = 10, .end_ns = 20, .vgpu = 1},
		{.start_ns = 20, .end_ns = 26, .vgpu = 0},
		{.start_ns = 26, .end_ns = 40, .vgpu = 1},
	};
	struct sim_scenario s = {.duration_ns = 40};
	struct sim_account a = {
		.scenario = &s,
		.holds = {.items = spans, .n = 4},
	};

	(void)state;
	assert_share(sim_account_window_ratio(&a, 0, 1, 40), 16.0 / 24);
	/* 20..40 has 6 against 14, 10..30 has 6 against 14 as well. */
	assert_share(sim_account_window_ratio(&a, 0, 1, 20), 6.0 / 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts_follow_completions),
		cmocka_unit_test(fifo_is_in_order_and_switching_costs),
		cmocka_unit_test(engines_run_side_by_side),
		cmocka_unit_test(runs_repeat_exactly),
		cmocka_unit_test(holds_cover_all_that_runs),
		cmocka_unit_test(ideal_shares_follow_the_tree),
		cmocka_unit_test(windows_find_the_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
