// SPDX-License-Identifier: MIT
/*
 * A link to the broker, and what is read over it, across the deaths of brokers:
 * these are processes of this test that answer as the broker does.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_broker.h"
#include "tools/tranche/demo/meter.h"
#include "tools/tranche/fleet/link.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/json.h"

static uint64_t submits_read(struct link *link)
{
	_json_ sd_json_variant *reply = NULL;

	assert_int_equal(link_call(link, "GetStats", NULL, &reply), 0);
	return json_number(
		sd_json_variant_by_index(json_array(reply, "vgpus"), 0),
		"submits");
}

static void test_another_broker(void **state)
{
	struct link link = {0};
	pid_t pid = fake_broker_start(&(struct fake_broker){.submits = 10});

	(void)state;
	assert_int_equal(link_open(&link), 0);
	assert_int_equal(submits_read(&link), 10);
	assert_int_equal(link.renewals, 0);
	fake_broker_kill(pid);
	pid = fake_broker_start(
		&(struct fake_broker){.submits = 4, .delay_ms = 500});
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	fake_broker_kill(pid);
	link_close(&link);
}

static void test_dies_when_asked(void **state)
{
	struct link link = {0};
	pid_t first = fake_broker_start(&(struct fake_broker){.dies = true}),
	      second;

	(void)state;
	assert_int_equal(link_open(&link), 0);
	second = fake_broker_start(
		&(struct fake_broker){.submits = 4, .delay_ms = 500});
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	assert_int_equal(waitpid(first, NULL, 0), first);
	fake_broker_kill(second);
	link_close(&link);
}

static void test_ends_by_signal(void **state)
{
	struct link link = {0};
	pid_t pid = fake_broker_start(&(struct fake_broker){0});
	uint64_t begin;
	sigset_t set, old;

	(void)state;
	assert_int_equal(link_open(&link), 0);
	fake_broker_kill(pid);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGTERM);
	begin = wait_now_us();
	assert_int_equal(link_call(&link, "GetStats", NULL, NULL), -EINTR);
	assert_true(wait_now_us() - begin < 10 * WAIT_SECOND_US);
	/* There is no way back. */
	assert_int_equal(link_call(&link, "GetStats", NULL, NULL), -ENOTCONN);
	sigtimedwait(&set, NULL, &(struct timespec){0});
	sigprocmask(SIG_SETMASK, &old, NULL);
	link_close(&link);
}

static void meter_check(const struct meter *meter, uint64_t submits,
			uint64_t kills)
{
	const struct record *record = meter->record;
	const struct record_point *point =
		record->samples[record->n_samples - 1].guests;

	assert_int_equal(point->submits, submits);
	assert_int_equal(point->gpu_ns, 1000 * submits);
	assert_int_equal(point->kills, kills);
	assert_int_equal(meter->contexts, 3);
	assert_int_equal(meter->guest_contexts[0], 2);
}

static void meter_read(struct meter *meter)
{
	assert_int_equal(meter_slices(meter), 0);
	assert_int_equal(meter_sample(meter), 0);
}

static void test_figures_go_on(void **state)
{
	struct record record = {.n_guests = 1};
	struct link link = {0};
	struct meter meter = {
		.link = &link,
		.gpu = FAKE_GPU,
		.uuids = {FAKE_UUID(1)},
		.record = &record,
	};
	FILE *trace = fopen("/dev/null", "w");
	pid_t pid = fake_broker_start(
		&(struct fake_broker){.submits = 10, .slices = 5});

	(void)state;
	assert_int_equal(link_open(&link), 0);
	assert_int_equal(meter_start(&meter, trace), 0);
	meter_read(&meter);
	meter_check(&meter, 10, 1);
	/* What was before the start is none of this record's. */
	assert_int_equal(record.n_slices, 0);
	fake_broker_kill(pid);
	for (unsigned int i = 1; i <= 2; i++) {
		pid = fake_broker_start(
			&(struct fake_broker){.submits = 4, .slices = 3});
		/* Whichever is read first finds another broker. */
		if (i == 2)
			assert_int_equal(meter_sample(&meter), 0);
		meter_read(&meter);
		meter_read(&meter);
		meter_check(&meter, 10 + 4 * i, 1 + i);
		assert_int_equal(record.n_slices, 3 * i);
		fake_broker_kill(pid);
	}
	assert_int_equal(meter_stop(&meter), 0);
	fclose(trace);
	record_deinit(&record);
	link_close(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_broker),
		cmocka_unit_test(test_dies_when_asked),
		cmocka_unit_test(test_ends_by_signal),
		cmocka_unit_test(test_figures_go_on),
	};
	int r;

	if (!fake_broker_init())
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_broker_deinit();
	return r;
}
