/* SPDX-License-Identifier: MIT */
/* The timer slack of threads that submit. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scheduler/gate/slack.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define PLAIN (300 * US)

static uint64_t slack(void)
{
	return (uint64_t)prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

/* What is told, one after the other. */
struct held {
	uint32_t count;
	uint64_t job_ns;
	uint32_t crowd;
};

/*
 * The slack of a process afterwards that was told @environment, which is read once.
 * Its status has room for some milliseconds, in steps of 50 us.
 */
static uint64_t slack_after(const char *environment, struct held first,
			    struct held then)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_TIMERSLACK, PLAIN, 0, 0, 0);
		if (environment)
			setenv(SLACK_ENVIRONMENT, environment, 1);
		slack_fit(first.crowd, first.count, first.job_ns);
		slack_fit(then.crowd, then.count, then.job_ns);
		_exit((int)(slack() / (50 * US)));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (uint64_t)WEXITSTATUS(status) * 50 * US;
}

static uint64_t slack_with(uint32_t count, uint64_t job_ns)
{
	struct held held = {count, job_ns, 1};

	return slack_after("300000", held, held);
}

static void other_programs_are_left_alone(void **unused)
{
	struct held much = {8, 10 * MS, 4};

	(void)unused;
	assert_int_equal(slack_after(NULL, much, much), PLAIN);
	assert_int_equal(slack_after("", much, much), PLAIN);
	assert_int_equal(slack_after("many", much, much), PLAIN);
}

static void slack_is_half_of_what_jobs_and_looks_take(void **unused)
{
	(void)unused;
	assert_int_equal(slack_with(2, 700 * US), MS);
	assert_int_equal(slack_with(8, 100 * US), 1600 * US);
}

static void slack_has_a_limit(void **unused)
{
	(void)unused;
	assert_int_equal(slack_with(8, 10 * MS), SLACK_PARTS * PLAIN);
	assert_int_equal(slack_with(UINT32_MAX, MS), SLACK_PARTS * PLAIN);
	assert_int_equal(slack_with(2, UINT64_MAX), SLACK_PARTS * PLAIN);
}

static void a_crowd_looks_less_often(void **unused)
{
	struct held few = {0, 0, 2}, many = {1, MS, 4}, crowd = {0, 0, 100};
	struct held held = {2, 700 * US, 2};

	(void)unused;
	assert_int_equal(slack_after("300000", few, few), 2 * PLAIN);
	assert_int_equal(slack_after("300000", few, many), 4 * PLAIN);
	assert_int_equal(slack_after("300000", crowd, crowd),
			 SLACK_PARTS * PLAIN);
	assert_int_equal(slack_after("300000", held, held), 1300 * US);
}

static void little_work_changes_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(slack_with(1, 10 * MS), PLAIN);
	assert_int_equal(slack_with(0, 10 * MS), PLAIN);
}

static void slack_follows_what_is_held(void **unused)
{
	struct held more = {4, 700 * US, 1}, less = {2, 700 * US, 1};
	struct held none = {0, MS, 1};

	(void)unused;
	assert_int_equal(slack_after("300000", less, more), 2 * MS);
	assert_int_equal(slack_after("300000", more, less), MS);
	assert_int_equal(slack_after("300000", more, none), PLAIN);
}

static void small_changes_cost_no_call(void **unused)
{
	struct held held = {2, 700 * US, 1};

	(void)unused;
	assert_int_equal(
		slack_after("300000", held, (struct held){2, 900 * US, 1}), MS);
	assert_int_equal(
		slack_after("300000", held, (struct held){2, 500 * US, 1}), MS);
}

static void *slack_of_thread(void *ns)
{
	*(uint64_t *)ns = slack();
	return NULL;
}

static void threads_can_be_born_plain(void **unused)
{
	uint64_t born;
	pthread_t thread;

	(void)unused;
	setenv(SLACK_ENVIRONMENT, "300000", 1);
	slack_fit(1, 4, 700 * US);
	assert_int_equal(slack(), 2 * MS);
	slack_plain();
	pthread_create(&thread, NULL, slack_of_thread, &born);
	pthread_join(thread, NULL);
	assert_int_equal(born, PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_programs_are_left_alone),
		cmocka_unit_test(slack_is_half_of_what_jobs_and_looks_take),
		cmocka_unit_test(slack_has_a_limit),
		cmocka_unit_test(a_crowd_looks_less_often),
		cmocka_unit_test(little_work_changes_nothing),
		cmocka_unit_test(slack_follows_what_is_held),
		cmocka_unit_test(small_changes_cost_no_call),
		cmocka_unit_test(threads_can_be_born_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
