// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mdev/broker/settings.h"

static const struct setting_limits limits = {.weight = 200, .vram = 2ull << 30};

static void test_good(void **state)
{
	struct arbiter_settings s = {.weight = 1};

	(void)state;
	assert_int_equal(setting_parse(SETTING_WEIGHT, "10000", &limits, &s),
			 0);
	assert_int_equal(s.weight, 10000);
	assert_int_equal(setting_parse(SETTING_WEIGHT, "type", &limits, &s), 0);
	assert_int_equal(s.weight, 200);
	assert_int_equal(setting_parse(SETTING_CAP, "12.5%", &limits, &s), 0);
	assert_int_equal(s.cap, 125);
	assert_int_equal(setting_parse(SETTING_CAP, "100", &limits, &s), 0);
	assert_int_equal(s.cap, 1000);
	assert_int_equal(setting_parse(SETTING_RESERVATION, "0", &limits, &s),
			 0);
	assert_int_equal(s.reservation, 0);
	assert_int_equal(setting_parse(SETTING_VRAM_LIMIT, "512M", &limits, &s),
			 0);
	assert_int_equal(s.vram_limit, 512 << 20);
	assert_int_equal(setting_parse(SETTING_VRAM_LIMIT, "type", &limits, &s),
			 0);
	assert_int_equal(s.vram_limit, limits.vram);
	assert_int_equal(setting_parse(SETTING_LATENCY, "lowest", &limits, &s),
			 0);
	assert_int_equal(s.latency, TSCHED_LATENCY_LOWEST);
	assert_int_equal(setting_parse(SETTING_TENANT, "a b", &limits, &s), 0);
	assert_string_equal(s.tenant, "a b");
	assert_int_equal(setting_parse(SETTING_TENANT, "", &limits, &s), 0);
	assert_string_equal(s.tenant, "");
}

static void test_bad(void **state)
{
	static const struct {
		enum setting setting;
		const char *text;
	} cases[] = {
		{SETTING_WEIGHT, "0"},
		{SETTING_WEIGHT, "10001"},
		{SETTING_WEIGHT, "-1"},
		{SETTING_WEIGHT, ""},
		{SETTING_WEIGHT, " 1"},
		{SETTING_WEIGHT, "1 "},
		{SETTING_WEIGHT, "1.5"},
		{SETTING_CAP, "0"},
		{SETTING_CAP, "100.1"},
		{SETTING_CAP, "101"},
		{SETTING_CAP, "%"},
		{SETTING_CAP, "20%%"},
		{SETTING_CAP, "nan"},
		{SETTING_CAP, "1e400"},
		{SETTING_RESERVATION, "-1"},
		{SETTING_RESERVATION, ""},
		{SETTING_RESERVATION, "100.1"},
		{SETTING_VRAM_LIMIT, "1023K"},
		{SETTING_VRAM_LIMIT, "3G"},
		{SETTING_VRAM_LIMIT, "1X"},
		{SETTING_VRAM_LIMIT, ""},
		{SETTING_LATENCY, "LOW"},
		{SETTING_LATENCY, ""},
		{SETTING_TENANT, "a\nb"},
		{SETTING_TENANT, "a\377b"},
		{SETTING_TENANT,
		 "0123456789012345678901234567890123456789012345678901234567890123"},
	};
	struct arbiter_settings s = {.weight = 7, .cap = 8, .tenant = "t"};
	const struct arbiter_settings before = s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (setting_parse(cases[i].setting, cases[i].text, &limits,
				  &s) != -EINVAL)
			fail_msg("'%s' passes", cases[i].text);
		assert_memory_equal(&s, &before, sizeof(s));
	}
}

/* What is written is read back as the same. */
static void test_format(void **state)
{
	struct arbiter_settings s = {
		.weight = 123,
		.cap = 999,
		.reservation = 10,
		.latency = TSCHED_LATENCY_LOW,
		.vram_limit = 123456789,
		.tenant = "x",
	};
	struct arbiter_settings back = {0};
	char text[TRANCHE_VALUE_SIZE];

	(void)state;
	for (int i = 0; i < SETTINGS; i++) {
		assert_true(setting_changed(i, &s, &back));
		setting_format(i, &s, text);
		assert_int_equal(setting_parse(i, text, &limits, &back), 0);
		assert_false(setting_changed(i, &s, &back));
	}
	setting_format(SETTING_CAP, &s, text);
	assert_string_equal(text, "99.9");
	setting_format(SETTING_RESERVATION, &s, text);
	assert_string_equal(text, "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
