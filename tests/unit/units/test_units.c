// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "units/units.h"

static void test_counts(void **state)
{
	uint64_t value = 77;

	(void)state;
	assert_int_equal(units_parse_count("0", 0, 10, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(units_parse_count("0x1f", 0, 100, &value), 0);
	assert_int_equal(value, 31);
	assert_int_equal(units_parse_count("10", 0, 10, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(units_parse_count("11", 0, 10, &value), -ERANGE);
	assert_int_equal(units_parse_count("0", 1, 10, &value), -ERANGE);
	assert_int_equal(units_parse_count("18446744073709551616", 0,
					   UINT64_MAX, &value),
			 -ERANGE);
	assert_int_equal(value, 10);
}

static void test_bad_counts(void **state)
{
	static const char *const bad[] = {"",	" 1", "-1",  "+1", "1 ",
					  "1x", "0x", "ten", "1.5"};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			units_parse_count(bad[i], 0, UINT64_MAX, &value),
			-EINVAL);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"1B", 1},
		{"1k", 1024},
		{"1KB", 1024},
		{"1KiB", 1024},
		{"64M", UINT64_C(64) << 20},
		{"2G", UINT64_C(2) << 30},
		{"2GiB", UINT64_C(2) << 30},
		{"3T", UINT64_C(3) << 40},
		{"8388608T", UINT64_C(1) << 63},
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_parse_size(good[i].text, &bytes), 0);
		assert_true(bytes == good[i].bytes);
	}
}

static void test_bad_sizes(void **state)
{
	static const char *const bad[] = {"",	 "M",	"1.5G", "-1M", "1Q",
					  "1Mi", "1iB", "1M ",	"1MBB"};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_parse_size(bad[i], &bytes), -EINVAL);
	assert_int_equal(units_parse_size("8388609T", &bytes), -ERANGE);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{"0", 0},
		{"10", 10 * NS_PER_S},
		{"0.5", NS_PER_S / 2},
		{"20ms", 20 * NS_PER_MS},
		{"1.5s", 3 * NS_PER_S / 2},
		{"2m", 120 * NS_PER_S},
		{"1h", 3600 * NS_PER_S},
		{"2d", 172800 * NS_PER_S},
		{"0.000000001", 1},
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_parse_duration(good[i].text, &ns), 0);
		assert_true(ns == good[i].ns);
	}
}

static void test_bad_durations(void **state)
{
	static const char *const bad[] = {"",	 ".5",	"-1",  "1.2.3", "inf",
					  "nan", "0x1", "1e3", "1 s",	"1w"};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_parse_duration(bad[i], &ns), -EINVAL);
	assert_int_equal(units_parse_duration("5000d", &ns), -ERANGE);
	assert_int_equal(units_parse_ms("1s", &ns), -EINVAL);
	assert_int_equal(units_parse_ms("0.25", &ns), 0);
	assert_int_equal(ns, 250000);
}

static void test_formats(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_format_size(text, 1023), "1023 B");
	assert_string_equal(units_format_size(text, 1024), "1 KiB");
	assert_string_equal(units_format_size(text, 1536), "1.5 KiB");
	assert_string_equal(units_format_size(text, UINT64_C(3) << 30),
			    "3 GiB");
	assert_string_equal(units_format_size(text, UINT64_MAX),
			    "16777216 TiB");
	assert_string_equal(units_format_ns(text, 999), "999 ns");
	assert_string_equal(units_format_ns(text, 12300), "12.3 us");
	assert_string_equal(units_format_ns(text, 12345678), "12.35 ms");
	assert_string_equal(units_format_ns(text, 2500 * NS_PER_MS), "2.50 s");
	assert_string_equal(units_format_rate(text, 0), "0 ");
	assert_string_equal(units_format_rate(text, 3.42e9), "3.42 G");
	assert_string_equal(units_format_rate(text, 5e15), "5e+03 T");
}

static void test_products_saturate(void **state)
{
	(void)state;
	assert_int_equal(units_multiply(6, 7), 42);
	assert_true(units_multiply(UINT64_MAX, 1) == UINT64_MAX);
	assert_true(units_multiply(UINT64_C(1) << 32, UINT64_C(1) << 32) ==
		    UINT64_MAX);
	assert_int_equal(units_multiply(UINT64_MAX, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_bad_counts),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_products_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
