// SPDX-License-Identifier: MIT
/*
 * Which guest the demo takes for lost, and when: a broker of this test says
 * what state vGPUs are in, and the host stands in the place of the guests.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "fake_broker.h"
#include "tools/tranche/demo/demo.h"
#include "tools/tranche/fleet/wait.h"

#define PATIENCE_US (30 * WAIT_SECOND_US)
#define MANY 30
/* Readings until the demo gives a guest without a context up. */
#define WITHOUT 10

struct stand {
	struct demo demo;
	pid_t broker;
};

static const char **states; /* shared with the broker */

static struct demo_guest *guest_of(struct stand *stand, size_t i)
{
	return &stand->demo.guests[i];
}

static bool all_ready(void *user)
{
	struct stand *stand = user;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		if (guest_state(guest_of(stand, i)->guest) != GUEST_READY)
			return false;
	return true;
}

static bool first_gone(void *user)
{
	return guest_state(guest_of(user, 0)->guest) == GUEST_GONE;
}

static bool first_ended(void *user)
{
	return guest_job(guest_of(user, 0)->guest, DEMO_LOAD)->state ==
	       JOB_ENDED;
}

static void await(struct stand *stand, bool (*done)(void *user))
{
	assert_int_equal(
		wait_until(stand->demo.event, PATIENCE_US, done, stand), 0);
}

static void guest_up(struct stand *stand, size_t i)
{
	static const char *const names[] = {"gold", "silver", "bronze"};
	static const char uuids[][LEND_UUID] = {FAKE_UUID(1), FAKE_UUID(2),
						FAKE_UUID(3)};
	const struct guest_config config = {.kind = GUEST_HOST,
					    .name = names[i]};
	struct demo_guest *guest = guest_of(stand, i);

	*guest = (struct demo_guest){.name = names[i], .works = true};
	memcpy(guest->uuid, uuids[i], sizeof(guest->uuid));
	assert_int_equal(guest_new(&guest->guest, &config, stand->demo.event),
			 0);
	stand->demo.meter.guest_contexts[i] = 1;
	states[i] = "open";
}

static int stand_up(void **state)
{
	static struct stand stand;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	stand = (struct stand){0};
	assert_int_equal(sd_event_new(&stand.demo.event), 0);
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		guest_up(&stand, i);
	stand.broker =
		fake_broker_start(&(struct fake_broker){.states = states});
	assert_int_equal(link_open(&stand.demo.link), 0);
	await(&stand, all_ready);
	*state = &stand;
	return 0;
}

static int stand_down(void **state)
{
	struct stand *stand = *state;

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		guest_free(stand->demo.guests[i].guest);
	sd_event_unref(stand->demo.event);
	link_close(&stand->demo.link);
	record_deinit(&stand->demo.record);
	fake_broker_kill(stand->broker);
	return 0;
}

static void assert_well(struct stand *stand, unsigned int readings)
{
	for (unsigned int i = 0; i < readings; i++)
		assert_int_equal(health_check(&stand->demo), 0);
	assert_int_equal(stand->demo.record.n_claims, 0);
}

/* Told once, and no further reading tells it again. */
static void assert_lost(struct stand *stand, size_t i, const char *text)
{
	const struct record *record = &stand->demo.record;

	assert_int_equal(health_check(&stand->demo), -EOWNERDEAD);
	assert_true(guest_of(stand, i)->lost);
	/* Nobody waits any more for what becomes of it. */
	assert_int_equal(guest_of(stand, i)->ailing, 0);
	assert_int_equal(health_check(&stand->demo), 0);
	assert_int_equal(record->n_claims, 1);
	assert_false(record->claims[0].holds);
	assert_string_equal(record->claims[0].text, text);
}

static void test_all_well(void **state)
{
	struct stand *stand = *state;

	assert_well(stand, MANY);
	/* One that rests needs no context. */
	guest_of(stand, 1)->works = false;
	stand->demo.meter.guest_contexts[1] = 0;
	assert_well(stand, MANY);
}

static void test_vmm_killed(void **state)
{
	struct stand *stand = *state;

	kill(guest_pid(guest_of(stand, 0)->guest), SIGKILL);
	await(stand, first_gone);
	assert_lost(stand, 0, "gold is lost: its VMM was killed by signal 9");
}

