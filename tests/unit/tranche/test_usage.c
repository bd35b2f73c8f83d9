// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tranche/bar.h"
#include "tools/tranche/json.h"
#include "tools/tranche/screen.h"
#include "tools/tranche/usage.h"

static sd_json_variant *parse(const char *text)
{
	sd_json_variant *variant = NULL;

	assert_true(sd_json_parse(text, 0, &variant, NULL, NULL) >= 0);
	return variant;
}

static const char two_vgpus[] =
	"{\"vgpus\":["
	"{\"uuid\":\"a\",\"name\":\"web\",\"gpu\":\"software\",\"weight\":100,"
	" \"capPercent\":100.0,\"reservationPercent\":0,\"state\":\"open\","
	" \"vmPid\":7,\"vmName\":\"vm-1\",\"vramLimitBytes\":2048,"
	" \"tenant\":\"Blue\"},"
	"{\"uuid\":\"b\",\"name\":\"\",\"gpu\":\"0000:01:00.0\","
	" \"weight\":300,\"capPercent\":20,\"state\":\"closed\"}]}";

static const char first_stats[] =
	"{\"gpus\":[{\"gpu\":\"software\",\"nowNs\":1000,\"busyNs\":100}],"
	" \"vgpus\":[{\"uuid\":\"b\",\"sharePercent\":20.5,"
	"  \"wantedPercent\":25,\"waitP50Us\":10,\"waitP99Us\":90,"
	"  \"submitsPerSecond\":5,\"vramUsedBytes\":1024,\"kills\":2},"
	"  {\"uuid\":\"gone\",\"sharePercent\":99}]}";

static const char later_stats[] =
	"{\"gpus\":[{\"gpu\":\"software\",\"nowNs\":3000,\"busyNs\":1600}],"
	" \"vgpus\":[]}";

static void join(struct usage *usage, const char *stats_text)
{
	_json_ sd_json_variant *vgpus = parse(two_vgpus);
	_json_ sd_json_variant *stats = parse(stats_text);

	assert_int_equal(usage_join(usage, vgpus, stats), 0);
}

static void rows_have_settings_and_statistics(void **state)
{
	struct usage usage = {0};

	(void)state;
	join(&usage, first_stats);
	assert_int_equal(usage.row_count, 2);
	assert_string_equal(usage.rows[0].name, "web");
	assert_string_equal(usage.rows[0].vm, "vm-1 (7)");
	assert_true(usage.rows[0].weight == 100);
	assert_true(usage.rows[0].share == 0);
	assert_true(usage.rows[0].vram_limit == 2048);
	assert_string_equal(usage.rows[1].vm, "-");
	assert_true(usage.rows[1].cap == 20);
	assert_true(usage.rows[1].share == 20.5);
	assert_true(usage.rows[1].wanted == 25);
	assert_true(usage.rows[1].wait_p99_us == 90);
	assert_true(usage.rows[1].kills == 2);
	usage_deinit(&usage);
}

static void json_has_the_same(void **state)
{
	struct usage usage = {0};
	sd_json_variant *row;

	(void)state;
	join(&usage, first_stats);
	row = sd_json_variant_by_index(json_array(usage.json, "vgpus"), 1);
	assert_string_equal(json_text(row, "uuid", ""), "b");
	assert_true(json_real(sd_json_variant_by_key(row, "stats"),
			      "sharePercent") == 20.5);
	assert_int_equal(
		sd_json_variant_elements(json_array(usage.json, "gpus")), 1);
	usage_deinit(&usage);
}

static void busy_is_of_time_between(void **state)
{
	struct usage usage = {0};

	(void)state;
	join(&usage, first_stats);
	assert_true(usage.gpus[0].busy < 0);
	join(&usage, later_stats);
	assert_true(usage.gpus[0].busy == 75);
	/* A broker that began anew counts from nothing. */
	join(&usage, first_stats);
	assert_true(usage.gpus[0].busy < 0);
	usage_deinit(&usage);
}

