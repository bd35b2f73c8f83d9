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
#include "tools/tranche/tracks.h"

static sd_json_variant *parse(const char *text)
{
	sd_json_variant *variant = NULL;

	assert_true(sd_json_parse(text, 0, &variant, NULL, NULL) >= 0);
	return variant;
}

static const char vgpus_text[] =
	"[{\"uuid\":\"a\",\"name\":\"say \\\"hi\\\"\"},{\"uuid\":\"b\"}]";

static const char slices_text[] =
	"[{\"uuid\":\"a\",\"pid\":1,\"wantNs\":1000,\"beginNs\":3500,"
	"  \"endNs\":5500,\"submits\":3,\"reason\":\"expired\"},"
	" {\"uuid\":\"b\",\"pid\":2,\"wantNs\":2000,\"beginNs\":6000,"
	"  \"endNs\":7000,\"submits\":1,\"reason\":\"idle\"},"
	" {\"uuid\":\"a\",\"pid\":9,\"wantNs\":0,\"beginNs\":8000,"
	"  \"endNs\":9000,\"submits\":1,\"reason\":\"idle\"},"
	" {\"uuid\":\"a\",\"pid\":1,\"wantNs\":9500,\"beginNs\":9500,"
	"  \"endNs\":9400,\"submits\":1,\"reason\":\"idle\"}]";

/* The whole trace as a reader of JSON gets it. */
static sd_json_variant *trace_make(void)
{
	_json_ sd_json_variant *vgpus = parse(vgpus_text);
	_json_ sd_json_variant *slices = parse(slices_text);
	struct tracks tracks = {0};
	struct chrome chrome;
	sd_json_variant *all;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	chrome_open(&chrome, file);
	for (size_t i = 0; i < sd_json_variant_elements(slices); i++)
		assert_int_equal(
			tracks_slice(&tracks, &chrome, vgpus,
				     sd_json_variant_by_index(slices, i)),
			0);
	assert_int_equal(tracks.processes, 2);
	assert_int_equal(tracks.count, 3);
	assert_int_equal(chrome_close(&chrome), 0);
	fclose(file);
	tracks_deinit(&tracks);
	all = parse(text);
	free(text);
	return all;
}

static size_t count(sd_json_variant *all, const char *key, const char *value)
{
	sd_json_variant *events = json_array(all, "traceEvents");
	size_t found = 0;

	for (size_t i = 0; i < sd_json_variant_elements(events); i++)
		found += strcmp(json_text(sd_json_variant_by_index(events, i),
					  key, ""),
				value) == 0;
	return found;
}

static sd_json_variant *first(sd_json_variant *all, const char *name)
{
	sd_json_variant *events = json_array(all, "traceEvents");

	for (size_t i = 0; i < sd_json_variant_elements(events); i++) {
		sd_json_variant *event = sd_json_variant_by_index(events, i);

		if (strcmp(json_text(event, "name", ""), name) == 0)
			return event;
	}
	fail();
	return NULL;
}

static void slices_and_waits_are_spans(void **state)
{
	_json_ sd_json_variant *all = trace_make();
	sd_json_variant *slice = first(all, "slice"), *wait;

	(void)state;
	/* The last one ends before it begins; the third did not wait. */
	assert_int_equal(count(all, "name", "slice"), 3);
	assert_int_equal(count(all, "name", "wait"), 2);
	assert_true(json_real(slice, "ts") == 3.5);
	assert_true(json_real(slice, "dur") == 2);
	assert_true(json_number(sd_json_variant_by_key(slice, "args"),
				"submits") == 3);
	assert_string_equal(
		json_text(sd_json_variant_by_key(slice, "args"), "ended", ""),
		"expired");
	wait = first(all, "wait");
	assert_true(json_real(wait, "ts") == 1);
	assert_true(json_real(wait, "dur") == 2.5);
	assert_true(json_number(wait, "pid") == json_number(slice, "pid"));
	assert_false(json_number(wait, "tid") == json_number(slice, "tid"));
}

static void accounts_and_contexts_are_named(void **state)
{
	_json_ sd_json_variant *all = trace_make();
	sd_json_variant *name = first(all, "process_name");

	(void)state;
	assert_int_equal(count(all, "name", "process_name"), 2);
	assert_int_equal(count(all, "name", "thread_name"), 6);
	assert_string_equal(
		json_text(sd_json_variant_by_key(name, "args"), "name", ""),
		"say \"hi\"");
}

static void empty_trace_is_whole(void **state)
{
	_json_ sd_json_variant *all = NULL;
	struct chrome chrome;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	chrome_open(&chrome, file);
	assert_int_equal(chrome_close(&chrome), 0);
	fclose(file);
	all = parse(text);
	assert_int_equal(
		sd_json_variant_elements(json_array(all, "traceEvents")), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_and_waits_are_spans),
		cmocka_unit_test(accounts_and_contexts_are_named),
		cmocka_unit_test(empty_trace_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
