/* SPDX-License-Identifier: MIT */
/* The arithmetic of stamps, and the verdict whether they are cheap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/gate/stamp.h"

#define US UINT64_C(1000)
#define MS (1000 * US)

/* ------------------------------------------------------------------------
 * Arithmetic
 * ------------------------------------------------------------------------ */

static void assert_elapsed(struct stamp_clock clock, uint64_t begin,
			   uint64_t end, uint64_t most_ns, uint64_t wanted)
{
	uint64_t ns = ~wanted;

	assert_true(stamp_elapsed(&clock, begin, end, most_ns, &ns));
	assert_int_equal(ns, wanted);
}

static void assert_unknown(struct stamp_clock clock, uint64_t begin,
			   uint64_t end, uint64_t most_ns)
{
	uint64_t ns;

	assert_false(stamp_elapsed(&clock, begin, end, most_ns, &ns));
}

static void ticks_have_a_period(void **unused)
{
	(void)unused;
	assert_elapsed((struct stamp_clock){64, 1}, 5, 1005, MS, 1000);
	assert_elapsed((struct stamp_clock){64, 10}, 5, 105, MS, 1000);
	/* 19.2 MHz, and one that counts in less than nanoseconds. */
	assert_elapsed((struct stamp_clock){36, 52.083333}, 100, 100 + 19200,
		       2 * MS, 999999);
	assert_elapsed((struct stamp_clock){48, 0.5}, 0, 3000, MS, 1500);
	assert_elapsed((struct stamp_clock){64, 1}, 7, 7, MS, 0);
}

static void clocks_go_round(void **unused)
{
	const uint64_t top36 = (UINT64_C(1) << 36) - 1;

	(void)unused;
	assert_elapsed((struct stamp_clock){36, 1}, top36 - 99, 900, MS, 1000);
	assert_elapsed((struct stamp_clock){32, 10}, UINT32_MAX, 99, MS, 1000);
	assert_elapsed((struct stamp_clock){64, 1}, UINT64_MAX - 99, 900, MS,
		       1000);
	/* Bits that do not count may be anything. */
	assert_elapsed((struct stamp_clock){36, 1}, 1 | UINT64_C(5) << 36,
		       1001 | UINT64_C(9) << 40, MS, 1000);
}

static void a_clock_that_may_have_gone_round_twice_says_nothing(void **unused)
{
	const struct stamp_clock clock = {32, 1};

	(void)unused;
	assert_elapsed(clock, 0, UINT32_MAX / 2, UINT32_MAX - 1,
		       UINT32_MAX / 2);
	assert_unknown(clock, 0, 1000, UINT32_MAX);
	assert_unknown(clock, 0, 1000, UINT64_C(5000) * MS);
}

static void what_is_longer_than_all_that_passed_is_no_time(void **unused)
{
	const struct stamp_clock clock = {64, 1};

	(void)unused;
	assert_unknown(clock, 1000, 0, MS);
	assert_unknown(clock, 0, 2 * MS, MS);
	/* But the clocks may run a little apart. */
	assert_elapsed(clock, 0, MS + MS / 100, MS, MS);
}

static void no_bits_no_time(void **unused)
{
	(void)unused;
	assert_unknown((struct stamp_clock){0, 1}, 0, 0, 0);
	assert_unknown((struct stamp_clock){0, 1}, 0, 1000, MS);
}

/* ------------------------------------------------------------------------
 * Verdict
 * ------------------------------------------------------------------------ */

struct driver {
	uint64_t call_ns;
	uint64_t whole_ns;
	uint64_t call_more_ns; /* with stamps */
	uint64_t whole_more_ns;
	uint64_t jitter_ns; /* up to */
	uint32_t rhythm; /* each so many jobs are long */
	uint64_t long_ns;
};

/* A generator of its own, so that each run is the same. */
static uint64_t jitter(uint64_t most)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return most ? (state >> 33) % most : 0;
}

static enum stamp_verdict probe(const struct driver *driver, uint32_t *turns)
{
	struct stamp_probe probe = {};
	enum stamp_verdict verdict = STAMP_UNKNOWN;

	for (*turns = 0; verdict == STAMP_UNKNOWN; ++*turns) {
		enum stamp_kind kind = stamp_turn(*turns);
		uint64_t call = driver->call_ns + jitter(driver->jitter_ns) / 8;
		uint64_t whole = driver->whole_ns + jitter(driver->jitter_ns);

		if (driver->rhythm && *turns % driver->rhythm == 0)
			whole += driver->long_ns;
		if (kind == STAMP_STAMPED) {
			call += driver->call_more_ns;
			whole += driver->whole_more_ns;
		}
		verdict = stamp_probe_add(&probe, kind, call, whole);
		assert_in_range(*turns, 0, 1000);
	}
	return verdict;
}

static void assert_verdict(struct driver driver, enum stamp_verdict wanted)
{
	uint32_t turns;

	assert_int_equal(probe(&driver, &turns), wanted);
}

