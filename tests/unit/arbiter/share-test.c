// SPDX-License-Identifier: MIT
/* What a policy entitles to, with figures that can be checked by hand. */
#include "scheduler/arbiter/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define WHOLE SHARE_UNIT

static void weights_divide(void **unused)
{
	struct share_item items[] = {
		{.weight = 3, .limit = WHOLE},
		{.weight = 1, .limit = WHOLE},
	};

	(void)unused;
	share_divide(items, 2, WHOLE);
	assert_int_equal(items[0].share, 750000);
	assert_int_equal(items[1].share, 250000);
}

/* The first uses a tenth; the others have the rest by weight. */
static void what_is_left_over_goes_to_the_others(void **unused)
{
	struct share_item items[] = {
		{.weight = 4, .limit = WHOLE / 10},
		{.weight = 2, .limit = WHOLE},
		{.weight = 1, .limit = WHOLE},
	};

	(void)unused;
	share_divide(items, 3, WHOLE);
	assert_int_equal(items[0].share, 100000);
	assert_int_equal(items[1].share, 600000);
	assert_int_equal(items[2].share, 300000);
}

static void reservations_come_first(void **unused)
{
	struct share_item items[] = {
		{.weight = 1, .limit = WHOLE, .reserved = 300000},
		{.weight = 10, .limit = WHOLE},
		{.weight = 10, .limit = 200000},
	};

	(void)unused;
	share_divide(items, 3, WHOLE);
	assert_int_equal(items[0].share, 300000);
	assert_int_equal(items[1].share, 500000);
	assert_int_equal(items[2].share, 200000);
}

static void nobody_has_more_than_the_limit(void **unused)
{
	struct share_item items[] = {
		{.weight = 1, .limit = 100000, .reserved = 500000},
		{.weight = 1, .limit = 0},
	};

	(void)unused;
	share_divide(items, 2, WHOLE);
	assert_int_equal(items[0].share, 100000);
	assert_int_equal(items[1].share, 0);
	share_divide(items, 0, WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_divide),
		cmocka_unit_test(what_is_left_over_goes_to_the_others),
		cmocka_unit_test(reservations_come_first),
		cmocka_unit_test(nobody_has_more_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
