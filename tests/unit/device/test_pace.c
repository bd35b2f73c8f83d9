// SPDX-License-Identifier: MIT
#include "mdev/device/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void cheap_looks_keep_the_kernels_slack(void **unused)
{
	(void)unused;
	assert_int_equal(pace_slack_ns(0), PACE_SLACK_MIN_NS);
	assert_int_equal(pace_slack_ns(3000), PACE_SLACK_MIN_NS);
}

static void dear_looks_become_rarer(void **unused)
{
	(void)unused;
	assert_int_equal(pace_slack_ns(50000), 200000);
}

static void no_look_is_put_off_for_long(void **unused)
{
	(void)unused;
	assert_int_equal(pace_slack_ns(1000000), PACE_SLACK_MAX_NS);
	assert_int_equal(pace_slack_ns(UINT64_MAX), PACE_SLACK_MAX_NS);
}

static void a_look_costs_processor_time(void **unused)
{
	(void)unused;
	assert_in_range(pace_look_ns(), 100, 10000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cheap_looks_keep_the_kernels_slack),
		cmocka_unit_test(dear_looks_become_rarer),
		cmocka_unit_test(no_look_is_put_off_for_long),
		cmocka_unit_test(a_look_costs_processor_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
