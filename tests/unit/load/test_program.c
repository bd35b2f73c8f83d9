// SPDX-License-Identifier: MIT
/*
 * The whole program on a real Vulkan driver, as its users run it: exit status,
 * JSON on standard output, lines on standard error. Nothing is asserted about
 * how fast anything is.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <systemd/sd-json.h>

#define WORDS_MAX 24
#define LINES_MAX 64

/* A run that has ended. */
struct outcome {
	int status;
	size_t n_lines;
	sd_json_variant *lines[LINES_MAX];
	size_t n_errors;
	char error[4096];
};

static struct outcome outcome;

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < outcome.n_lines; i++)
		sd_json_variant_unref(outcome.lines[i]);
	memset(&outcome, 0, sizeof(outcome));
	return 0;
}

/* In the child: the line's words become the arguments. */
static void execute(const char *program, const char *line, int out, int err)
{
	char *argv[WORDS_MAX + 1] = {(char *)program};
	char *copy = strdup(line);
	int argc = 1;

	for (char *word = strtok(copy, " "); word && argc < WORDS_MAX;
	     word = strtok(NULL, " "))
		argv[argc++] = word;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(program, argv);
	_exit(127);
}

static void read_lines(FILE *out)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, out) > 0) {
		assert_true(outcome.n_lines < LINES_MAX);
		assert_true(sd_json_parse(line, 0,
					  &outcome.lines[outcome.n_lines], NULL,
					  NULL) >= 0);
		outcome.n_lines++;
	}
	free(line);
}

static void read_errors(FILE *err)
{
	size_t length;

	rewind(err);
	length = fread(outcome.error, 1, sizeof(outcome.error) - 1, err);
	outcome.error[length] = '\0';
	for (size_t i = 0; i < length; i++)
		outcome.n_errors += outcome.error[i] == '\n';
}

/*
 * @signal is sent when the first line of a second has come; 0: none. SIGUSR2 is sent
 * twice, for the next load as well. Lines up to the last one are lost.
 */
static void run_program(const char *program, const char *line, int signal)
{
	unsigned int left = signal == SIGUSR2 ? 2 : 1;
	FILE *err = tmpfile(), *out;
	char *text = NULL;
	size_t size = 0;
	int fds[2], status;
	pid_t pid;

	assert_non_null(err);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		execute(program, line, fds[1], fileno(err));
	close(fds[1]);
	out = fdopen(fds[0], "r");
	assert_non_null(out);
	while (signal && left && getline(&text, &size, out) > 0)
		if (strstr(text, "\"second\"") || strstr(text, "\"running\"")) {
			kill(pid, signal);
			left--;
		}
	free(text);
	read_lines(out);
	fclose(out);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	outcome.status = WEXITSTATUS(status);
	read_errors(err);
	fclose(err);
}

static void run(const char *line)
{
	run_program(LOAD_PROGRAM, line, 0);
}

static sd_json_variant *field(sd_json_variant *v, const char *name)
{
	sd_json_variant *value = sd_json_variant_by_key(v, name);

	assert_non_null(value);
	return value;
}

static uint64_t number(sd_json_variant *v, const char *name)
{
	assert_true(sd_json_variant_is_unsigned(field(v, name)));
	return sd_json_variant_unsigned(field(v, name));
}

static const char *text(sd_json_variant *v, const char *name)
{
	assert_true(sd_json_variant_is_string(field(v, name)));
	return sd_json_variant_string(field(v, name));
}

static size_t count_type(const char *type)
{
	size_t count = 0;

	for (size_t i = 0; i < outcome.n_lines; i++)
		count += strcmp(text(outcome.lines[i], "type"), type) == 0;
	return count;
}

static sd_json_variant *summary(void)
{
	sd_json_variant *last;

	assert_true(outcome.n_lines > 0);
	last = outcome.lines[outcome.n_lines - 1];
	assert_string_equal(text(last, "type"), "summary");
	return last;
}

static void check_latency(sd_json_variant *v)
{
	sd_json_variant *latency = field(v, "latency_ns");

	assert_true(number(latency, "min") <= number(latency, "p50"));
	assert_true(number(latency, "p50") <= number(latency, "p95"));
	assert_true(number(latency, "p95") <= number(latency, "p99"));
	assert_true(number(latency, "p99") <= number(latency, "max"));
	assert_true(number(latency, "mean") <= number(latency, "max"));
}

/* The seconds must not count what the summary does not. */
static void check_seconds(void)
{
	uint64_t submissions = 0, seconds = 0;

	for (size_t i = 0; i < outcome.n_lines; i++) {
		if (strcmp(text(outcome.lines[i], "type"), "second") != 0)
			continue;
		assert_int_equal(number(outcome.lines[i], "second"), ++seconds);
		submissions += number(outcome.lines[i], "submissions");
		check_latency(outcome.lines[i]);
	}
	assert_true(seconds > 0);
	assert_true(submissions <= number(summary(), "submissions"));
}

