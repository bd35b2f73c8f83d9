// SPDX-License-Identifier: MIT
/* Reading scenarios: what is accepted, and what is said of what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "scheduler/sim/scenario.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A scenario with one vGPU whose object holds @keys. */
#define VGPU(keys)                                                  \
	"{ \"title\": \"t\", \"vgpus\": [ { \"name\": \"a\", " keys \
	" \"contexts\": [ { \"job_us\": 1 } ] } ] }"
#define CONTEXT(keys)                                          \
	"{ \"title\": \"t\", \"vgpus\": [ { \"name\": \"a\", " \
	"\"contexts\": [ { " keys " } ] } ] }"

static const struct {
	const char *text;
	const char *message;
} invalid[] = {
	{"", "t.json: this is not valid JSON: give"},
	{"{", "this is not valid JSON: "},
	{"{ \"title\": }", "t.json:1:13: this is not valid JSON: correct"},
	{"[]", "t.json:1:1: this is not an object"},
	{"{ \"title\": \"t\" }", "key \"vgpus\" is missing: add it"},
	{"{ \"title\": 1, \"vgpus\": [] }", "title must be text in quotes"},
	{"{ \"title\": \"\", \"vgpus\": [] }", "title has 0 bytes: give 1 to"},
	{"{ \"title\": \"t\", \"vgpus\": {} }", "vgpus must be a list"},
	{"{ \"title\": \"t\", \"vgpus\": [] }", "vgpus has 0 entries: give 1"},
	{VGPU("\"wieght\": 1,"), "unknown key \"wieght\": use one of name,"},
	{VGPU("\"name\": \"b\","), "key \"name\" appears twice: keep one"},
	{VGPU("\"weight\": 0,"), "weight 0 is out of range: give a whole "
				 "number from 1 to 10000"},
	{VGPU("\"weight\": 1.5,"), "weight 1.5 is out of range"},
	{VGPU("\"weight\": \"1\","), "weight is not a number"},
	{VGPU("\"cap\": 101,"), "cap 101 is out of range: give a whole number "
				"from 1 to 100"},
	{VGPU("\"cap\": 10, \"reservation\": 20,"),
	 "reservation 20 of \"a\" is above its cap 10: lower it"},
	{VGPU("\"tenant\": \"x\","), "no tenant is named \"x\": list it in"},
	{VGPU("\"latency\": \"x\","), "latency \"x\" is not known: use one of "
				      "\"normal\", \"low\", \"lowest\""},
	{CONTEXT("\"jobs\": 1"), "key \"job_us\" is missing: add it"},
	{CONTEXT("\"job_us\": 0"), "job_us 0 is out of range"},
	{CONTEXT("\"job_us\": -1"), "job_us -1 is out of range"},
	{CONTEXT("\"job_us\": 1e300"), "job_us 1e+300 is out of range"},
	{CONTEXT("\"job_us\": 1, \"engine\": \"copy\""),
	 "the GPU has no copy engine: set \"engines\" of \"gpu\" to 3"},
	{CONTEXT("\"job_us\": 1, \"jobs\": 4096, \"depth\": 64, "
		 "\"count\": 4096"),
	 "jobs outstanding: lower jobs, depth or count"},
	{"{ \"title\": \"t\", \"duration_ms\": 1, \"warmup_ms\": 1, "
	 "\"vgpus\": [ { \"name\": \"a\", \"contexts\": [ { \"job_us\": 1 } "
	 "] } ] }",
	 "warmup_ms is not before the end: make duration_ms larger"},
};

static void invalid_scenarios_are_explained(void **state)
{
	struct sim_scenario *s = NULL;
	struct sim_error error;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(invalid); i++) {
		assert_int_equal(sim_scenario_read_text(&s, invalid[i].text,
							"t.json", &error),
				 -EINVAL);
		assert_null(s);
		if (!strstr(error.text, invalid[i].message))
			fail_msg("\"%s\" lacks \"%s\"", error.text,
				 invalid[i].message);
		assert_null(strchr(error.text, '\n'));
		assert_int_equal(strncmp(error.text, "t.json:", 7), 0);
	}
}

static void missing_file_is_explained(void **state)
{
	struct sim_scenario *s = NULL;
	struct sim_error error;

	(void)state;
	assert_int_equal(
		sim_scenario_read_file(&s, "/nonexistent/x.json", &error),
		-ENOENT);
	assert_non_null(strstr(error.text, "No such file"));
	assert_int_equal(sim_scenario_read_file(&s, "/", &error), -EISDIR);
	assert_null(s);
}

static void keys_are_read(void **state)
{
	static const char text[] =
		"{ \"vgpus\": [ { \"name\": \"a\", \"contexts\": [ { "
		"\"job_us\": 0.5, \"wait_us\": 2, \"count\": 3, \"engine\": "
		"\"graphics\" } ], \"tenant\": \"y\", \"cap\": 50, "
		"\"reservation\": 20 } ], \"title\": \"t\", \"gpu\": { "
		"\"engines\": 2 }, \"tenants\": [ { \"name\": \"x\" }, { "
		"\"name\": \"y\", \"weight\": 7 } ], \"scheduler\": { "
		"\"policy\": \"equal\", \"slice_us\": 500 }, \"seed\": 9 }";
	__attribute__((cleanup(sim_scenario_freep))) struct sim_scenario *s =
		NULL;
	struct sim_error error;

	(void)state;
	if (sim_scenario_read_text(&s, text, "t.json", &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(s->seed, 9);
	assert_int_equal(s->n_tenants, 2);
	assert_int_equal(s->tenants[1].weight, 7);
	assert_int_equal(s->tuning.mode, SIM_MODE_EQUAL);
	assert_int_equal(s->tuning.slice_ns, 500000);
	assert_int_equal(s->n_vgpus, 1);
	assert_int_equal(s->vgpus[0].tenant, 1);
	assert_int_equal(s->vgpus[0].weight, 100);
	assert_int_equal(s->vgpus[0].cap, 50);
	assert_int_equal(s->vgpus[0].reservation, 20);
	assert_int_equal(s->n_contexts, 3);
	assert_int_equal(s->contexts[2].vgpu, 0);
	assert_int_equal(s->contexts[2].engine, 1);
	assert_int_equal(s->contexts[2].job_ns, 500);
	assert_int_equal(s->contexts[2].wait_ns, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalid_scenarios_are_explained),
		cmocka_unit_test(missing_file_is_explained),
		cmocka_unit_test(keys_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
