// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/wait.h>

/*
 * The whole program, without a broker: bad input is told in one line with its
 * cure, and ends with status 2.
 */

#define NO_BROKER "TRANCHE_SOCKET=/nowhere/socket "

/* Standard output or error, and the exit status. */
static int run(const char *arguments, const char *streams, char *output,
	       size_t size)
{
	char command[512];
	size_t length;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), NO_BROKER TRANCHE_PROGRAM " %s %s",
		 arguments, streams);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	length = fread(output, 1, size - 1, pipe);
	output[length] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check_bad(const char *arguments, const char *cause)
{
	char output[2048], *newline;

	assert_int_equal(
		run(arguments, "2>&1 >/dev/null", output, sizeof(output)), 2);
	newline = strchr(output, '\n');
	if (!newline || newline[1] || strncmp(output, "tranche", 7) != 0 ||
	    !strstr(output, cause))
		fail_msg("'%s' told '%s', not '%s' in one line", arguments,
			 output, cause);
}

static void bad_input_is_told_in_one_line(void **state)
{
	(void)state;
	check_bad("", "tranche --help");
	check_bad("steal", "'steal' is no verb");
	check_bad("gpus --colour", "'--colour'");
	check_bad("gpus extra", "'extra' is one word too many");
	check_bad("list -z", "'-z'");
	check_bad("list --gpu", "needs a value");
	check_bad("show", "name a vGPU");
	check_bad("rm", "name a vGPU");
	check_bad("reset", "name a vGPU");
	check_bad("set x", "name a setting");
	check_bad("set x --weight 0", "from 1 to 10000");
	check_bad("set x --cap 101", "from 0.1 to 100");
	check_bad("create", "tranche types");
	check_bad("create t --uuid 12", "--uuid '12'");
	check_bad("run", "name a command");
	check_bad("run --weight 99999 -- true", "from 1 to 10000");
	check_bad("run --json -- true", "leave it out");
	check_bad("top --json", "--once");
	check_bad("top --sort size", "choose gpu");
	check_bad("top --interval 0", "--interval");
	check_bad("trace --seconds never", "--seconds");
	check_bad("events --count 0", "at least 1");
	check_bad("metrics --listen 12835", "such as 127.0.0.1:12835");
	check_bad("metrics --listen 192.0.2.1:9", "no address of this host");
	check_bad("metrics --once --listen 127.0.0.1:0", "leave --listen");
	check_bad("metrics --json", "tranche top --once --json");
}

static void missing_broker_is_told(void **state)
{
	static const char *const all[] = {
		"gpus", "show x", "create t", "set x --weight 2", "run -- true",
		"top",	"events", "trace",    "metrics --once",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		check_bad(all[i], "systemctl start tranched");
}

static void each_verb_has_help_with_example(void **state)
{
	static const char *const verbs[] = {
		"gpus", "types", "create",  "list",   "show",
		"set",	"reset", "rm",	    "events", "run",
		"top",	"trace", "metrics", "doctor",
	};
	char arguments[64], output[4096], all[4096];

	(void)state;
	assert_int_equal(run("--help", "", all, sizeof(all)), 0);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		assert_non_null(strstr(all, verbs[i]));
		snprintf(arguments, sizeof(arguments), "%s --help", verbs[i]);
		assert_int_equal(run(arguments, "", output, sizeof(output)), 0);
		assert_non_null(strstr(output, "Usage: tranche "));
		assert_non_null(strstr(output, "Example"));
	}
}

static void doctor_fails_without_broker(void **state)
{
	char output[16384];

	(void)state;
	assert_int_equal(run("doctor", "", output, sizeof(output)), 1);
	assert_non_null(strstr(output, "FAIL  broker"));
	assert_non_null(strstr(output, "systemctl start tranched"));
	assert_int_equal(run("doctor --json", "", output, sizeof(output)), 1);
	assert_int_equal(output[0], '{');
	assert_non_null(strstr(output, "\"failures\":"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input_is_told_in_one_line),
		cmocka_unit_test(missing_broker_is_told),
		cmocka_unit_test(each_verb_has_help_with_example),
		cmocka_unit_test(doctor_fails_without_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