static void check_right(const char *kind)
{
	assert_int_equal(outcome.status, 0);
	assert_string_equal(text(summary(), "result"), "ok");
	assert_string_equal(text(summary(), "kind"), kind);
	assert_true(number(summary(), "submissions") > 0);
	assert_true(number(summary(), "units") > 0);
	assert_true(number(summary(), "verified") > 0);
	assert_int_equal(number(summary(), "wrong"), 0);
	assert_true(strlen(text(summary(), "device")) > 0);
	assert_true(strlen(text(summary(), "driver")) > 0);
	check_latency(summary());
}

static void test_list(void **state)
{
	(void)state;
	run("--list");
	assert_int_equal(outcome.status, 0);
	assert_true(outcome.n_lines > 0);
	assert_int_equal(count_type("gpu"), outcome.n_lines);
	assert_string_equal(text(outcome.lines[0], "driver"), "llvmpipe");
	assert_true(sd_json_variant_elements(
			    field(outcome.lines[0], "engines")) > 0);
}

static void test_fma(void **state)
{
	(void)state;
	run("--kind fma --dispatch-ms 5 --duration 1.2 --quiet");
	check_right("fma");
	check_seconds();
	assert_int_equal(count_type("calibration"), 1);
	assert_int_equal(number(summary(), "work_ns"),
			 number(summary(), "submissions") *
				 number(summary(), "cost_ns"));
	assert_int_equal(outcome.n_errors, 0);
}

static void test_copy(void **state)
{
	(void)state;
	run("--kind copy --dispatch-ms 5 --duration 1.2 --depth 2 --quiet");
	check_right("copy");
	check_seconds();
}

static void test_copy_of_wanted_size(void **state)
{
	(void)state;
	run("--kind copy --memory 24M --depth 3 --iterations 2 --submissions 9 "
	    "--quiet");
	check_right("copy");
	assert_int_equal(number(summary(), "memory"), 24 << 20);
	assert_int_equal(number(summary(), "submissions"), 9);
}

static void test_gemm(void **state)
{
	(void)state;
	run("--kind gemm --dispatch-ms 5 --duration 1.2 --quiet");
	check_right("gemm");
	check_seconds();
}

static void test_gemm_of_wanted_size(void **state)
{
	(void)state;
	run("--kind gemm --items 80 --iterations 3 --submissions 3 --quiet");
	check_right("gemm");
	/* All of the one slot's output. */
	assert_int_equal(number(summary(), "verified"), 80 * 80);
}

static void test_spin_ends_with_the_run(void **state)
{
	(void)state;
	run("--kind spin --duration 1.2 --depth 2 --quiet");
	check_right("spin");
	assert_int_equal(number(summary(), "submissions"), 2);
}

static void test_contexts_and_depth(void **state)
{
	(void)state;
	run("--items 256 --iterations 10 --contexts 3 --depth 4 "
	    "--submissions 21 --quiet");
	check_right("fma");
	assert_int_equal(number(summary(), "submissions"), 63);
	assert_int_equal(number(summary(), "contexts"), 3);
	/* Each slot of each context is checked in full at the end. */
	assert_true(number(summary(), "verified") >= 3 * 4 * 1024);
}

static void test_known_calibration(void **state)
{
	(void)state;
	run("--items 256 --iterations 10 --dispatch-ms 2 --submissions 5");
	check_right("fma");
	assert_int_equal(count_type("calibration"), 0);
	assert_int_equal(number(summary(), "items"), 256);
	assert_int_equal(number(summary(), "iterations"), 10);
	assert_int_equal(number(summary(), "work_ns"), 5 * 2000000);
	assert_true(outcome.n_errors > 0);
}

static void test_calibrate_only(void **state)
{
	(void)state;
	run("--calibrate-only --dispatch-ms 2 --quiet");
	assert_int_equal(outcome.status, 0);
	assert_int_equal(outcome.n_lines, 1);
	assert_int_equal(count_type("calibration"), 1);
	assert_int_equal(number(outcome.lines[0], "target_ns"), 2000000);
	assert_true(number(outcome.lines[0], "iterations") > 0);
}

static void test_calibrated_at_once(void **state)
{
	(void)state;
	run("--dispatch-ms 1 --depth 8 --submissions 20 --quiet");
	check_right("fma");
	assert_int_equal(count_type("calibration"), 1);
	assert_true(number(outcome.lines[0], "cost_ns") > 0);
	assert_int_equal(number(summary(), "depth"), 8);
}

