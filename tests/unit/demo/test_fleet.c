// SPDX-License-Identifier: MIT
/*
 * The fleet: what a guest's console says, the archive that carries the script,
 * and the script itself with real processes, the host in the place of a guest.
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
#include <unistd.h>

#include <cmocka.h>

#include "tools/tranche/fleet/console.h"
#include "tools/tranche/fleet/cpio.h"
#include "tools/tranche/fleet/guest.h"
#include "tools/tranche/fleet/image.h"
#include "tools/tranche/fleet/wait.h"

#define PATIENCE_US (30 * WAIT_SECOND_US)

struct lines {
	char text[8][CONSOLE_LINE_MAX];
	size_t count;
};

static void line_keep(void *user, const char *line)
{
	struct lines *lines = user;

	assert_true(lines->count < 8);
	assert_true(strlen(line) < CONSOLE_LINE_MAX);
	strcpy(lines->text[lines->count++], line);
}

static void feed(struct console *console, struct lines *lines, const char *text)
{
	console_feed(console, text, strlen(text), line_keep, lines);
}

static void test_lines_whole(void **state)
{
	struct console console = {0};
	struct lines lines = {0};

	(void)state;
	feed(&console, &lines, "on");
	assert_int_equal(lines.count, 0);
	feed(&console, &lines, "e\r\ntwo\n\nfo");
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.text[0], "one");
	assert_string_equal(lines.text[1], "two");
	assert_string_equal(lines.text[2], "");
}

static void test_lines_bounded(void **state)
{
	struct console console = {0};
	struct lines lines = {0};
	char just[CONSOLE_LINE_MAX];

	(void)state;
	memset(just, 'x', sizeof(just) - 1);
	just[sizeof(just) - 1] = '\0';
	feed(&console, &lines, just);
	feed(&console, &lines, "\n");
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.text[0], just);
	/* One byte more, and the line is none. */
	feed(&console, &lines, just);
	feed(&console, &lines, "y");
	for (int i = 0; i < 100; i++)
		feed(&console, &lines, just);
	feed(&console, &lines, "\nafter\n");
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.text[1], "after");
}

static void test_lines_clean(void **state)
{
	static const char data[] = "a\0b\033[2Jc\177\n";
	struct console console = {0};
	struct lines lines = {0};

	(void)state;
	console_feed(&console, data, sizeof(data) - 1, line_keep, &lines);
	assert_int_equal(lines.count, 1);
	assert_string_equal(lines.text[0], "ab[2Jc");
}

static void test_messages(void **state)
{
	struct console_message m;

	(void)state;
	assert_int_equal(console_parse("@0 ready 6.12").kind, CONSOLE_READY);
	m = console_parse("@3 pid 77");
	assert_int_equal(m.kind, CONSOLE_PID);
	assert_int_equal(m.job, 3);
	assert_int_equal(m.pid, 77);
	m = console_parse("@7 exit 134");
	assert_int_equal(m.kind, CONSOLE_EXIT);
	assert_int_equal(m.status, 134);
	m = console_parse("@1 {\"a\": 1}");
	assert_int_equal(m.kind, CONSOLE_OUTPUT);
	assert_string_equal(m.text, "{\"a\": 1}");
}

static void test_messages_hostile(void **state)
{
	static const char *const others[] = {
		"",	     "@",	  "@1",	       "@1x",
		"@8 exit 0", "@0 pid 5",  "@: pid 5",  "@0 exit 0",
		" @1 pid 5", "@-1 pid 5", "@10 pid 5",
	};
	static const char *const texts[] = {
		"@1 pid 0",	    "@1 pid -5",
		"@1 pid 5 ",	    "@1 pid",
		"@1 pid 99999999",  "@1 pid  5",
		"@1 exit 256",	    "@1 exit -1",
		"@1 exit 0x1",	    "@1 exit 18446744073709551616",
		"@1 pid 5; reboot",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(console_parse(others[i]).kind, CONSOLE_OTHER);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(console_parse(texts[i]).kind, CONSOLE_OUTPUT);
}

static void test_archive(void **state)
{
	char command[] = "cpio --quiet -i --to-stdout run.sh <archive >out";
	char folder[] = "/tmp/demo-fleet.XXXXXX", *got;
	FILE *file;
	size_t size = strlen(image_script);

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	file = fopen("archive", "w");
	assert_int_equal(
		cpio_write_file(file, "run.sh", 0755, image_script, size), 0);
	cpio_write_end(file);
	assert_int_equal(ftell(file) % 4, 0);
	assert_int_equal(fclose(file), 0);
	if (system("command -v cpio >/dev/null") != 0)
		skip();
	assert_int_equal(system(command), 0);
	file = fopen("out", "r");
	got = calloc(1, size + 2);
	assert_int_equal(fread(got, 1, size + 1, file), size);
	assert_string_equal(got, image_script);
	free(got);
	fclose(file);
	unlink("archive");
	unlink("out");
	assert_int_equal(rmdir(folder), 0);
}

struct stand {
	sd_event *event;
	struct guest *guest;
	unsigned int job;
};

static bool is_ready(void *user)
{
	return guest_state(((struct stand *)user)->guest) == GUEST_READY;
}

static bool is_gone(void *user)
{
	return guest_state(((struct stand *)user)->guest) == GUEST_GONE;
}

static bool job_runs(void *user)
{
	const struct stand *stand = user;

	return guest_job(stand->guest, stand->job)->state == JOB_RUNNING;
}

static bool job_ended(void *user)
{
	const struct stand *stand = user;

	return guest_job(stand->guest, stand->job)->state == JOB_ENDED;
}

static int stand_up(void **state)
{
	static const char *const environment[] = {"WORD=given", NULL};
	const struct guest_config config = {
		.kind = GUEST_HOST,
		.name = "host",
		.environment = environment,
	};
	struct stand *stand = calloc(1, sizeof(*stand));
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(sd_event_new(&stand->event), 0);
	assert_int_equal(guest_new(&stand->guest, &config, stand->event), 0);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, is_ready, stand),
			 0);
	stand->job = 1;
	*state = stand;
	return 0;
}

