// SPDX-License-Identifier: MIT
/*
 * Calibration on a mock GPU whose dispatches take a computed time: no clock is
 * read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calibrate.h"
#include "units/units.h"

struct mock_gpu {
	uint64_t submit_ns;
	/* Of one item and iteration, in picoseconds. */
	uint64_t step_ps;
	/* Largest addition by noise, in percent; every tenth dispatch takes
	 * ten times as long. */
	unsigned int noise_percent;
	unsigned int dispatches;
	uint64_t longest_ns;
	/* The dispatch that fails, from 1; 0: none. */
	unsigned int fail_at;
	int fail_with;
};

static int mock_measure(void *data, const struct load_work *work, uint64_t *nsp)
{
	struct mock_gpu *gpu = data;
	uint64_t ns;

	if (++gpu->dispatches == gpu->fail_at)
		return gpu->fail_with;
	ns = gpu->submit_ns +
	     (uint64_t)work->items * work->iterations * gpu->step_ps / 1000;
	if (gpu->noise_percent) {
		ns += ns *
		      (kernel_scramble(gpu->dispatches) %
		       (gpu->noise_percent + 1)) /
		      100;
		if (gpu->dispatches % 10 == 0)
			ns *= 10;
	} else if (ns > gpu->longest_ns) {
		gpu->longest_ns = ns;
	}
	*nsp = ns;
	return 0;
}

static struct calibrate_plan plan_for(struct mock_gpu *gpu, uint64_t target_ns)
{
	return (struct calibrate_plan){
		.target_ns = target_ns,
		.items = 65536,
		.items_min = 64,
		.items_step = 1,
		.measure = mock_measure,
		.data = gpu,
	};
}

static const uint64_t targets[] = {
	100 * NS_PER_US, NS_PER_MS,	  5 * NS_PER_MS,
	20 * NS_PER_MS,	 100 * NS_PER_MS, NS_PER_S,
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

static void test_reaches_targets(void **state)
{
	/* From a GPU a thousand times faster than lavapipe to one slower. */
	static const uint64_t steps[] = {1, 20, 900, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (size_t j = 0; j < TARGETS; j++) {
			struct mock_gpu gpu = {.submit_ns = 30000,
					       .step_ps = steps[i]};
			struct calibrate_plan plan = plan_for(&gpu, targets[j]);
			struct calibration found;

			assert_int_equal(calibrate(&plan, &found), 0);
			assert_true(found.within);
			assert_in_range(found.cost_ns, targets[j] / 100 * 95,
					targets[j] / 100 * 105);
			assert_in_range(found.tries, 1, CALIBRATE_TRIES);
		}
}

/* A watchdog must not see a dispatch much longer than the wanted one. */
static void test_grows_with_care(void **state)
{
	(void)state;
	for (size_t j = 0; j < TARGETS; j++) {
		struct mock_gpu gpu = {.submit_ns = 5000, .step_ps = 3};
		struct calibrate_plan plan = plan_for(&gpu, targets[j]);
		struct calibration found;

		assert_int_equal(calibrate(&plan, &found), 0);
		assert_true(gpu.longest_ns <= 2 * targets[j]);
	}
}

/* Nor one of many items, on a GPU where even one iteration takes long. */
static void test_starts_with_few_items(void **state)
{
	struct mock_gpu gpu = {.submit_ns = 5000, .step_ps = 50000000};
	struct calibrate_plan plan = plan_for(&gpu, 10 * NS_PER_MS);
	struct calibration found;

	(void)state;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_true(gpu.longest_ns <= 2 * plan.target_ns);
	assert_true(found.work.items < 256);
}

static void test_noise(void **state)
{
	struct mock_gpu gpu = {
		.submit_ns = 50000, .step_ps = 900, .noise_percent = 20};
	struct calibrate_plan plan = plan_for(&gpu, 10 * NS_PER_MS);
	struct calibration found;
	uint64_t quiet_ns;

	(void)state;
	assert_int_equal(calibrate(&plan, &found), 0);
	quiet_ns = gpu.submit_ns + (uint64_t)found.work.items *
					   found.work.iterations * gpu.step_ps /
					   1000;
	assert_in_range(quiet_ns, 8 * NS_PER_MS, 11 * NS_PER_MS);
}

/* One iteration takes most of the target: only fewer items make it fit. */
static void test_coarse_steps(void **state)
{
	struct mock_gpu gpu = {.submit_ns = 1000, .step_ps = 110000};
	struct calibrate_plan plan = plan_for(&gpu, 10 * NS_PER_MS);
	struct calibration found;

	(void)state;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_true(found.within);
	assert_true(found.work.items < 65536);
}

static void test_fixed_items_stay(void **state)
{
	struct mock_gpu gpu = {.submit_ns = 1000, .step_ps = 110000};
	struct calibrate_plan plan = plan_for(&gpu, 10 * NS_PER_MS);
	struct calibration found;

	(void)state;
	plan.items_min = plan.items;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_false(found.within);
	assert_int_equal(found.work.items, 65536);
	assert_int_equal(found.work.iterations, 1);
	assert_int_equal(found.cost_ns, 1000 + 65536 * 110);
}

/* Submitting alone takes longer than wanted. */
static void test_target_out_of_reach(void **state)
{
	struct mock_gpu gpu = {.submit_ns = NS_PER_MS, .step_ps = 900};
	struct calibrate_plan plan = plan_for(&gpu, 100 * NS_PER_US);
	struct calibration found;

	(void)state;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_false(found.within);
	assert_int_equal(found.work.iterations, 1);
	assert_in_range(found.work.items, 64, 127);
}

static void test_items_keep_their_step(void **state)
{
	struct mock_gpu gpu = {.submit_ns = 1000, .step_ps = 900000000};
	struct calibrate_plan plan = plan_for(&gpu, NS_PER_MS);
	struct calibration found;

	(void)state;
	plan.items = 240;
	plan.items_min = 16;
	plan.items_step = 16;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_int_equal(found.work.items % 16, 0);
	assert_true(found.work.items >= 16);
}

static void test_failures_are_forwarded(void **state)
{
	(void)state;
	for (unsigned int n = 1; n < 8; n++) {
		struct mock_gpu gpu = {.submit_ns = 1000,
				       .step_ps = 1,
				       .fail_at = n,
				       .fail_with = -ENODEV};
		struct calibrate_plan plan = plan_for(&gpu, NS_PER_S);
		struct calibration found;

		assert_int_equal(calibrate(&plan, &found), -ENODEV);
		assert_int_equal(gpu.dispatches, n);
	}
}

static void test_cancelling_keeps_the_best(void **state)
{
	struct mock_gpu gpu = {.submit_ns = 1000,
			       .step_ps = 1,
			       .fail_at = 40,
			       .fail_with = -ECANCELED};
	struct calibrate_plan plan = plan_for(&gpu, NS_PER_S);
	struct calibration found;

	(void)state;
	assert_int_equal(calibrate(&plan, &found), 0);
	assert_true(found.cost_ns > 0);
	assert_false(found.within);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reaches_targets),
		cmocka_unit_test(test_grows_with_care),
		cmocka_unit_test(test_starts_with_few_items),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_coarse_steps),
		cmocka_unit_test(test_fixed_items_stay),
		cmocka_unit_test(test_target_out_of_reach),
		cmocka_unit_test(test_items_keep_their_step),
		cmocka_unit_test(test_failures_are_forwarded),
		cmocka_unit_test(test_cancelling_keeps_the_best),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
