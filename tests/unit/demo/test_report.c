// SPDX-License-Identifier: MIT
/*
 * What a run is judged by: the arithmetic of shares, and the page that is
 * computed from a record.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/tranche/report/chart.h"
#include "tools/tranche/report/page.h"
#include "tools/tranche/report/share.h"
#include "xml.h"

#define SECOND 1000000000ull
#define START (7000 * SECOND)

static void expect_shares(const struct share_rule *rules, const double *right)
{
	double wanted[3];

	share_expect(rules, 3, wanted);
	for (size_t i = 0; i < 3; i++)
		assert_true(fabs(wanted[i] - right[i]) < 1e-9);
}

static void test_expect(void **state)
{
	const double all[] = {50, 100.0 / 3, 100.0 / 6};
	const double two[] = {60, 40, 0}, none[] = {0, 0, 0};
	struct share_rule rules[] = {
		{300, 100, true}, {200, 100, true}, {100, 100, true}};

	(void)state;
	expect_shares(rules, all);
	rules[2].busy = false;
	expect_shares(rules, two);
	rules[0].busy = rules[1].busy = false;
	expect_shares(rules, none);
}

static void test_expect_capped(void **state)
{
	const double one[] = {20, 160.0 / 3, 80.0 / 3};
	const double two[] = {20, 10, 70}, loose[] = {50, 100.0 / 3, 100.0 / 6};
	const double all[] = {20, 10, 5};
	struct share_rule rules[] = {
		{300, 20, true}, {200, 100, true}, {100, 100, true}};

	(void)state;
	expect_shares(rules, one);
	rules[1].cap = 10;
	expect_shares(rules, two);
	rules[2].cap = 5;
	expect_shares(rules, all);
	rules[0].cap = rules[1].cap = 60;
	rules[2].cap = 100;
	expect_shares(rules, loose);
}

/* A cap that bites only because another one does. */
static void test_expect_cascade(void **state)
{
	const double right[] = {10, 40, 50};
	const struct share_rule rules[] = {
		{300, 10, true}, {200, 40, true}, {100, 100, true}};

	(void)state;
	expect_shares(rules, right);
}

static void test_between(void **state)
{
	struct record_sample first = {.now_ns = START},
			     last = {.now_ns = START + 10 * SECOND};

	(void)state;
	first.guests[0].gpu_ns = 5 * SECOND;
	last.guests[0].gpu_ns = 11 * SECOND;
	last.guests[1].gpu_ns = 2 * SECOND;
	assert_true(share_between(&first, &last, 2, 0, false) == 75);
	assert_true(share_between(&first, &last, 2, 0, true) == 60);
	assert_true(share_between(&first, &last, 2, 1, true) == 20);
	assert_true(share_between(&last, &last, 2, 1, true) == 0);
	assert_true(share_between(&first, &first, 2, 0, false) == 0);
	/* Counters that began anew are no share. */
	assert_true(share_between(&last, &first, 2, 0, false) == 0);
}

/* Twelve seconds with shares of 50, 30 and 20, after two of other shares. */
static void record_make(struct record *record)
{
	static const uint64_t steps[2][3] = {{0, 0, 10}, {5, 3, 2}};
	struct record_sample sample = {.now_ns = START};
	struct record_phase *phase;

	record->n_guests = 3;
	for (size_t i = 0; i < 3; i++) {
		snprintf(record->guests[i].name, RECORD_TEXT, "guest <%zu>", i);
		record->guests[i].dispatch_ms = (double)i + 1;
		strcpy(record->guests[i].work.result, "ok");
	}
	for (uint64_t s = 0; s <= 14; s++) {
		record_sample_add(record, &sample);
		sample.now_ns += SECOND;
		for (size_t i = 0; i < 3; i++)
			sample.guests[i].gpu_ns +=
				steps[s >= 2][i] * SECOND / 10;
	}
	for (uint64_t i = 0; i < 14000; i++) {
		const struct record_slice slice = {
			.begin_ns = START + i * SECOND / 1000,
			.length_ns = SECOND / 1000,
			.guest = i % 3,
		};

		record_slice_add(record, &slice);
	}
	phase = record_phase_add(record);
	strcpy(phase->title, "(a) all & each");
	phase->begin_ns = START;
	phase->settled_ns = START + 2 * SECOND;
	phase->end_ns = START + 14 * SECOND;
	phase->checked = true;
	phase->wanted[0] = 50;
	phase->wanted[1] = 33;
	phase->wanted[2] = 17;
}