static void what_adds_nothing_is_cheap(void **unused)
{
	struct driver driver = {.call_ns = 5 * US, .whole_ns = 100 * US};
	uint32_t turns;

	(void)unused;
	assert_int_equal(probe(&driver, &turns), STAMP_CHEAP);
	assert_in_range(turns, 2 * STAMP_SAMPLES, 2 * STAMP_SAMPLES + 2);
	driver.jitter_ns = 3 * US;
	driver.call_more_ns = 200;
	assert_verdict(driver, STAMP_CHEAP);
}

static void a_call_that_takes_longer_is_dear(void **unused)
{
	const struct driver driver = {
		.call_ns = 5 * US,
		.call_more_ns = US,
		.whole_ns = 100 * US,
		.jitter_ns = 2 * US,
	};

	(void)unused;
	assert_verdict(driver, STAMP_DEAR);
}

static void an_end_that_comes_later_is_dear(void **unused)
{
	struct driver driver = {
		.call_ns = 5 * US,
		.whole_ns = 100 * US,
		.whole_more_ns = 10 * US,
		.jitter_ns = 2 * US,
	};

	(void)unused;
	assert_verdict(driver, STAMP_DEAR);
	/* Whatever the length of the jobs: shorter ones may follow. */
	driver.whole_ns = 10 * MS;
	assert_verdict(driver, STAMP_DEAR);
	driver.whole_more_ns = US;
	assert_verdict(driver, STAMP_CHEAP);
}

static void what_is_dear_by_far_shows_soon(void **unused)
{
	const struct driver driver = {
		.call_ns = 5 * US,
		.whole_ns = 30 * US,
		.whole_more_ns = 32 * US,
		.jitter_ns = 3 * US,
	};
	uint32_t turns;

	(void)unused;
	assert_int_equal(probe(&driver, &turns), STAMP_DEAR);
	assert_in_range(turns, 2 * STAMP_EARLY, 2 * STAMP_EARLY + 2);
}

/* Every second job is long, every third, every fourth: both kinds of submission
 * have as many of them. */
static void no_rhythm_falls_in_with_the_turns(void **unused)
{
	struct driver driver = {.call_ns = 5 * US, .whole_ns = 100 * US};

	(void)unused;
	for (driver.rhythm = 2; driver.rhythm < 16; driver.rhythm++) {
		driver.long_ns = 0;
		assert_verdict(driver, STAMP_CHEAP);
		driver.long_ns = MS;
		driver.whole_more_ns = 20 * US;
		assert_verdict(driver, STAMP_DEAR);
		driver.whole_more_ns = 0;
	}
}

static void jobs_that_differ_too_much_say_nothing(void **unused)
{
	struct driver driver = {
		.call_ns = 5 * US,
		.whole_ns = 100 * US,
		.jitter_ns = 500 * US,
	};
	const uint32_t all = 2 * STAMP_ROUNDS * STAMP_SAMPLES;
	uint32_t turns;

	(void)unused;
	assert_int_equal(probe(&driver, &turns), STAMP_DEAR);
	assert_in_range(turns, all, all + 8 * STAMP_ROUNDS);
	/* But they can't hide what is worse than all their differences. */
	driver.whole_more_ns = 5 * MS;
	assert_int_equal(probe(&driver, &turns), STAMP_DEAR);
	assert_in_range(turns, 2 * STAMP_EARLY, 2 * STAMP_EARLY + 2);
}

static void a_round_that_says_nothing_is_repeated(void **unused)
{
	struct driver driver = {
		.call_ns = 5 * US,
		.whole_ns = 100 * US,
	};
	struct stamp_probe probe = {};
	enum stamp_verdict verdict = STAMP_UNKNOWN;

	(void)unused;
	for (uint32_t i = 0; i < 2 * STAMP_SAMPLES; i++)
		verdict = stamp_probe_add(&probe, i % 2, driver.call_ns,
					  driver.whole_ns + i / 8 * 100 * US);
	assert_int_equal(verdict, STAMP_UNKNOWN);
	for (uint32_t i = 0; i < 2 * STAMP_SAMPLES; i++) {
		assert_int_equal(verdict, STAMP_UNKNOWN);
		verdict = stamp_probe_add(&probe, i % 2, driver.call_ns,
					  driver.whole_ns);
	}
	assert_int_equal(verdict, STAMP_CHEAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks_have_a_period),
		cmocka_unit_test(clocks_go_round),
		cmocka_unit_test(
			a_clock_that_may_have_gone_round_twice_says_nothing),
		cmocka_unit_test(
			what_is_longer_than_all_that_passed_is_no_time),
		cmocka_unit_test(no_bits_no_time),
		cmocka_unit_test(what_adds_nothing_is_cheap),
		cmocka_unit_test(a_call_that_takes_longer_is_dear),
		cmocka_unit_test(an_end_that_comes_later_is_dear),
		cmocka_unit_test(what_is_dear_by_far_shows_soon),
		cmocka_unit_test(no_rhythm_falls_in_with_the_turns),
		cmocka_unit_test(jobs_that_differ_too_much_say_nothing),
		cmocka_unit_test(a_round_that_says_nothing_is_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