static void test_held_memory(void **state)
{
	(void)state;
	run("--memory 80M --items 64 --iterations 1 --submissions 2 --quiet");
	check_right("fma");
	assert_int_equal(number(summary(), "memory"), 80 << 20);
	/* Two chunks, two pages of each, and the output. */
	assert_int_equal(number(summary(), "verified"), 4 * 1024 + 256);
}

static void test_think_time(void **state)
{
	(void)state;
	run("--items 64 --iterations 1 --think-ms 1 --submissions 20 "
	    "--summary-only --quiet");
	check_right("fma");
	assert_int_equal(outcome.n_lines, 1);
	assert_int_equal(number(summary(), "think_ns"), 1000000);
}

static void test_polled(void **state)
{
	(void)state;
	run("--items 64 --iterations 1 --poll-ms 2 --depth 4 --submissions 20 "
	    "--summary-only --quiet");
	check_right("fma");
	assert_int_equal(number(summary(), "submissions"), 20);
}

static void test_signals_end_in_order(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM};

	for (size_t i = 0; i < 2; i++) {
		tear_down(state);
		run_program(LOAD_PROGRAM,
			    "--items 4096 --iterations 20 --duration 0 --quiet",
			    signals[i]);
		check_right("fma");
	}
	tear_down(state);
	run_program(LOAD_PROGRAM, "--kind spin --quiet", SIGTERM);
	check_right("spin");
}

static void test_counts_from_a_signal_on(void **state)
{
	static const char line[] =
		"--items 64 --iterations 1 --think-ms 20 --submissions 200 "
		"--contexts 2 --count-on-signal --summary-only --quiet";

	(void)state;
	run(line);
	check_right("fma");
	assert_int_equal(count_type("running"), 1);
	assert_int_equal(number(summary(), "submissions"), 400);
	tear_down(state);
	run_program(LOAD_PROGRAM, line, SIGUSR1);
	check_right("fma");
	assert_true(number(summary(), "submissions") < 400);
}

static void test_one_load_after_the_other(void **state)
{
	(void)state;
	run("--items 64 --iterations 1 --submissions 3 --summary-only --quiet "
	    "--then fma:128:2:0.5 --then gemm:32:1:1");
	assert_int_equal(outcome.status, 0);
	assert_int_equal(outcome.n_lines, 3);
	assert_int_equal(count_type("summary"), 3);
	assert_int_equal(number(outcome.lines[0], "items"), 64);
	assert_int_equal(number(outcome.lines[1], "items"), 128);
	assert_int_equal(number(outcome.lines[1], "work_ns"), 3 * 500000);
	assert_string_equal(text(outcome.lines[2], "kind"), "gemm");
}

/*
 * One at a time, the last of which is in flight when the end is asked for; what was
 * counted lasted until then, not until the last one before.
 */
static void test_counts_until_the_end_is_asked_for(void **state)
{
	(void)state;
	run("--items 64 --iterations 1 --depth 8 --duration 1 --think-ms 300 "
	    "--count-on-signal --summary-only --quiet");
	check_right("fma");
	assert_in_range(number(summary(), "submissions"), 1, 4);
	assert_true(number(summary(), "elapsed_ns") >= 1000000000);
}

/* Neither has another end. */
static void test_each_load_ends_by_a_signal(void **state)
{
	(void)state;
	run_program(LOAD_PROGRAM,
		    "--items 64 --iterations 1 --duration 0 --count-on-signal "
		    "--summary-only --quiet --then fma:128:2:1",
		    SIGUSR2);
	assert_int_equal(outcome.status, 0);
	assert_int_equal(count_type("summary"), 1);
	assert_int_equal(number(summary(), "items"), 128);
}

static void test_wrong_result(void **state)
{
	(void)state;
	run_program(LOAD_FAULTY_PROGRAM,
		    "--items 64 --iterations 5 --submissions 3 --quiet", 0);
	assert_int_equal(outcome.status, 1);
	assert_string_equal(text(summary(), "result"), "wrong_result");
	assert_int_equal(number(summary(), "wrong"), 1);
	assert_int_equal(outcome.n_errors, 1);
	assert_non_null(strstr(outcome.error, "wrong result: 1 of 256 words"));
	assert_non_null(strstr(outcome.error, "word 162"));
}

/* Found in a sample too, while other submissions are in flight. */
static void test_wrong_result_while_running(void **state)
{
	(void)state;
	run_program(LOAD_FAULTY_PROGRAM,
		    "--items 64 --iterations 5 --depth 4 --duration 0 --quiet",
		    0);
	assert_int_equal(outcome.status, 1);
	assert_string_equal(text(summary(), "result"), "wrong_result");
}

/* A queue that runs dry once a second looks idle to whoever shares the GPU. */
static void test_samples_do_not_drain_the_queue(void **state)
{
	(void)state;
	setenv("FAULT", "drain", 1);
	run_program(LOAD_FAULTY_PROGRAM,
		    "--kind gemm --dispatch-ms 20 --depth 8 --duration 4 "
		    "--quiet --summary-only",
		    0);
	unsetenv("FAULT");
	check_right("gemm");
}

