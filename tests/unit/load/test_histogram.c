// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "histogram.h"

static struct histogram h, other;

static int set_up(void **state)
{
	(void)state;
	histogram_init(&h);
	histogram_init(&other);
	return 0;
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(histogram_percentile(&h, 500), 0);
	assert_int_equal(histogram_percentile(&h, 1000), 0);
	assert_int_equal(histogram_mean(&h), 0);
}

static void test_one_value_is_every_percentile(void **state)
{
	(void)state;
	histogram_add(&h, 123456789);
	for (unsigned int permille = 0; permille <= 1000; permille++)
		assert_int_equal(histogram_percentile(&h, permille), 123456789);
	assert_int_equal(histogram_mean(&h), 123456789);
}

static void test_small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 200; i++)
		histogram_add(&h, i);
	assert_int_equal(histogram_percentile(&h, 0), 1);
	assert_int_equal(histogram_percentile(&h, 500), 100);
	assert_int_equal(histogram_percentile(&h, 950), 190);
	assert_int_equal(histogram_percentile(&h, 990), 198);
	assert_int_equal(histogram_percentile(&h, 1000), 200);
	assert_int_equal(histogram_mean(&h), 100);
}

/* Two far values beside it, so that the value is not the smallest or largest,
 * which are exact anyway. */
static void check_error(uint64_t value)
{
	uint64_t found, error;

	histogram_init(&h);
	histogram_add(&h, 0);
	histogram_add(&h, value);
	histogram_add(&h, UINT64_MAX);
	found = histogram_percentile(&h, 500);
	error = found > value ? found - value : value - found;
	assert_true(error <= value / 256);
}

static void test_error_bound(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		check_error(UINT64_C(1) << bit);
		check_error((UINT64_C(1) << bit) - 1);
		check_error((UINT64_C(1) << bit) + 1);
	}
	for (int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		check_error(x >> (i % 64));
	}
}

static void test_extremes_fit(void **state)
{
	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(histogram_percentile(&h, 500), 0);
	assert_true(histogram_percentile(&h, 999) == UINT64_MAX ||
		    histogram_percentile(&h, 999) > UINT64_MAX / 256 * 255);
	assert_true(histogram_percentile(&h, 1000) == UINT64_MAX);
}

static void test_merge_equals_adding(void **state)
{
	static struct histogram both;

	(void)state;
	histogram_init(&both);
	for (uint64_t i = 0; i < 5000; i++) {
		histogram_add(i % 3 ? &h : &other, i * i * 17);
		histogram_add(&both, i * i * 17);
	}
	histogram_merge(&h, &other);
	assert_memory_equal(h.bucket, both.bucket, sizeof(h.bucket));
	assert_int_equal(h.count, both.count);
	assert_int_equal(h.min, both.min);
	assert_int_equal(h.max, both.max);
	for (unsigned int permille = 0; permille <= 1000; permille += 10)
		assert_int_equal(histogram_percentile(&h, permille),
				 histogram_percentile(&both, permille));
}

static void test_merge_of_empty_changes_nothing(void **state)
{
	(void)state;
	histogram_add(&h, 7);
	histogram_merge(&h, &other);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.min, 7);
	assert_int_equal(h.max, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, set_up),
		cmocka_unit_test_setup(test_one_value_is_every_percentile,
				       set_up),
		cmocka_unit_test_setup(test_small_values_are_exact, set_up),
		cmocka_unit_test_setup(test_error_bound, set_up),
		cmocka_unit_test_setup(test_extremes_fit, set_up),
		cmocka_unit_test_setup(test_merge_equals_adding, set_up),
		cmocka_unit_test_setup(test_merge_of_empty_changes_nothing,
				       set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
