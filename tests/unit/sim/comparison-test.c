// SPDX-License-Identifier: MIT
/*
 * What each policy makes of the scenarios: Tranche's keeps its promises, and
 * each baseline shows the fault it is there for. All bounds are in virtual
 * time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "scheduler/sim/report.h"
#include "scheduler/sim/run.h"

enum {
	TRANCHE,
	FIFO,
	RR,
	GVT,
	N_POLICIES,
};

/* Job length of a scenario's hog, in ms, plus what a decision may add. */
#define HOG_MS 25.0
#define SLACK_MS 1.0

struct comparison {
	struct sim_scenario *scenario;
	struct sim_report *report;
};

static struct sim_scenario *scenario_read(const char *name)
{
	struct sim_scenario *scenario = NULL;
	struct sim_error error;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.json", SCENARIO_DIR, name);
	if (sim_scenario_read_file(&scenario, path, &error) < 0)
		fail_msg("%s", error.text);
	return scenario;
}

static struct comparison compare(const char *name)
{
	struct comparison c = {.scenario = scenario_read(name)};

	assert_int_equal(sim_report_new(&c.report, c.scenario, sim_policies,
					N_POLICIES, false),
			 0);
	return c;
}

static void comparison_deinit(struct comparison *c)
{
	sim_report_free(c->report);
	sim_scenario_free(c->scenario);
}

#define COMPARISON __attribute__((cleanup(comparison_deinit))) struct comparison

static struct sim_figures figures(const struct comparison *c, size_t policy,
				  const char *vgpu)
{
	uint32_t i;

	for (i = 0; i < c->scenario->n_vgpus; i++)
		if (strcmp(c->scenario->vgpus[i].name, vgpu) == 0)
			return sim_report_figures(c->report, policy, i);
	fail_msg("no vGPU is named %s", vgpu);
	return (struct sim_figures){0};
}

static void assert_above(double value, double bound)
{
	if (!(value > bound))
		fail_msg("%g is not above %g", value, bound);
}

static void assert_below(double value, double bound)
{
	if (!(value < bound))
		fail_msg("%g is not below %g", value, bound);
}

static void assert_near(double value, double wanted, double tolerance)
{
	assert_above(value, wanted - tolerance);
	assert_below(value, wanted + tolerance);
}

static double window_ratio(const struct comparison *c, size_t policy,
			   uint64_t window_ns)
{
	return sim_account_window_ratio(&c->report->accounts[policy], 0, 1,
					window_ns);
}

/* Every vGPU's hold within a point of its part by weight. */
static void assert_wanted_shares(const struct comparison *c)
{
	struct sim_figures f;
	uint32_t i;

	for (i = 0; i < c->scenario->n_vgpus; i++) {
		f = sim_report_figures(c->report, TRANCHE, i);
		assert_near(f.hold_percent, f.wanted_percent, 1);
	}
}

static double idle_wanted_percent(const struct comparison *c, size_t policy)
{
	return sim_report_percent(c->report,
				  c->report->accounts[policy].idle_wanted_ns);
}

static void short_against_long_is_shared_equally(void **state)
{
	COMPARISON c = compare("short-against-long");

	(void)state;
	assert_above(window_ratio(&c, TRANCHE, 10 * SIM_NSEC_PER_SEC), 0.99);
	assert_above(window_ratio(&c, TRANCHE, SIM_NSEC_PER_SEC), 0.97);
	assert_wanted_shares(&c);
	assert_below(window_ratio(&c, FIFO, 10 * SIM_NSEC_PER_SEC), 0.01);
	assert_below(window_ratio(&c, RR, 10 * SIM_NSEC_PER_SEC), 0.1);
}

/*
 * When lengths vary, a window's edges fall inside jobs: it may hold a job of
 * 60 ms more of one and less of the other than half.
 */
static void varying_lengths_shift_one_job(void **state)
{
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario *s =
		scenario_read("short-against-long");
	struct sim_account a;

	(void)state;
	s->contexts[0].jitter = 20;
	s->contexts[1].jitter = 20;
	for (s->seed = 1; s->seed <= 5; s->seed++) {
		assert_int_equal(sim_run(&a, s, &sim_policy_tranche,
					 SIM_ALL_VGPUS, false),
				 0);
		assert_near(sim_account_hold(&a, 0), 0.5, 0.001);
		assert_above(sim_account_window_ratio(&a, 0, 1,
						      10 * SIM_NSEC_PER_SEC),
			     (5000.0 - 35) / (5000.0 + 35));
		assert_above(
			sim_account_window_ratio(&a, 0, 1, SIM_NSEC_PER_SEC),
			(500.0 - 35) / (500.0 + 35));
		sim_account_deinit(&a);
	}
}

