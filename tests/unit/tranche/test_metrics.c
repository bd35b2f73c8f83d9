// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "tests/unit/tranche/scrape.h"
#include "tools/tranche/metrics/address.h"
#include "tools/tranche/metrics/exposition.h"
#include "tools/tranche/metrics/families.h"

#define UUID "4f0c1d3a-0b1e-4a5e-8c11-0d6f0e6a7b01"

static const char gpus_text[] =
	"{\"gpus\":[{\"address\":\"0000:01:00.0\",\"vendor\":\"V\","
	" \"name\":\"Chip\",\"driver\":\"drv\",\"vramBytes\":4294967296,"
	" \"vramFreeBytes\":1073741824,\"served\":true,\"policy\":\"fair\","
	" \"vgpus\":1},"
	" {\"address\":\"0000:02:00.0\",\"vendor\":\"V\",\"name\":\"Other\","
	" \"vramBytes\":0,\"vramFreeBytes\":0,\"served\":false,"
	" \"policy\":\"fair\",\"vgpus\":0}]}";

static const char types_text[] =
	"{\"types\":[{\"gpu\":\"0000:01:00.0\",\"name\":\"1g.512mb\","
	" \"maxInstances\":8,\"availableInstances\":2}]}";

static const char vgpus_text[] =
	"{\"vgpus\":[{\"uuid\":\"" UUID "\",\"gpu\":\"0000:01:00.0\","
	" \"type\":\"1g.512mb\",\"tenant\":\"l\\u00e4b\","
	" \"name\":\"a\\\"b\\\\c\\nd\\\\n\",\"state\":\"open\","
	" \"vmPid\":7,\"vmName\":\"web\",\"weight\":250,\"capPercent\":12.5,"
	" \"reservationPercent\":0.1,\"vramLimitBytes\":536870912,"
	" \"latency\":\"low\",\"killMs\":1500}]}";

static const char stats_text[] =
	"{\"gpus\":[{\"gpu\":\"0000:01:00.0\",\"nowNs\":9,"
	"  \"busyNs\":18446744073709551615,\"idleNs\":1,\"holds\":17,"
	"  \"vramUsedBytes\":3,\"contexts\":2}],"
	" \"vgpus\":[{\"uuid\":\"" UUID "\",\"gpuNs\":2500000001,"
	"  \"waitNs\":1500000,\"throttledNs\":999999999,\"submits\":12,"
	"  \"vramUsedBytes\":4096,\"vramLimitBytes\":536870912,"
	"  \"contexts\":3,\"kills\":4,\"vramRefusals\":5,\"restarts\":6,"
	"  \"sharePercent\":33.3,\"wantedPercent\":100,"
	"  \"waitCounts\":[3,0,2,0,1]}]}";

static sd_json_variant *parse(const char *text)
{
	sd_json_variant *variant = NULL;

	assert_true(sd_json_parse(text, 0, &variant, NULL, NULL) >= 0);
	return variant;
}

static struct scrape *scrape(const char *gpus, const char *types,
			     const char *vgpus, const char *stats)
{
	_reading_ struct reading reading = {
		.gpus = parse(gpus),
		.types = parse(types),
		.vgpus = parse(vgpus),
		.stats = parse(stats),
	};
	struct scrape *scrape;
	char *text, error[256];

	assert_int_equal(families_text(&reading, &text), 0);
	scrape = scrape_new(text, error, sizeof(error));
	if (!scrape)
		fail_msg("%s", error);
	free(text);
	return scrape;
}

static double value(const struct scrape *scrape, const char *name,
		    const char *const *labels)
{
	const struct scrape_sample *sample = scrape_find(scrape, name, labels);

	if (!sample)
		fail_msg("not one %s", name);
	return sample->value;
}

#define IS(name, expected, ...)                                    \
	do {                                                       \
		const char *const labels_[] = {__VA_ARGS__, NULL}; \
		double value_ = value(all, name, labels_);         \
		if (value_ != (expected))                          \
			fail_msg("%s is %.17g", name, value_);     \
	} while (0)

