// SPDX-License-Identifier: MIT
/* The command: exit status and output for good and bad command lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GOOD SCENARIO_DIR "/lone-busy.json"

/* Runs the command by the shell; its output, both streams, ends in @text. */
static int command_run(const char *arguments, char *text, size_t size)
{
	char line[1024];
	FILE *pipe;
	size_t len;
	int status;

	snprintf(line, sizeof(line), "%s %s 2>&1", COMMAND, arguments);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	len = fread(text, 1, size - 1, pipe);
	text[len] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void bad_command_lines_are_explained(void **state)
{
	static const struct {
		const char *arguments;
		const char *message;
	} bad[] = {
		{"", "no scenario: give the path"},
		{"/nonexistent.json", "No such file or directory: give"},
		{"--nonsense", "unknown option --nonsense: see"},
		{GOOD " --policy", "option --policy lacks its value: add it"},
		{GOOD " --policy cfs", "unknown policy \"cfs\": use tranche"},
		{GOOD " more", "unexpected \"more\": give one scenario"},
		{GOOD " --svg /nonexistent/x", "/nonexistent/x: No such file"},
	};
	char text[65536];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			command_run(bad[i].arguments, text, sizeof(text)), 2);
		assert_contains(text, "tranche-sim: ");
		assert_contains(text, bad[i].message);
	}
}

static void help_names_the_policies(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(command_run("--help", text, sizeof(text)), 0);
	assert_contains(text, "Usage: tranche-sim");
	assert_contains(text, "\n  gvt ");
}

static void policies_stand_side_by_side(void **state)
{
	char text[65536];

	(void)state;
	assert_int_equal(command_run(GOOD, text, sizeof(text)), 0);
	assert_contains(text, "\ntranche (");
	assert_contains(text, "\nfifo (");
	assert_contains(text, "\nrr (");
	assert_contains(text, "\ngvt (");
	assert_int_equal(
		command_run(GOOD " --policy rr --json", text, sizeof(text)), 0);
	assert_contains(text, "\"name\" : \"rr\"");
	assert_null(strstr(text, "gvt"));
}

/* Asserts that a file made by the command starts and ends as it should. */
static void assert_file(const char *path, const char *start, const char *end)
{
	char text[4096] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_int_equal(strncmp(text, start, strlen(start)), 0);
	while (fgets(text, sizeof(text), file))
		;
	assert_string_equal(text, end);
	fclose(file);
}

static void files_are_written(void **state)
{
	char folder[] = "/tmp/sim-command-test-XXXXXX";
	char arguments[512], text[65536];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	snprintf(arguments, sizeof(arguments), "%s --trace t.json --svg t.svg",
		 GOOD);
	assert_int_equal(command_run(arguments, text, sizeof(text)), 0);
	assert_file("t.json", "{\"displayTimeUnit\":\"ms\"", "]}\n");
	assert_file("t.svg", "<svg xmlns=", "</svg>\n");
	assert_int_equal(unlink("t.json"), 0);
	assert_int_equal(unlink("t.svg"), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_command_lines_are_explained),
		cmocka_unit_test(help_names_the_policies),
		cmocka_unit_test(policies_stand_side_by_side),
		cmocka_unit_test(files_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