static void test_device_loss(void **state)
{
	(void)state;
	setenv("FAULT", "lost", 1);
	run_program(LOAD_FAULTY_PROGRAM,
		    "--kind gemm --items 64 --iterations 1 --quiet", 0);
	unsetenv("FAULT");
	assert_int_equal(outcome.status, 4);
	assert_string_equal(text(summary(), "result"), "device_lost");
	assert_int_equal(outcome.n_errors, 1);
	assert_non_null(strstr(outcome.error, "VK_ERROR_DEVICE_LOST"));
}

static void test_refused_memory(void **state)
{
	(void)state;
	setenv("FAULT", "memory", 1);
	run_program(LOAD_FAULTY_PROGRAM, "--kind gemm --memory 200M --quiet",
		    0);
	unsetenv("FAULT");
	assert_int_equal(outcome.status, 3);
	assert_int_equal(outcome.n_lines, 0);
	assert_int_equal(outcome.n_errors, 1);
	assert_non_null(strstr(outcome.error, "VK_ERROR_OUT_OF_DEVICE_MEMORY"));
}

static void test_more_memory_than_there_is(void **state)
{
	(void)state;
	run("--memory 4000T --quiet");
	assert_int_equal(outcome.status, 3);
	assert_int_equal(outcome.n_lines, 0);
	assert_int_equal(outcome.n_errors, 1);
	assert_non_null(strstr(outcome.error, "VK_ERROR_OUT_OF_DEVICE_MEMORY"));
}

static void test_timeout(void **state)
{
	(void)state;
	run("--iterations 4294967295 --timeout 200ms --quiet");
	assert_int_equal(outcome.status, 5);
	assert_string_equal(text(summary(), "result"), "timeout");
	assert_int_equal(number(summary(), "submissions"), 0);
	assert_int_equal(outcome.n_errors, 1);
	assert_non_null(strstr(outcome.error, "--timeout"));
}

static void test_bad_input(void **state)
{
	static const struct {
		const char *line;
		const char *names;
	} bad[] = {
		{"--kind fft", "fft"},
		{"--bogus", "--bogus"},
		{"--device 99 --quiet", "--device '99'"},
		{"--device voodoo --quiet", "voodoo"},
		{"--engine 7 --quiet", "queue family 7"},
		{"--kind copy --memory 1K --quiet", "at least"},
		{"--kind copy --items 134217728 --quiet", "at most"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tear_down(state);
		run(bad[i].line);
		assert_int_equal(outcome.status, 2);
		assert_int_equal(outcome.n_lines, 0);
		assert_int_equal(outcome.n_errors, 1);
		assert_non_null(strstr(outcome.error, bad[i].names));
	}
}

static void test_no_driver(void **state)
{
	const char *drivers = getenv("VK_DRIVER_FILES");
	char *saved = strdup(drivers ? drivers : "");

	(void)state;
	setenv("VK_DRIVER_FILES", "/nonexistent/icd.json", 1);
	run("--list");
	setenv("VK_DRIVER_FILES", saved, 1);
	free(saved);
	assert_int_equal(outcome.status, 2);
	assert_int_equal(outcome.n_lines, 0);
	assert_non_null(strstr(outcome.error, "VK_DRIVER_FILES"));
}

static void test_device_by_name(void **state)
{
	(void)state;
	run("--device LLVMPIPE --items 64 --iterations 1 --submissions 1 "
	    "--quiet");
	check_right("fma");
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list),
		TEST(test_fma),
		TEST(test_copy),
		TEST(test_copy_of_wanted_size),
		TEST(test_gemm),
		TEST(test_gemm_of_wanted_size),
		TEST(test_spin_ends_with_the_run),
		TEST(test_contexts_and_depth),
		TEST(test_known_calibration),
		TEST(test_calibrate_only),
		TEST(test_calibrated_at_once),
		TEST(test_held_memory),
		TEST(test_think_time),
		TEST(test_polled),
		TEST(test_signals_end_in_order),
		TEST(test_counts_from_a_signal_on),
		TEST(test_one_load_after_the_other),
		TEST(test_counts_until_the_end_is_asked_for),
		TEST(test_each_load_ends_by_a_signal),
		TEST(test_wrong_result),
		TEST(test_wrong_result_while_running),
		TEST(test_samples_do_not_drain_the_queue),
		TEST(test_device_loss),
		TEST(test_refused_memory),
		TEST(test_more_memory_than_there_is),
		TEST(test_timeout),
		TEST(test_bad_input),
		TEST(test_no_driver),
		TEST(test_device_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