static void gaps_of_synchronous_jobs_cost_no_share(void **state)
{
	COMPARISON c = compare("synchronous-short");

	(void)state;
	assert_above(window_ratio(&c, TRANCHE, 10 * SIM_NSEC_PER_SEC), 0.99);
	assert_above(figures(&c, TRANCHE, "short").busy_percent,
		     2 * figures(&c, RR, "short").busy_percent);
	assert_above(figures(&c, TRANCHE, "short").busy_percent,
		     20 * figures(&c, FIFO, "short").busy_percent);
}

static void weights_100_to_1(void **state)
{
	COMPARISON c = compare("weights-100-1");

	(void)state;
	assert_wanted_shares(&c);
	assert_near(figures(&c, FIFO, "hundred").hold_percent, 50, 1);
	assert_near(figures(&c, RR, "hundred").hold_percent, 50, 1);
}

static void weights_3_to_2_to_1(void **state)
{
	COMPARISON c = compare("weights-3-2-1");

	(void)state;
	assert_wanted_shares(&c);
	assert_below(figures(&c, FIFO, "three").hold_percent, 10);
	assert_below(figures(&c, RR, "three").hold_percent, 20);
	/* The debt of 20 ms jobs is forgiven each second. */
	assert_above(figures(&c, GVT, "one").hold_percent,
		     figures(&c, GVT, "one").wanted_percent + 1);
}

static void debt_of_a_long_job_is_paid(void **state)
{
	COMPARISON c = compare("long-job");

	(void)state;
	assert_wanted_shares(&c);
	assert_above(figures(&c, GVT, "bursty").hold_percent, 60);
	assert_above(figures(&c, FIFO, "bursty").hold_percent, 60);
	assert_above(figures(&c, RR, "bursty").hold_percent, 60);
	/* Half of the 1.5 s job, once; with the debt forgiven it adds up. */
	assert_below(figures(&c, TRANCHE, "steady").lag_ms, 750 + 5);
	assert_above(figures(&c, GVT, "steady").lag_ms, 5000);
}

static void lone_busy_vgpu_has_the_gpu(void **state)
{
	COMPARISON c = compare("lone-busy");

	(void)state;
	assert_above(figures(&c, TRANCHE, "busy").busy_percent, 99.9);
	assert_below(idle_wanted_percent(&c, TRANCHE), 0.01);
	assert_near(figures(&c, GVT, "busy").busy_percent, 25, 1);
	assert_above(idle_wanted_percent(&c, GVT), 70);
	assert_above(idle_wanted_percent(&c, RR), 1);
	/* A job of the busy one, not its queue, is all that idle ones await. */
	assert_below(figures(&c, TRANCHE, "idle-1").wait_p99_ms, 2 + SLACK_MS);
	assert_above(figures(&c, FIFO, "idle-1").wait_p99_ms, 4);
}

static void think_time_is_not_wasted(void **state)
{
	COMPARISON c = compare("heavy-against-light");

	(void)state;
	assert_below(idle_wanted_percent(&c, TRANCHE), 1);
	assert_below(figures(&c, TRANCHE, "heavy").slowdown, 1.1);
	assert_below(figures(&c, TRANCHE, "light").slowdown, 1.1);
	assert_below(figures(&c, TRANCHE, "light").wait_p99_ms,
		     figures(&c, FIFO, "light").wait_p99_ms);
	assert_above(figures(&c, RR, "heavy").slowdown, 1.3);
	assert_above(figures(&c, GVT, "heavy").slowdown, 1.3);
}

static void bursts_beside_long_jobs(void **state)
{
	COMPARISON c = compare("bursty-against-long");

	(void)state;
	/* One 50 ms job per burst, less the 5 ms that it thinks meanwhile. */
	assert_below(figures(&c, TRANCHE, "bursty").wait_p99_ms, 50 + SLACK_MS);
	assert_below(idle_wanted_percent(&c, TRANCHE), 1);
	assert_above(figures(&c, TRANCHE, "bursty").busy_percent,
		     2 * figures(&c, FIFO, "bursty").busy_percent);
	assert_above(figures(&c, TRANCHE, "bursty").busy_percent,
		     2 * figures(&c, RR, "bursty").busy_percent);
	assert_above(idle_wanted_percent(&c, GVT), 10);
}

