// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mdev/gpu/report.h"

static char name[] = "A \"GPU\" of µ";
static char driver[] = "driver 1.0";
static char library[] = "/usr/lib/libvulkan_a.so";
static char pci[] = "0000:01:00.0";

static void report_survives_pipe(void **state)
{
	static struct report report = {.count = 2}, back;
	const struct report_device *device;
	char *text;

	(void)state;
	report.devices[0] = (struct report_device){
		.name = name,
		.driver = driver,
		.library = library,
		.pci = pci,
		.api = UINT32_MAX,
		.has_render = true,
		.render_major = 226,
		.render_minor = 129,
		.exports = true,
		.heap_count = 2,
		.heaps = {{UINT64_MAX, true}, {4096, false}},
	};
	report.devices[1] = (struct report_device){
		.name = name,
		.driver = driver,
		.library = library,
		.cpu = true,
	};
	assert_int_equal(report_format(&report, &text), 0);
	assert_int_equal(report_parse(text, &back), 0);
	free(text);

	assert_int_equal(back.count, 2);
	device = &back.devices[0];
	assert_string_equal(device->name, name);
	assert_string_equal(device->driver, driver);
	assert_string_equal(device->library, library);
	assert_string_equal(device->pci, pci);
	assert_true(device->api == UINT32_MAX);
	assert_true(device->has_render && device->exports && !device->cpu);
	assert_int_equal(device->render_major, 226);
	assert_int_equal(device->render_minor, 129);
	assert_int_equal(device->heap_count, 2);
	assert_true(device->heaps[0].bytes == UINT64_MAX);
	assert_true(device->heaps[0].local && !device->heaps[1].local);
	device = &back.devices[1];
	assert_null(device->pci);
	assert_true(device->cpu && !device->has_render && !device->exports);
	assert_int_equal(device->heap_count, 0);
	report_deinit(&back);
}

/* The writer is a process with a driver in it: it may say anything. */
static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"devices\":[1]}",
		"{\"devices\":[{}]}",
		"{\"devices\":[{\"name\":7,\"driver\":\"\",\"library\":\"\"}]}",
	};
	static struct report report;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(report_parse(texts[i], &report), -EBADMSG);
		assert_int_equal(report.count, 0);
	}
}

static const char one_device[] =
	"{\"name\":\"n\",\"driver\":\"d\",\"library\":\"l\",\"api\":1,"
	"\"hasRender\":false,\"renderMajor\":0,\"renderMinor\":0,"
	"\"cpu\":true,\"exports\":false,\"heaps\":[%s]}";
static const char one_heap[] = "{\"bytes\":1,\"local\":true}";

static char *repeat(const char *what, size_t count)
{
	char *text = calloc(count + 1, strlen(what) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++) {
		if (i)
			strcat(text, ",");
		strcat(text, what);
	}
	return text;
}

static int parse_many(size_t devices, size_t heaps, struct report *report)
{
	char *heap_text = repeat(one_heap, heaps);
	char *device, *device_text, *text;
	int r;

	assert_true(asprintf(&device, one_device, heap_text) > 0);
	device_text = repeat(device, devices);
	assert_true(asprintf(&text, "{\"devices\":[%s]}", device_text) > 0);
	r = report_parse(text, report);
	free(heap_text);
	free(device);
	free(device_text);
	free(text);
	return r;
}

static void counts_are_bounded(void **state)
{
	static struct report report;

	(void)state;
	assert_int_equal(parse_many(REPORT_DEVICES, 0, &report), 0);
	assert_int_equal(report.count, REPORT_DEVICES);
	report_deinit(&report);
	assert_int_equal(parse_many(REPORT_DEVICES + 1, 0, &report), -EBADMSG);
	assert_int_equal(parse_many(1, REPORT_HEAPS, &report), 0);
	assert_int_equal(report.devices[0].heap_count, REPORT_HEAPS);
	report_deinit(&report);
	assert_int_equal(parse_many(1, REPORT_HEAPS + 1, &report), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_survives_pipe),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(counts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