static void test_measure(void **state)
{
	struct record record = {0};
	struct record_phase *phase;

	(void)state;
	record_make(&record);
	phase = &record.phases[0];
	assert_true(share_measure(&record, phase));
	assert_true(fabs(phase->measured[0] - 50) < 1e-9);
	assert_true(fabs(phase->measured[1] - 30) < 1e-9);
	assert_true(fabs(phase->measured[2] - 20) < 1e-9);
	assert_true(fabs(share_worst(phase, 3) - 3) < 1e-9);
	/* The unsettled part would have spoiled it. */
	phase->settled_ns = START;
	assert_true(share_measure(&record, phase));
	assert_true(share_worst(phase, 3) > 3);
	phase->settled_ns = phase->end_ns;
	assert_false(share_measure(&record, phase));
	record_deinit(&record);
}

static char *page_text(const struct record *record)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(page_write(file, record), 0);
	fclose(file);
	return text;
}

static void assert_page(const char *text)
{
	const char *place = xml_check(text);

	if (place)
		fail_msg("not well-formed: %.80s", place);
	/* Nothing is fetched from anywhere. */
	assert_null(strstr(text, "src="));
	assert_null(strstr(text, "href="));
	assert_null(strstr(text, "url("));
}

static void test_page(void **state)
{
	struct record record = {0};
	char *text;

	(void)state;
	record_make(&record);
	share_measure(&record, &record.phases[0]);
	record_claim_add(&record, true, "a claim that is %s", "right");
	record_fact_add(&record, "GPU", "A <&\"\033> B");
	text = page_text(&record);
	assert_page(text);
	assert_non_null(strstr(text, "All that was claimed holds."));
	assert_non_null(strstr(text, "50.0 (50.0)"));
	assert_non_null(strstr(text, "30.0 (33.0)"));
	assert_null(strstr(text, "n bad\">30.0"));
	free(text);
	record.phases[0].wanted[1] = 33.1;
	record_claim_add(&record, false, "one that does not hold");
	text = page_text(&record);
	assert_page(text);
	assert_non_null(strstr(text, "Something does not hold."));
	assert_non_null(strstr(text, "n bad\">30.0 (33.1)"));
	free(text);
	record_deinit(&record);
}

/* A run that broke off early still has a page, and it is no good one. */
static void test_page_empty(void **state)
{
	struct record record = {0};
	char *text = page_text(&record);

	(void)state;
	assert_page(text);
	assert_non_null(strstr(text, "Something does not hold."));
	assert_false(record_holds(&record));
	free(text);
}

static void test_chart(void **state)
{
	const double x[] = {0.1, 1, 10}, y[] = {1, NAN, INFINITY};
	const struct chart_series series = {"a & b", 0, false, x, y, 3};
	const struct chart chart = {
		.title = "t",
		.x_label = "<x>",
		.y_label = "y",
		.x_from = 0.1,
		.x_to = 10,
		.y_to = 2,
		.log_x = true,
		.series = &series,
		.n_series = 1,
	};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	chart_write(file, &chart);
	fclose(file);
	assert_null(xml_check(text));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
}

/* The judge of the pages judges. */
static void test_xml(void **state)
{
	static const char *const bad[] = {
		"",
		"text",
		"<a>",
		"<a></b>",
		"<a></a></a>",
		"<a b=c></a>",
		"<a>&</a>",
		"<a>&x;</a>",
		"<a><b></a></b>",
		"<a>\033</a>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(xml_check(bad[i]));
	assert_null(xml_check("<a b=\"c\">&lt;<b/></a>\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_expect_capped),
		cmocka_unit_test(test_expect_cascade),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_measure),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_chart),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_page_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