static void equal_deep_queues(void **state)
{
	COMPARISON deep = compare("two-deep-queues");
	COMPARISON heavy = compare("heavy-against-heavy");

	(void)state;
	assert_above(window_ratio(&deep, TRANCHE, SIM_NSEC_PER_SEC), 0.97);
	assert_above(window_ratio(&heavy, TRANCHE, 10 * SIM_NSEC_PER_SEC),
		     0.98);
	assert_wanted_shares(&deep);
	assert_wanted_shares(&heavy);
	/* Behind one job, not behind the other's queue. */
	assert_below(figures(&deep, TRANCHE, "first").wait_p99_ms,
		     8 + SLACK_MS);
	assert_above(figures(&deep, FIFO, "first").wait_p99_ms, 60);
}

static void tiny_jobs_gain_nothing(void **state)
{
	COMPARISON c = compare("tiny-job-spam");

	(void)state;
	assert_wanted_shares(&c);
	assert_below(figures(&c, TRANCHE, "honest").lag_ms, 10);
	assert_above(figures(&c, FIFO, "honest").lag_ms, 50);
}

static void idling_banks_no_credit(void **state)
{
	COMPARISON c = compare("credit-banking");

	(void)state;
	/* While the banker works both have half: a job of lag at most. */
	assert_below(figures(&c, TRANCHE, "honest").lag_ms, 10);
	assert_near(figures(&c, TRANCHE, "honest").hold_percent, 75, 1);
	assert_above(figures(&c, FIFO, "honest").lag_ms, 500);
	assert_above(idle_wanted_percent(&c, GVT), 20);
}

static void forking_gains_nothing(void **state)
{
	COMPARISON c = compare("context-forking");

	(void)state;
	assert_wanted_shares(&c);
	assert_above(window_ratio(&c, TRANCHE, SIM_NSEC_PER_SEC), 0.97);
	assert_above(figures(&c, FIFO, "forker").hold_percent, 95);
}

/* The GPU is kept for it within the budget, 20 %, and it pays for that. */
static void holding_gaps_gains_nothing(void **state)
{
	COMPARISON c = compare("gap-holding");

	(void)state;
	assert_below(idle_wanted_percent(&c, TRANCHE), 20.5);
	assert_above(figures(&c, TRANCHE, "honest").busy_percent, 79);
	assert_below(figures(&c, TRANCHE, "honest").lag_ms, 10);
	assert_above(idle_wanted_percent(&c, RR), 40);
	assert_above(idle_wanted_percent(&c, GVT), 40);
}

/* Most that a vGPU held of any period, periods counted from time 0. */
static uint64_t period_hold_max(const struct sim_account *account,
				uint32_t vgpu, uint64_t period_ns)
{
	uint64_t period = 0, used_ns = 0, max_ns = 0, from_ns, to_ns;
	const struct sim_span *span;
	size_t i;

	for (i = 0; i < account->holds.n; i++) {
		span = &account->holds.items[i];
		if (span->vgpu != vgpu)
			continue;
		for (from_ns = span->start_ns; from_ns < span->end_ns;
		     from_ns = to_ns) {
			if (from_ns / period_ns != period)
				used_ns = 0;
			period = from_ns / period_ns;
			to_ns = (period + 1) * period_ns;
			if (to_ns > span->end_ns)
				to_ns = span->end_ns;
			used_ns += to_ns - from_ns;
			if (used_ns > max_ns)
				max_ns = used_ns;
		}
	}
	return max_ns;
}

static void caps_hold(void **state)
{
	COMPARISON c = compare("caps");
	const struct sim_account *a = &c.report->accounts[TRANCHE];
	const uint64_t period_ns = 100 * SIM_NSEC_PER_MSEC;
	const uint64_t job_ns = 2 * SIM_NSEC_PER_MSEC;

	(void)state;
	assert_wanted_shares(&c);
	assert_true(period_hold_max(a, 0, period_ns) <=
		    period_ns / 100 * 20 + job_ns);
	assert_true(period_hold_max(a, 1, period_ns) <=
		    period_ns / 100 * 30 + job_ns);
	assert_below(idle_wanted_percent(&c, TRANCHE), 0.01);
	assert_above(figures(&c, GVT, "cap-20").hold_percent, 30);
}

static void reservation_is_met(void **state)
{
	COMPARISON c = compare("reservation");

	(void)state;
	assert_above(figures(&c, TRANCHE, "reserved-40").hold_percent, 39.9);
	assert_wanted_shares(&c);
	assert_below(figures(&c, GVT, "reserved-40").hold_percent, 10);
}