static void answers_become_base_units(void **state)
{
	struct scrape *all =
		scrape(gpus_text, types_text, vgpus_text, stats_text);

	(void)state;
	IS("tranche_gpu_vram_size_bytes", 4294967296.0, "gpu", "0000:01:00.0");
	IS("tranche_gpu_vram_unpromised_bytes", 1073741824.0, "gpu",
	   "0000:01:00.0");
	IS("tranche_gpu_served", 1, "gpu", "0000:01:00.0");
	IS("tranche_gpu_served", 0, "gpu", "0000:02:00.0");
	IS("tranche_gpu_busy_seconds_total", 18446744073.709551615, "gpu",
	   "0000:01:00.0");
	IS("tranche_gpu_idle_seconds_total", 1e-9, "gpu", "0000:01:00.0");
	IS("tranche_gpu_holds_total", 17, "gpu", "0000:01:00.0");
	IS("tranche_type_available_vgpus", 2, "type", "1g.512mb");
	IS("tranche_type_max_vgpus", 8, "gpu", "0000:01:00.0");
	IS("tranche_vgpu_weight", 250, "uuid", UUID);
	IS("tranche_vgpu_cap_ratio", 0.125, "uuid", UUID, "gpu",
	   "0000:01:00.0");
	IS("tranche_vgpu_reservation_ratio", 0.001, "uuid", UUID);
	IS("tranche_vgpu_share_ratio", 0.333, "uuid", UUID);
	IS("tranche_vgpu_entitled_ratio", 1, "uuid", UUID);
	IS("tranche_vgpu_kill_limit_seconds", 1.5, "uuid", UUID);
	IS("tranche_vgpu_gpu_seconds_total", 2.500000001, "uuid", UUID);
	IS("tranche_vgpu_throttled_seconds_total", 0.999999999, "uuid", UUID);
	IS("tranche_vgpu_vram_used_bytes", 4096, "uuid", UUID);
	IS("tranche_vgpu_vram_limit_bytes", 536870912, "uuid", UUID);
	IS("tranche_vgpu_submissions_total", 12, "uuid", UUID);
	IS("tranche_vgpu_contexts", 3, "uuid", UUID);
	IS("tranche_vgpu_context_kills_total", 4, "uuid", UUID);
	IS("tranche_vgpu_vram_refusals_total", 5, "uuid", UUID);
	IS("tranche_vgpu_device_restarts_total", 6, "uuid", UUID);
	scrape_free(all);
}

static void labels_hold_any_text(void **state)
{
	struct scrape *all =
		scrape(gpus_text, types_text, vgpus_text, stats_text);

	(void)state;
	IS("tranche_vgpu_info", 1, "name", "a\"b\\c\nd\\n", "vm", "web",
	   "tenant", "l\303\244b", "type", "1g.512mb", "uuid", UUID, "gpu",
	   "0000:01:00.0", "latency", "low");
	IS("tranche_gpu_info", 1, "gpu", "0000:02:00.0", "name", "Other",
	   "driver", "", "policy", "fair");
	IS("tranche_vgpu_state", 1, "uuid", UUID, "state", "open");
	IS("tranche_vgpu_state", 0, "uuid", UUID, "state", "broken");
	scrape_free(all);
}

static void waits_add_up(void **state)
{
	struct scrape *all =
		scrape(gpus_text, types_text, vgpus_text, stats_text);

	(void)state;
	IS("tranche_vgpu_wait_seconds_bucket", 3, "le", "1e-06");
	IS("tranche_vgpu_wait_seconds_bucket", 3, "le", "4e-06");
	IS("tranche_vgpu_wait_seconds_bucket", 5, "le", "1.6e-05");
	IS("tranche_vgpu_wait_seconds_bucket", 6, "le", "+Inf");
	IS("tranche_vgpu_wait_seconds_count", 6, "uuid", UUID);
	IS("tranche_vgpu_wait_seconds_sum", 0.0015, "uuid", UUID);
	scrape_free(all);
}

/* A vGPU that came after GetStats, and a broker that knows less. */
static void what_is_not_said_is_left_out(void **state)
{
	static const char *const uuid[] = {"uuid", UUID, NULL};
	static const char *const second[] = {"gpu", "0000:02:00.0", NULL};
	struct scrape *all = scrape(gpus_text, types_text, vgpus_text, "{}");

	(void)state;
	IS("tranche_vgpu_weight", 250, "uuid", UUID);
	assert_null(scrape_find(all, "tranche_vgpu_gpu_seconds_total", uuid));
	assert_null(scrape_find(all, "tranche_vgpu_wait_seconds_count", uuid));
	scrape_free(all);
	all = scrape(gpus_text, "{}", "{}", stats_text);
	assert_null(scrape_find(all, "tranche_gpu_busy_seconds_total", second));
	scrape_free(all);
}

static void strange_answers_do_no_harm(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"gpus\":7,\"types\":null,\"vgpus\":\"x\"}",
		"{\"gpus\":[1],\"types\":[{}],\"vgpus\":[null]}",
		"{\"vgpus\":[{\"uuid\":7,\"weight\":-1,\"capPercent\":\"x\","
		"\"waitCounts\":{}}]}",
		"{\"vgpus\":[{\"uuid\":\"\",\"waitCounts\":[]}]}",
		"{\"vgpus\":[{\"uuid\":\"\",\"waitCounts\":[1,-1]}]}",
		"{\"vgpus\":[{\"uuid\":\"\",\"waitCounts\":[0,0,0,0,0,0,0,0,0,"
		"0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct scrape *all =
			scrape(texts[i], texts[i], texts[i], texts[i]);

		IS("tranche_up", 1, NULL);
		scrape_free(all);
	}
}