static void strange_answers_do_no_harm(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"vgpus\":7,\"gpus\":null}",
		"{\"vgpus\":[1,null,{}],\"gpus\":[[]]}",
		"{\"vgpus\":[{\"uuid\":7,\"sharePercent\":\"x\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		_json_ sd_json_variant *text = parse(texts[i]);
		struct usage usage = {0};

		/* Either is an answer; what counts is that it is one. */
		if (usage_join(&usage, text, text) == 0)
			usage_deinit(&usage);
		assert_null(usage.rows);
	}
}

static void rows_sort_by_each_order(void **state)
{
	struct usage usage = {0};

	(void)state;
	join(&usage, first_stats);
	usage_sort(&usage, USAGE_BY_GPU);
	assert_string_equal(usage.rows[0].uuid, "b");
	usage_sort(&usage, USAGE_BY_NAME);
	assert_string_equal(usage.rows[0].uuid, "b");
	usage.rows[0].share = 1;
	usage.rows[1].share = 2;
	usage_sort(&usage, USAGE_BY_GPU);
	assert_string_equal(usage.rows[0].uuid, "a");
	usage_sort(&usage, USAGE_BY_WEIGHT);
	assert_string_equal(usage.rows[0].uuid, "b");
	usage_deinit(&usage);
}

static void filter_looks_everywhere(void **state)
{
	struct usage usage = {0};

	(void)state;
	join(&usage, first_stats);
	assert_true(usage_matches(&usage.rows[0], ""));
	assert_true(usage_matches(&usage.rows[0], "WEB"));
	assert_true(usage_matches(&usage.rows[0], "vm-1"));
	assert_true(usage_matches(&usage.rows[0], "blue"));
	assert_true(usage_matches(&usage.rows[1], "01:00"));
	assert_true(usage_matches(&usage.rows[1], "closed"));
	assert_false(usage_matches(&usage.rows[1], "web"));
	usage_deinit(&usage);
}

static void bar_shows_share_and_mark(void **state)
{
	char bar[BAR_BYTES];

	(void)state;
	assert_string_equal(bar_format(bar, 10, 50, 80, false), "#####..|..");
	assert_string_equal(bar_format(bar, 10, 100, 0, false), "##########");
	assert_string_equal(bar_format(bar, 10, 0, 50, false), "....|.....");
	assert_string_equal(bar_format(bar, 4, 250, 250, false), "###|");
	assert_string_equal(bar_format(bar, 4, -5, -5, false), "....");
	assert_string_equal(bar_format(bar, 0, 50, 50, false), "");
	assert_string_equal(bar_format(bar, 2, 50, 100, true), "█│");
	assert_int_equal(strlen(bar_format(bar, 9999, 9, 50, false)), BAR_MAX);
}

static void type(struct screen *screen, const char *keys)
{
	while (*keys)
		screen_key(screen, *keys++);
}

static void keys_change_what_is_shown(void **state)
{
	struct screen screen = {0};

	(void)state;
	type(&screen, "v");
	assert_int_equal(screen.order, USAGE_BY_VRAM);
	type(&screen, "/webqx\b\n");
	assert_string_equal(screen.filter, "webq");
	assert_false(screen.quit);
	type(&screen, "\033");
	assert_string_equal(screen.filter, "");
	type(&screen, "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	assert_int_equal(strlen(screen.filter), SCREEN_FILTER - 1);
	type(&screen, "pq");
	assert_true(screen.paused);
	assert_true(screen.quit);
	screen_key(&screen, 9999);
	screen_key(&screen, -1);
	screen_key(&screen, 0);
	assert_int_equal(screen.order, USAGE_BY_VRAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_have_settings_and_statistics),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(busy_is_of_time_between),
		cmocka_unit_test(strange_answers_do_no_harm),
		cmocka_unit_test(rows_sort_by_each_order),
		cmocka_unit_test(filter_looks_everywhere),
		cmocka_unit_test(bar_shows_share_and_mark),
		cmocka_unit_test(keys_change_what_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
