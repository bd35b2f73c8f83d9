// SPDX-License-Identifier: MIT
/*
 * What becomes of probing children that do not behave. Each stands as a script
 * in the place of tranche-probe and is told by its manifest's name how to act.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "mdev/gpu/probe.h"

#define REPORT                                                               \
	"{\"devices\":[{\"name\":\"n\",\"driver\":\"d\",\"library\":\"l\","  \
	"\"api\":1,\"hasRender\":false,\"renderMajor\":0,\"renderMinor\":0," \
	"\"cpu\":true,\"exports\":false,\"heaps\":[]}]}"

static char folder[] = "/tmp/gpu-probe-XXXXXX";
static char script[64];
static char pid_file[64];

static int script_make(void **state)
{
	FILE *file;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(script, sizeof(script), "%s/probe", folder);
	snprintf(pid_file, sizeof(pid_file), "%s/pid", folder);
	file = fopen(script, "we");
	if (!file)
		return -1;
	fprintf(file,
		"#!/bin/sh\n"
		"report='%s'\n"
		"case $1 in\n"
		"good) echo \"$report\" ;;\n"
		"crashes) echo \"$report\"; kill -SEGV $$ ;;\n"
		"fails) echo \"$report\"; exit 1 ;;\n"
		"babbles) exec yes ;;\n"
		"silent) exit 0 ;;\n"
		"hangs) echo $$ >%s; exec sleep 1000 ;;\n"
		"closes) echo $$ >%s; exec sleep 1000 >&- ;;\n"
		"environment) (read -r x || exit 0; exit 1) &&\n"
		"  kill -TERM $$; echo \"$report\" ;;\n"
		"esac\n",
		REPORT, pid_file, pid_file);
	fclose(file);
	return chmod(script, 0700);
}

static int script_remove(void **state)
{
	(void)state;
	unlink(script);
	unlink(pid_file);
	return rmdir(folder);
}

/* Room for a loaded machine, or as short as a test may last. */
#define LONG_MS PROBE_MS
#define SHORT_MS 5000

static void ask(const char **behaviours, size_t count, int64_t ms,
		struct report *reports)
{
	struct manifest_list manifests = {
		.paths = (char **)behaviours,
		.count = count,
	};

	assert_int_equal(probe_drivers(script, &manifests, ms, reports), 0);
	/* No child is left, not even a dead one. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void bad_drivers_harm_no_good_one(void **state)
{
	const char *behaviours[] = {"crashes", "good",	 "fails",
				    "babbles", "silent", "good"};
	static struct report reports[6];

	(void)state;
	ask(behaviours, 6, LONG_MS, reports);
	for (int i = 0; i < 6; i++)
		assert_int_equal(reports[i].count, i == 1 || i == 5);
	report_deinit(&reports[1]);
	report_deinit(&reports[5]);
}

static pid_t pid_read(void)
{
	FILE *file = fopen(pid_file, "re");
	int pid;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

static void check_ended(const char *behaviour)
{
	const char *behaviours[] = {behaviour, "good"};
	static struct report reports[2];

	ask(behaviours, 2, SHORT_MS, reports);
	assert_int_equal(reports[0].count, 0);
	assert_int_equal(reports[1].count, 1);
	report_deinit(&reports[1]);
	assert_int_equal(kill(pid_read(), 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void hung_driver_is_ended(void **state)
{
	(void)state;
	check_ended("hangs");
}

static void driver_that_closes_its_pipe_is_ended(void **state)
{
	(void)state;
	check_ended("closes");
}

/* A daemon has signals blocked; the child must be killable by them. */
static void signals_are_the_childs_own(void **state)
{
	const char *behaviours[] = {"environment"};
	static struct report report;
	sigset_t term, before;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	ask(behaviours, 1, LONG_MS, &report);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(report.count, 0);
}

static void missing_program_is_told(void **state)
{
	const char *behaviours[] = {"good", "good"};
	struct manifest_list manifests = {
		.paths = (char **)behaviours,
		.count = 2,
	};
	static struct report reports[2];

	(void)state;
	assert_int_equal(
		probe_drivers("/nowhere/probe", &manifests, PROBE_MS, reports),
		-ENOENT);
	assert_int_equal(reports[0].count + reports[1].count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_drivers_harm_no_good_one),
		cmocka_unit_test(hung_driver_is_ended),
		cmocka_unit_test(driver_that_closes_its_pipe_is_ended),
		cmocka_unit_test(signals_are_the_childs_own),
		cmocka_unit_test(missing_program_is_told),
	};

	return cmocka_run_group_tests(tests, script_make, script_remove);
}
