// SPDX-License-Identifier: MIT
/*
 * A link to the broker, and what is read over it, across the deaths of brokers:
 * these are processes of this test that answer as the broker does.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/tranche/broker.h"
#include "tools/tranche/demo/meter.h"
#include "tools/tranche/fleet/link.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/json.h"

#define GPU "0000:00:01.0"
#define UUID "6d2c8a70-1f0e-4c5b-9f0e-3b8a4e1c7d21"

/* What a broker of this test does, and has counted. */
struct fake {
	uint64_t submits;
	uint64_t slices;
	unsigned int delay_ms; /* until it is there */
	bool dies; /* when it is asked */
};

static char socket_path[] = "/tmp/demo-link.XXXXXX/socket";

static int on_stats(sd_varlink *link, sd_json_variant *parameters,
		    sd_varlink_method_flags_t flags, void *user)
{
	const struct fake *fake = user;

	(void)parameters;
	(void)flags;
	if (fake->dies)
		_exit(0);
	return sd_varlink_replybo(
		link,
		SD_JSON_BUILD_PAIR(
			"gpus",
			SD_JSON_BUILD_ARRAY(SD_JSON_BUILD_OBJECT(
				SD_JSON_BUILD_PAIR_STRING("gpu", GPU),
				SD_JSON_BUILD_PAIR_UNSIGNED("nowNs", 7),
				SD_JSON_BUILD_PAIR_UNSIGNED("contexts", 3)))),
		SD_JSON_BUILD_PAIR(
			"vgpus",
			SD_JSON_BUILD_ARRAY(SD_JSON_BUILD_OBJECT(
				SD_JSON_BUILD_PAIR_STRING("uuid", UUID),
				SD_JSON_BUILD_PAIR_UNSIGNED(
					"gpuNs", 1000 * fake->submits),
				SD_JSON_BUILD_PAIR_UNSIGNED("submits",
							    fake->submits),
				SD_JSON_BUILD_PAIR_UNSIGNED("kills", 1),
				SD_JSON_BUILD_PAIR_UNSIGNED("contexts", 2)))));
}

static int on_slices(sd_varlink *link, sd_json_variant *parameters,
		     sd_varlink_method_flags_t flags, void *user)
{
	const struct fake *fake = user;
	sd_json_variant *slices = NULL;

	(void)flags;
	for (uint64_t i = json_number(parameters, "after"); i < fake->slices;
	     i++)
		assert_true(
			sd_json_variant_append_arraybo(
				&slices,
				SD_JSON_BUILD_PAIR_STRING("uuid", UUID),
				SD_JSON_BUILD_PAIR_UNSIGNED("beginNs", 10 * i),
				SD_JSON_BUILD_PAIR_UNSIGNED("endNs",
							    10 * i + 5)) >= 0);
	return sd_varlink_replybo(
		link, SD_JSON_BUILD_PAIR_UNSIGNED("after", fake->slices),
		SD_JSON_BUILD_PAIR_VARIANT("slices", slices));
}

/* No vGPUs: what they are called does not matter here. */
static int on_list(sd_varlink *link, sd_json_variant *parameters,
		   sd_varlink_method_flags_t flags, void *user)
{
	(void)parameters;
	(void)flags;
	(void)user;
	return sd_varlink_reply(link, NULL);
}

static int fake_listen(struct fake *fake, sd_event *event,
		       sd_varlink_server *server)
{
	int r = sd_varlink_server_bind_method_many(
		server, BROKER_INTERFACE "GetStats", on_stats,
		BROKER_INTERFACE "GetSlices", on_slices,
		BROKER_INTERFACE "ListVgpus", on_list);

	sd_varlink_server_set_userdata(server, fake);
	if (r >= 0)
		r = sd_varlink_server_attach_event(server, event, 0);
	if (r >= 0)
		r = sd_varlink_server_listen_address(server, socket_path, 0600);
	return r;
}

static void fake_run(struct fake *fake, int ready)
{
	sd_varlink_server *server = NULL;
	sd_event *event = NULL;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	usleep(1000 * fake->delay_ms);
	unlink(socket_path);
	r = sd_event_new(&event);
	if (r >= 0)
		r = sd_varlink_server_new(&server,
					  SD_VARLINK_SERVER_INHERIT_USERDATA);
	if (r >= 0)
		r = fake_listen(fake, event, server);
	close(ready);
	if (r >= 0)
		r = sd_event_loop(event);
	dprintf(STDERR_FILENO, "this broker fails: %s\n", strerror(-r));
	_exit(1);
}

/* Returns once it serves, but does not wait for one that comes later. */
static pid_t fake_start(struct fake fake)
{
	int ready[2];
	char end;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		fake_run(&fake, ready[1]);
	}
	close(ready[1]);
	if (!fake.delay_ms)
		assert_int_equal(read(ready[0], &end, 1), 0);
	close(ready[0]);
	return pid;
}

static void fake_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

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
	pid_t pid = fake_start((struct fake){.submits = 10});

	(void)state;
	assert_int_equal(link_open(&link), 0);
	assert_int_equal(submits_read(&link), 10);
	assert_int_equal(link.renewals, 0);
	fake_kill(pid);
	pid = fake_start((struct fake){.submits = 4, .delay_ms = 500});
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	fake_kill(pid);
	link_close(&link);
}

static void test_dies_when_asked(void **state)
{
	struct link link = {0};
	pid_t first = fake_start((struct fake){.dies = true}), second;

	(void)state;
	assert_int_equal(link_open(&link), 0);
	second = fake_start((struct fake){.submits = 4, .delay_ms = 500});
	assert_int_equal(submits_read(&link), 4);
	assert_int_equal(link.renewals, 1);
	assert_int_equal(waitpid(first, NULL, 0), first);
	fake_kill(second);
	link_close(&link);
}

static void test_ends_by_signal(void **state)
{
	struct link link = {0};
	pid_t pid = fake_start((struct fake){0});
	uint64_t begin;
	sigset_t set, old;

	(void)state;
	assert_int_equal(link_open(&link), 0);
	fake_kill(pid);
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
		.gpu = GPU,
		.uuids = {UUID},
		.record = &record,
	};
	FILE *trace = fopen("/dev/null", "w");
	pid_t pid = fake_start((struct fake){.submits = 10, .slices = 5});

	(void)state;
	assert_int_equal(link_open(&link), 0);
	assert_int_equal(meter_start(&meter, trace), 0);
	meter_read(&meter);
	meter_check(&meter, 10, 1);
	/* What was before the start is none of this record's. */
	assert_int_equal(record.n_slices, 0);
	fake_kill(pid);
	for (unsigned int i = 1; i <= 2; i++) {
		pid = fake_start((struct fake){.submits = 4, .slices = 3});
		/* Whichever is read first finds another broker. */
		if (i == 2)
			assert_int_equal(meter_sample(&meter), 0);
		meter_read(&meter);
		meter_read(&meter);
		meter_check(&meter, 10 + 4 * i, 1 + i);
		assert_int_equal(record.n_slices, 3 * i);
		fake_kill(pid);
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
	char *end = strrchr(socket_path, '/');
	int r;

	signal(SIGPIPE, SIG_IGN);
	*end = '\0';
	if (!mkdtemp(socket_path))
		return 1;
	*end = '/';
	setenv("TRANCHE_SOCKET", socket_path, 1);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(socket_path);
	*end = '\0';
	rmdir(socket_path);
	return r;
}