static void light_tenant_waits_for_one_job(void **state)
{
	COMPARISON c = compare("light-beside-hog");

	(void)state;
	assert_below(figures(&c, TRANCHE, "light").wait_p99_ms,
		     HOG_MS + SLACK_MS);
	assert_above(figures(&c, FIFO, "light").wait_p99_ms, 4 * HOG_MS);
	assert_below(idle_wanted_percent(&c, TRANCHE), 10);
	assert_above(idle_wanted_percent(&c, GVT), 40);
}

/* The longest wait of all, whatever the seed and the latency class. */
static void light_tenant_never_waits_longer(void **state)
{
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario *s =
		scenario_read("light-beside-hog");
	struct sim_account a;

	(void)state;
	s->vgpus[0].latency = SIM_LATENCY_NORMAL;
	s->contexts[1].jitter = 20;
	for (s->seed = 1; s->seed <= 5; s->seed++) {
		assert_int_equal(sim_run(&a, s, &sim_policy_tranche,
					 SIM_ALL_VGPUS, false),
				 0);
		assert_below((double)sim_account_wait(&a, 0, 100) /
				     (double)SIM_NSEC_PER_MSEC,
			     1.2 * HOG_MS + SLACK_MS);
		sim_account_deinit(&a);
	}
}

static void runaway_job_is_killed(void **state)
{
	COMPARISON c = compare("runaway-job");

	(void)state;
	assert_int_equal(figures(&c, TRANCHE, "runaway").overruns, 4);
	/* 2 s of every 10 are lost, not one more. */
	assert_near(figures(&c, TRANCHE, "steady").busy_percent, 80, 1);
	assert_below(figures(&c, FIFO, "steady").busy_percent, 5);
	assert_below(figures(&c, RR, "steady").busy_percent, 5);
	assert_below(figures(&c, GVT, "steady").busy_percent, 5);
}

static void inexact_reports_change_no_share(void **state)
{
	COMPARISON c = compare("two-engines");

	(void)state;
	assert_wanted_shares(&c);
}

/* Hold of each vGPU of two, 5 ms jobs, by the way the GPU is divided. */
static void divide(enum sim_mode mode, const struct sim_policy_ops *ops,
		   double *hold)
{
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario *s =
		scenario_read("weights-100-1");
	struct sim_account a;

	s->tuning.mode = mode;
	s->vgpus[0].instances = 4;
	s->vgpus[1].instances = 4;
	assert_int_equal(sim_run(&a, s, ops, SIM_ALL_VGPUS, false), 0);
	hold[0] = sim_account_hold(&a, 0);
	hold[1] = sim_account_hold(&a, 1);
	sim_account_deinit(&a);
}

static void modes_divide_as_named(void **state)
{
	double hold[2], ungated[2];

	(void)state;
	divide(SIM_MODE_EQUAL, &sim_policy_tranche, hold);
	assert_near(hold[0], 0.5, 0.01);
	assert_near(hold[1], 0.5, 0.01);
	divide(SIM_MODE_FIXED, &sim_policy_tranche, hold);
	assert_near(hold[0], 0.25, 0.01);
	assert_near(hold[1], 0.25, 0.01);
	divide(SIM_MODE_BEST_EFFORT, &sim_policy_tranche, hold);
	divide(SIM_MODE_BEST_EFFORT, &sim_policy_fifo, ungated);
	assert_near(hold[0], ungated[0], 1e-9);
	assert_near(hold[1], ungated[1], 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_against_long_is_shared_equally),
		cmocka_unit_test(varying_lengths_shift_one_job),
		cmocka_unit_test(gaps_of_synchronous_jobs_cost_no_share),
		cmocka_unit_test(weights_100_to_1),
		cmocka_unit_test(weights_3_to_2_to_1),
		cmocka_unit_test(debt_of_a_long_job_is_paid),
		cmocka_unit_test(lone_busy_vgpu_has_the_gpu),
		cmocka_unit_test(think_time_is_not_wasted),
		cmocka_unit_test(bursts_beside_long_jobs),
		cmocka_unit_test(equal_deep_queues),
		cmocka_unit_test(tiny_jobs_gain_nothing),
		cmocka_unit_test(idling_banks_no_credit),
		cmocka_unit_test(forking_gains_nothing),
		cmocka_unit_test(holding_gaps_gains_nothing),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(reservation_is_met),
		cmocka_unit_test(light_tenant_waits_for_one_job),
		cmocka_unit_test(light_tenant_never_waits_longer),
		cmocka_unit_test(runaway_job_is_killed),
		cmocka_unit_test(inexact_reports_change_no_share),
		cmocka_unit_test(modes_divide_as_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
