// SPDX-License-Identifier: MIT
/*
 * How soon a change of an account's settings shows in what it holds. A setting
 * goes to and fro while the account and its neighbours work; what the account
 * held in each ten milliseconds after a change is added up over all changes, so
 * that slices and the periods of caps, which changes meet at any moment, cancel
 * out. Printed in permille.
 *
 *   arbiter-change-test [CHANGES]   CHANGES: so many each way, at least 2
 */
#include "tests/unit/arbiter/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIN_NS (10 * MS)
#define BINS 30
/* Of them printed one by one. */
#define BINS_SHOWN 10
/* Changes come this much later than they could, at random: a cap's period. */
#define SCATTER_NS (100 * MS)
#define CHANGES_MAX 1000
#define HOLDS_AT_ONCE 256

/* By when it must have changed, and until when that is looked at. */
#define CHANGED_BIN 5
#define SETTLED_BIN 25

static struct stage s;
static unsigned int changes = 8;

/* What account 0 held, by time after a change. */
struct trace {
	uint64_t begin_ns[CHANGES_MAX];
	unsigned int count;
	uint64_t held_ns[BINS];
};

/* There, and back. */
static struct trace traces[2];
static uint64_t holds_seen;

static void trace_add(struct trace *trace, uint64_t from, uint64_t to)
{
	unsigned int i, bin;

	for (i = 0; i < trace->count; i++) {
		if (from >= trace->begin_ns[i] + BINS * BIN_NS)
			continue;
		for (bin = 0; bin < BINS; bin++) {
			uint64_t first = trace->begin_ns[i] + bin * BIN_NS;
			uint64_t last = first + BIN_NS;

			first = first > from ? first : from;
			last = last < to ? last : to;
			trace->held_ns[bin] += last > first ? last - first : 0;
		}
	}
}

/* Of account 0, since it was last looked. */
static void holds_read(void)
{
	static struct arbiter_slice holds[HOLDS_AT_ONCE];
	size_t count, i;

	do {
		count = arbiter_slices(s.arbiter, &holds_seen, holds,
				       HOLDS_AT_ONCE);
		for (i = 0; i < count; i++) {
			if (strcmp(holds[i].account, s.names[0]))
				continue;
			trace_add(&traces[0], holds[i].begin_ns,
				  holds[i].end_ns);
			trace_add(&traces[1], holds[i].begin_ns,
				  holds[i].end_ns);
		}
	} while (count);
}

static unsigned int trace_share(const struct trace *trace, unsigned int from,
				unsigned int to)
{
	uint64_t ns = 0;
	unsigned int bin;

	for (bin = from; bin < to; bin++)
		ns += trace->held_ns[bin];
	return (unsigned int)(ns * 1000 /
			      (trace->count * (to - from) * BIN_NS));
}

static unsigned int apart(unsigned int a, unsigned int b)
{
	return a > b ? a - b : b - a;
}

static void trace_check(const struct trace *trace, const char *what,
			unsigned int before, unsigned int after)
{
	unsigned int share = trace_share(trace, CHANGED_BIN, SETTLED_BIN);
	unsigned int bin = 0, i;

	while (bin < BINS && apart(trace_share(trace, bin, bin + 1), after) >
				     apart(before, after) / 2)
		bin++;
	print_message("%s, %u to %u permille, %u times: changed within %u ms, "
		      "%u from 50 to 250 ms; by 10 ms:",
		      what, before, after, trace->count,
		      (unsigned int)((bin + 1) * BIN_NS / MS), share);
	for (i = 0; i < BINS_SHOWN; i++)
		print_message(" %u", trace_share(trace, i, i + 1));
	print_message("\n");
	/* On a busy machine too. */
	assert_true(apart(share, after) < apart(before, after) / 2);
}

static void change(struct trace *trace, const struct arbiter_settings *settings)
{
	uint64_t now;

	s.settings[0] = *settings;
	stage_set(&s, 0);
	now = load_now();
	trace->begin_ns[trace->count++] = now;
	load_sleep_until(now + BINS * BIN_NS + (uint64_t)random() % SCATTER_NS);
	holds_read();
}

/*
 * @before and @after: what account 0 has by its present settings, and by @other
 */
static void to_and_fro(const char *what, const struct arbiter_settings *other,
		       unsigned int before, unsigned int after)
{
	struct arbiter_settings present = s.settings[0];
	unsigned int i;

	for (i = 0; i < s.count; i++)
		stage_wait(stage_stats(&s, i).submits > 10);
	memset(traces, 0, sizeof(traces));
	holds_seen = 0;
	srandom(1);
	for (i = 0; i < changes; i++) {
		change(&traces[0], other);
		change(&traces[1], &present);
	}
	/* A hold is told of when it has ended. */
	stage_stop(&s, 0);
	stage_wait(stage_stats(&s, 0).contexts == 0);
	holds_read();
	trace_check(&traces[0], what, before, after);
	trace_check(&traces[1], what, after, before);
}

static void weight_changes_soon(void **unused)
{
	struct arbiter_settings other;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	stage_load(&s, stage_account(&s), MS, 0);
	other = s.settings[0];
	other.weight *= 3;
	to_and_fro("weight 1 : 1 and 3 : 1", &other, 500, 750);
}

static void cap_changes_soon(void **unused)
{
	struct arbiter_settings other;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	other = s.settings[0];
	other.cap = 200;
	to_and_fro("no cap and 20 %", &other, 1000, 200);
}

static void reservation_changes_soon(void **unused)
{
	struct arbiter_settings other;
	unsigned int i;

	(void)unused;
	stage_load(&s, stage_account(&s), MS, 0);
	for (i = 1; i <= 4; i++) {
		stage_account(&s);
		s.settings[i].weight = 10 * s.settings[0].weight;
		stage_set(&s, i);
		stage_load(&s, i, 2 * MS, 0);
	}
	other = s.settings[0];
	other.reservation = 300;
	to_and_fro("nothing and 30 % reserved, against 40 : 1", &other, 24,
		   300);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(weight_changes_soon, &s),
		stage_test(cap_changes_soon, &s),
		stage_test(reservation_changes_soon, &s),
	};

	if (argc > 1)
		changes = (unsigned int)strtoul(argv[1], NULL, 10);
	if (changes < 2 || changes > CHANGES_MAX) {
		fprintf(stderr,
			"arbiter-change-test: '%s' changes: give 2 to %d\n",
			argv[1], CHANGES_MAX);
		return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
