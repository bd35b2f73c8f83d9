// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"
#include "units/units.h"

#define WORDS_MAX 16

static struct options options;
static char error[256];

/* Parses a line of words; getopt_long() wants them writable. */
static int parse(const char *line)
{
	static char copy[256];
	static char name[] = "tranche-load";
	char *argv[WORDS_MAX + 1] = {name};
	int argc = 1;

	error[0] = '\0';
	strncpy(copy, line, sizeof(copy) - 1);
	for (char *word = strtok(copy, " "); word && argc < WORDS_MAX;
	     word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(&options, argc, argv, error, sizeof(error));
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(options.verb, OPTIONS_RUN);
	assert_ptr_equal(options.kernel, &kernel_fma);
	assert_int_equal(options.dispatch_ns, 10 * NS_PER_MS);
	assert_int_equal(options.iterations, 0);
	assert_int_equal(options.depth, 1);
	assert_int_equal(options.contexts, 1);
	assert_int_equal(options.duration_ns, 10 * NS_PER_S);
	assert_int_equal(options.timeout_ns, 60 * NS_PER_S);
	assert_int_equal(options.engine, -1);
	assert_null(options.device);
}

static void test_every_value(void **state)
{
	(void)state;
	assert_int_equal(parse("--kind copy --dispatch-ms 2.5 --think-ms 0.5 "
			       "--poll-ms 20 "
			       "--depth 8 --duration 1h --memory 64M"),
			 0);
	assert_ptr_equal(options.kernel, &kernel_copy);
	assert_int_equal(options.dispatch_ns, 2500000);
	assert_int_equal(options.think_ns, 500000);
	assert_int_equal(options.poll_ns, 20000000);
	assert_int_equal(options.depth, 8);
	assert_int_equal(options.duration_ns, 3600 * NS_PER_S);
	assert_int_equal(options.memory, 64 << 20);

	assert_int_equal(parse("--items 128 --iterations 7 --seed 0x10 "
			       "--engine 2 --contexts 3 --timeout 5 "
			       "--device 0000:01:00.0 --quiet"),
			 0);
	assert_int_equal(options.items, 128);
	assert_int_equal(options.iterations, 7);
	assert_int_equal(options.seed, 16);
	assert_int_equal(options.engine, 2);
	assert_int_equal(options.contexts, 3);
	assert_int_equal(options.timeout_ns, 5 * NS_PER_S);
	assert_string_equal(options.device, "0000:01:00.0");
	assert_true(options.quiet);
}

static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(parse("--json-only --summary-only --overcommit"), 0);
	assert_true(options.quiet);
	assert_true(options.summary_only);
	assert_true(options.overcommit);
	assert_int_equal(parse("--list"), 0);
	assert_int_equal(options.verb, OPTIONS_LIST);
	assert_int_equal(parse("--help"), 0);
	assert_int_equal(options.verb, OPTIONS_HELP);
	assert_int_equal(parse("--version"), 0);
	assert_int_equal(options.verb, OPTIONS_VERSION);
	assert_int_equal(parse("--calibrate-only"), 0);
	assert_int_equal(options.verb, OPTIONS_CALIBRATE);
}

/* What ends a run follows from what was given. */
static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(parse("--submissions 5"), 0);
	assert_int_equal(options.submissions, 5);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(parse("--submissions 5 --duration 2"), 0);
	assert_int_equal(options.duration_ns, 2 * NS_PER_S);
	assert_int_equal(parse("--duration 0"), 0);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(parse("--kind spin"), 0);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(options.iterations, 1);
}

static void test_fixed_iterations_have_no_cost(void **state)
{
	(void)state;
	assert_int_equal(parse("--iterations 10"), 0);
	assert_int_equal(options.dispatch_ns, 0);
	assert_int_equal(parse("--iterations 10 --dispatch-ms 3"), 0);
	assert_int_equal(options.dispatch_ns, 3 * NS_PER_MS);
}

/* Each complaint is one line and names the option or word at fault. */
static void test_complaints(void **state)
{
	static const struct {
		const char *line;
		const char *names;
	} bad[] = {
		{"--kind fft", "fft"},
		{"--dispatch-ms 0", "--dispatch-ms"},
		{"--dispatch-ms fast", "fast"},
		{"--think-ms -1", "--think-ms"},
		{"--poll-ms -1", "--poll-ms"},
		{"--iterations 0", "--iterations"},
		{"--depth 0", "--depth"},
		{"--depth 65", "from 1 to 64"},
		{"--duration 5x", "5x"},
		{"--submissions 0", "--submissions"},
		{"--memory 0", "--memory"},
		{"--memory lots", "lots"},
		{"--engine 99", "--engine"},
		{"--contexts 0", "--contexts"},
		{"--seed x", "--seed"},
		{"--timeout soon", "--timeout"},
		{"--items 8", "from 64"},
		{"--kind gemm --items 100", "multiples of 16"},
		{"--kind gemm --items 8192", "8192"},
		{"--calibrate-only --iterations 3", "--iterations"},
		{"--calibrate-only --kind spin", "spin"},
		{"--then fma:64:1", "--then"},
		{"--then fma:64:1:1:0", "--then"},
		{"--then fma:64:1:1:65", "--then"},
		{"--then fma:64:1:1:1:1", "--then"},
		{"--then spin:64:1:1", "--then"},
		{"--then fma:0:1:1", "--then"},
		{"--then gemm:100:1:1", "multiples of 16"},
		{"--kind spin --then fma:64:1:1", "--then"},
		{"--frobnicate", "--frobnicate"},
		{"--list=yes", "--list"},
		{"--kind", "--kind"},
		{"-x", "-x"},
		{"fma", "fma"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].line), -EINVAL);
		if (!strstr(error, bad[i].names))
			fail_msg("%s: %s", bad[i].line, error);
		assert_null(strchr(error, '\n'));
	}
}

static void test_what_follows(void **state)
{
	struct options next;

	(void)state;
	assert_int_equal(parse("--items 64 --iterations 3 --depth 2 "
			       "--then fma:128:4:0.5 --then gemm:32:1:2:40"),
			 0);
	assert_int_equal(options.n_then, 2);
	next = options_then(&options, 0);
	assert_int_equal(next.items, 128);
	assert_int_equal(next.iterations, 4);
	assert_int_equal(next.dispatch_ns, 500000);
	assert_int_equal(next.depth, 2);
	next = options_then(&options, 1);
	assert_string_equal(next.kernel->name, "gemm");
	assert_int_equal(next.depth, 40);
	assert_int_equal(options.items, 64);
}

static void test_empty_device(void **state)
{
	char name[] = "tranche-load", option[] = "--device", empty[] = "";
	char *argv[] = {name, option, empty, NULL};

	(void)state;
	assert_int_equal(options_parse(&options, 3, argv, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "--device"));
}

/* An option that --help does not tell of does not exist for its user. */
static void test_help_tells_every_option(void **state)
{
	static const char *const names[] = {
		"--kind",
		"--dispatch-ms",
		"--iterations",
		"--poll-ms",
		"--items",
		"--think-ms",
		"--depth",
		"--contexts",
		"--memory",
		"--overcommit",
		"--seed",
		"--duration",
		"--submissions",
		"--timeout",
		"--list",
		"--device",
		"--engine",
		"--calibrate-only",
		"--quiet",
		"--json-only",
		"--summary-only",
		"--help",
		"--version",
		"--then",
		"--count-on-signal",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(options_help(), names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_fixed_iterations_have_no_cost),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_what_follows),
		cmocka_unit_test(test_empty_device),
		cmocka_unit_test(test_help_tells_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