static void without_broker_it_is_down(void **state)
{
	char *text, error[256];
	struct scrape *all;

	(void)state;
	assert_int_equal(families_text(NULL, &text), 0);
	all = scrape_new(text, error, sizeof(error));
	assert_non_null(all);
	assert_int_equal(scrape_count(all), 2);
	IS("tranche_up", 0, NULL);
	scrape_free(all);
	free(text);
}

/* The reader of these tests is strict, or they would prove nothing. */
static void unsound_texts_are_refused(void **state)
{
#define HEAD "# HELP tranche_a Text.\n# TYPE tranche_a gauge\n"
#define HISTOGRAM "# HELP tranche_h Text.\n# TYPE tranche_h histogram\n"
	static const char *const texts[] = {
		HEAD "tranche_a 1",
		HEAD "tranche_b 1\n",
		HEAD "tranche_a  1\n",
		HEAD "tranche_a one\n",
		HEAD "tranche_a 1 \n",
		HEAD "tranche_a NaN\n",
		HEAD "tranche_a{} 1\n",
		HEAD "tranche_a{b=\"c} 1\n",
		HEAD "tranche_a{b=\"\\x\"} 1\n",
		HEAD "tranche_a{b=\"\377\"} 1\n",
		HEAD "tranche_a{b=\"\",b=\"\"} 1\n",
		HEAD "tranche_a{1=\"\"} 1\n",
		HEAD "tranche_a{b=\"c\\",
		HEAD "tranche_a 1\ntranche_a 1\n",
		HEAD "tranche_a{b=\"\"} 1\ntranche_a{b=\"\"} 2\n",
		HEAD "tranche_a 1\n" HEAD "tranche_a{b=\"\"} 1\n",
		"# TYPE tranche_a gauge\ntranche_a 1\n",
		"# HELP tranche_a Text.\ntranche_a 1\n",
		"# HELP tranche_a Text.\n# TYPE tranche_a counter\n",
		"# HELP tranche_a_total Text.\n# TYPE tranche_a_total gauge\n",
		"# HELP tranche_a_ms Text.\n# TYPE tranche_a_ms gauge\n",
		"tranche_a 1\n",
		HISTOGRAM "tranche_h_bucket{le=\"1\"} 2\n"
			  "tranche_h_bucket{le=\"+Inf\"} 1\n",
		HISTOGRAM "tranche_h_bucket{le=\"1\"} 1\n"
			  "tranche_h_bucket{le=\"1\"} 1\n",
		HISTOGRAM "tranche_h_bucket{le=\"+Inf\"} 1\n"
			  "tranche_h_sum 1\ntranche_h_count 2\n",
	};
	struct scrape *sound;
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (scrape_new(texts[i], error, sizeof(error)))
			fail_msg("passes: %s", texts[i]);
	sound = scrape_new(HEAD "tranche_a{b=\"\\\\n\\\"\"} 1\n", error,
			   sizeof(error));
	assert_non_null(sound);
	assert_non_null(scrape_find(sound, "tranche_a",
				    (const char *[]){"b", "\\n\"", NULL}));
	scrape_free(sound);
}

static void addresses_are_whole(void **state)
{
	static const char *const wrong[] = {
		"",
		"9",
		":9",
		"127.0.0.1",
		"[::1]",
		"::1:9",
		"[::1:9",
		"127.0.0.1:",
		"[]:9",
		"localhost:9",
		"127.0.0.1:x",
		"127.0.0.1:65536",
		"1.2.3.4.5:9",
		"[000000000000000000000000000000000000000000000000000000000000000000000000000000::1]:9",
	};
	char text[ADDRESS_TEXT];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (address_listen(wrong[i]) >= 0)
			fail_msg("'%s' passes", wrong[i]);
	fd = address_listen("127.0.0.1:0");
	assert_true(fd >= 0);
	assert_int_equal(address_format(fd, text), 0);
	assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
	assert_true(atoi(text + 10) > 0);
	/* Taken now. */
	assert_true(address_listen(text) < 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_become_base_units),
		cmocka_unit_test(labels_hold_any_text),
		cmocka_unit_test(waits_add_up),
		cmocka_unit_test(what_is_not_said_is_left_out),
		cmocka_unit_test(strange_answers_do_no_harm),
		cmocka_unit_test(without_broker_it_is_down),
		cmocka_unit_test(unsound_texts_are_refused),
		cmocka_unit_test(addresses_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