static void test_vgpu_broken(void **state)
{
	struct stand *stand = *state;

	/* The broker may be just about to hear more. */
	states[1] = "broken";
	assert_well(stand, 1);
	states[1] = "open";
	assert_well(stand, 1);
	states[1] = "broken";
	assert_well(stand, 1);
	assert_lost(stand, 1,
		    "silver is lost: its vGPU is broken (its device process "
		    "ended)");
}

static void test_vgpu_stopped(void **state)
{
	struct stand *stand = *state;

	states[2] = "stopped";
	assert_well(stand, 1);
	assert_lost(stand, 2,
		    "bronze is lost: its vGPU is stopped (too many of its jobs "
		    "were ended at the limit)");
}

static void test_vgpu_gone(void **state)
{
	struct stand *stand = *state;

	states[2] = NULL;
	assert_well(stand, 1);
	assert_lost(stand, 2, "bronze is lost: its vGPU is gone");
}

static void test_no_context(void **state)
{
	struct stand *stand = *state;
	uint64_t *contexts = stand->demo.meter.guest_contexts;

	contexts[1] = 0;
	assert_well(stand, WITHOUT - 1);
	/* As when a broker has come back. */
	contexts[1] = 1;
	assert_well(stand, 1);
	contexts[1] = 0;
	assert_well(stand, WITHOUT - 1);
	assert_lost(stand, 1,
		    "silver is lost: its load has lost the GPU: its render "
		    "worker ended");
}

static void test_job_too_long(void **state)
{
	struct stand *stand = *state;
	struct record_sample sample = {.guests[1].kills = 3};

	guest_of(stand, 1)->kills = 2;
	record_sample_add(&stand->demo.record, &sample);
	stand->demo.meter.guest_contexts[1] = 0;
	assert_well(stand, WITHOUT - 1);
	assert_lost(stand, 1,
		    "silver is lost: its load has lost the GPU: a job ran past "
		    "the kill limit");
}

static void test_load_ended(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(guest_start(guest_of(stand, 0)->guest, DEMO_LOAD,
				     "no-such-program"),
			 0);
	await(stand, first_ended);
	assert_well(stand, 1);
	assert_int_equal(health_check(&stand->demo), -EOWNERDEAD);
	assert_non_null(strstr(stand->demo.record.claims[0].text,
			       "gold is lost: its load ended with status 127"));
}

static void test_two_lost(void **state)
{
	struct stand *stand = *state;

	states[0] = states[2] = "broken";
	assert_well(stand, 1);
	assert_int_equal(health_check(&stand->demo), -EOWNERDEAD);
	assert_false(guest_of(stand, 2)->lost);
	assert_int_equal(health_check(&stand->demo), -EOWNERDEAD);
	assert_true(guest_of(stand, 0)->lost && guest_of(stand, 2)->lost);
	assert_int_equal(health_check(&stand->demo), 0);
	assert_int_equal(stand->demo.record.n_claims, 2);
}

static void test_removing(void **state)
{
	struct stand *stand = *state;

	stand->demo.removing = true;
	kill(guest_pid(guest_of(stand, 0)->guest), SIGKILL);
	await(stand, first_gone);
	states[1] = "closed";
	assert_well(stand, MANY);
}

#define WITH_GUESTS(test) \
	cmocka_unit_test_setup_teardown(test, stand_up, stand_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUESTS(test_all_well),	WITH_GUESTS(test_vmm_killed),
		WITH_GUESTS(test_vgpu_broken),	WITH_GUESTS(test_vgpu_stopped),
		WITH_GUESTS(test_vgpu_gone),	WITH_GUESTS(test_no_context),
		WITH_GUESTS(test_job_too_long), WITH_GUESTS(test_load_ended),
		WITH_GUESTS(test_two_lost),	WITH_GUESTS(test_removing),
	};
	int r;

	/* Pointers to texts of this program, which the broker is a copy of. */
	states =
		mmap(NULL, FAKE_VGPUS * sizeof(*states), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (states == MAP_FAILED || !fake_broker_init())
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_broker_deinit();
	return r;
}
