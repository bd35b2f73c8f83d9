// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tranche/json.h"
#include "tools/tranche/settings.h"

static bool is_accepted(int code, const char *text)
{
	_json_ sd_json_variant *parameters = NULL;

	return settings_parse(code, text, &parameters) == 0;
}

static void check_number(int code, const char *text, const char *key,
			 uint64_t wanted)
{
	_json_ sd_json_variant *parameters = NULL;

	assert_int_equal(settings_parse(code, text, &parameters), 0);
	assert_true(json_number(parameters, key) == wanted);
}

static void check_real(int code, const char *text, const char *key,
		       double wanted)
{
	_json_ sd_json_variant *parameters = NULL;

	assert_int_equal(settings_parse(code, text, &parameters), 0);
	assert_true(json_real(parameters, key) == wanted);
}

static void good_settings_become_parameters(void **state)
{
	_json_ sd_json_variant *parameters = NULL;

	(void)state;
	check_number(SETTINGS_WEIGHT, "1", "weight", 1);
	check_number(SETTINGS_WEIGHT, "10000", "weight", 10000);
	check_real(SETTINGS_CAP, "20", "capPercent", 20);
	check_real(SETTINGS_CAP, "20%", "capPercent", 20);
	check_real(SETTINGS_CAP, "12.5", "capPercent", 12.5);
	check_real(SETTINGS_CAP, "100%", "capPercent", 100);
	check_real(SETTINGS_RESERVATION, "0", "reservationPercent", 0);
	check_number(SETTINGS_VRAM, "512M", "vramLimitBytes", 512u << 20);
	check_number(SETTINGS_VRAM, "2G", "vramLimitBytes", UINT64_C(2) << 30);
	check_number(SETTINGS_VRAM, "1M", "vramLimitBytes", 1 << 20);
	check_number(SETTINGS_KILL, "2s", "killMs", 2000);
	check_number(SETTINGS_KILL, "500ms", "killMs", 500);
	assert_int_equal(
		settings_parse(SETTINGS_LATENCY, "lowest", &parameters), 0);
	assert_int_equal(settings_parse(SETTINGS_TENANT, "lab", &parameters),
			 0);
	assert_string_equal(json_text(parameters, "latency", ""), "lowest");
	assert_string_equal(json_text(parameters, "tenant", ""), "lab");
}

static void bad_settings_are_refused(void **state)
{
	static const struct {
		int code;
		const char *text;
	} bad[] = {
		{SETTINGS_WEIGHT, "0"},	      {SETTINGS_WEIGHT, "10001"},
		{SETTINGS_WEIGHT, "-1"},      {SETTINGS_WEIGHT, "1.5"},
		{SETTINGS_WEIGHT, ""},	      {SETTINGS_CAP, "101"},
		{SETTINGS_CAP, "0"},	      {SETTINGS_CAP, "100.1"},
		{SETTINGS_CAP, "-5"},	      {SETTINGS_CAP, "5%%"},
		{SETTINGS_CAP, "5 %"},	      {SETTINGS_CAP, "%"},
		{SETTINGS_CAP, "."},	      {SETTINGS_CAP, "1.2.3"},
		{SETTINGS_CAP, "nan"},	      {SETTINGS_CAP, "1e1"},
		{SETTINGS_RESERVATION, "-1"}, {SETTINGS_RESERVATION, "101"},
		{SETTINGS_VRAM, "0"},	      {SETTINGS_VRAM, "1K"},
		{SETTINGS_VRAM, "lots"},      {SETTINGS_LATENCY, "fast"},
		{SETTINGS_LATENCY, ""},	      {SETTINGS_KILL, "0"},
		{SETTINGS_KILL, "9ms"},	      {SETTINGS_KILL, "2h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(is_accepted(bad[i].code, bad[i].text));
}

static void tenant_length_is_bounded(void **state)
{
	char name[66];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	assert_true(is_accepted(SETTINGS_TENANT, name));
	name[63] = 'a';
	name[64] = '\0';
	assert_false(is_accepted(SETTINGS_TENANT, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_settings_become_parameters),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(tenant_length_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