static int stand_down(void **state)
{
	struct stand *stand = *state;

	guest_free(stand->guest);
	sd_event_unref(stand->event);
	free(stand);
	return 0;
}

static void wait_job(struct stand *stand, unsigned int job)
{
	stand->job = job;
	assert_int_equal(
		wait_until(stand->event, PATIENCE_US, job_ended, stand), 0);
}

static void test_job_status(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(guest_start(stand->guest, 1, "true"), 0);
	assert_int_equal(guest_start(stand->guest, 1, "true"), -EBUSY);
	assert_int_equal(guest_start(stand->guest, 2, "no-such-program"), 0);
	wait_job(stand, 1);
	assert_int_equal(guest_job(stand->guest, 1)->status, 0);
	wait_job(stand, 2);
	assert_int_equal(guest_job(stand->guest, 2)->status, 127);
	assert_int_equal(guest_start(stand->guest, 1, "false"), 0);
	wait_job(stand, 1);
	assert_int_equal(guest_job(stand->guest, 1)->status, 1);
}

static void test_job_output(void **state)
{
	struct stand *stand = *state;
	const struct guest_job *job = guest_job(stand->guest, 1);

	assert_int_equal(guest_start(stand->guest, 1,
				     "echo {\"type\":\"summary\",\"wrong\":7}"),
			 0);
	wait_job(stand, 1);
	assert_non_null(job->summary);
	assert_int_equal(sd_json_variant_unsigned(
				 sd_json_variant_by_key(job->summary, "wrong")),
			 7);
	assert_int_equal(guest_start(stand->guest, 1, "A=b printenv A WORD"),
			 0);
	assert_null(job->summary);
	wait_job(stand, 1);
	assert_string_equal(job->error, "given");
	assert_int_equal(job->status, 0);
}

static void test_job_signal(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(guest_start(stand->guest, 1, "sleep 1000"), 0);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, job_runs, stand),
			 0);
	assert_int_equal(wait_until(stand->event, 100000, job_ended, stand),
			 -ETIMEDOUT);
	assert_int_equal(guest_signal(stand->guest, 1, "KILL"), 0);
	wait_job(stand, 1);
	assert_int_equal(guest_job(stand->guest, 1)->status, 128 + SIGKILL);
}

static void test_guest_end(void **state)
{
	struct stand *stand = *state;
	pid_t job;

	assert_int_equal(guest_start(stand->guest, 1, "sleep 1000"), 0);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, job_runs, stand),
			 0);
	job = guest_job(stand->guest, 1)->pid;
	assert_int_equal(guest_end(stand->guest), 0);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, is_gone, stand),
			 0);
	assert_string_equal(guest_ending(stand->guest), "ended with status 0");
	assert_int_equal(guest_job(stand->guest, 1)->state, JOB_ENDED);
	assert_int_equal(guest_start(stand->guest, 2, "true"), -ENOTCONN);
	for (int i = 0; i < 300 && kill(job, 0) == 0; i++)
		usleep(100000);
	assert_int_equal(kill(job, 0), -1);
}

static void test_guest_killed(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(guest_start(stand->guest, 1, "sleep 1000"), 0);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, job_runs, stand),
			 0);
	kill(guest_pid(stand->guest), SIGKILL);
	assert_int_equal(wait_until(stand->event, PATIENCE_US, is_gone, stand),
			 0);
	assert_int_equal(guest_pid(stand->guest), 0);
	assert_string_equal(guest_ending(stand->guest),
			    "was killed by signal 9");
	assert_int_equal(guest_job(stand->guest, 1)->status, 255);
}

static void test_command_bounded(void **state)
{
	struct stand *stand = *state;
	char big[2000];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(guest_start(stand->guest, 1, "%s", big), -E2BIG);
	assert_int_equal(guest_job(stand->guest, 1)->state, JOB_NONE);
}

#define WITH_HOST(test) \
	cmocka_unit_test_setup_teardown(test, stand_up, stand_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_whole),
		cmocka_unit_test(test_lines_bounded),
		cmocka_unit_test(test_lines_clean),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_messages_hostile),
		cmocka_unit_test(test_archive),
		WITH_HOST(test_job_status),
		WITH_HOST(test_job_output),
		WITH_HOST(test_job_signal),
		WITH_HOST(test_guest_end),
		WITH_HOST(test_guest_killed),
		WITH_HOST(test_command_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
