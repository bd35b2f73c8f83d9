// SPDX-License-Identifier: MIT
#include "tests/unit/arbiter/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLICES_AT_ONCE 256
/*
 * A load that the processor comes late to has nothing to submit for that moment, and
 * nobody is owed for a moment in which it wanted nothing.
 */
#define SLACK_PERMILLE 60

static void stage_event(void *owner, const struct arbiter_event *event)
{
	struct stage *stage = owner;

	stage->events[event->kind]++;
}

static const struct arbiter_ops stage_ops = {.event = stage_event};

void stage_open(struct stage *stage)
{
	unsigned int i;

	assert_int_equal(
		arbiter_new(&stage->arbiter, &stage->config, &stage_ops, stage),
		0);
	for (i = 0; i < stage->count; i++)
		assert_int_equal(arbiter_account_add(
					 stage->arbiter, stage->names[i],
					 &stage->settings[i], stage->doors[i]),
				 0);
}

void stage_close(struct stage *stage)
{
	arbiter_free(stage->arbiter);
	stage->arbiter = NULL;
}

void stage_begin(struct stage *stage)
{
	strcpy(stage->folder, "/tmp/arbiter.XXXXXX");
	assert_non_null(mkdtemp(stage->folder));
	stage->gpu = load_gpu_new();
	stage_open(stage);
}

void stage_end(struct stage *stage)
{
	unsigned int i;

	for (i = 0; i < stage->count; i++)
		stage_stop(stage, i);
	if (stage->arbiter)
		stage_close(stage);
	assert_int_equal(rmdir(stage->folder), 0);
}

unsigned int stage_account(struct stage *stage)
{
	unsigned int index = stage->count++;

	assert_true(index < STAGE_ACCOUNTS);
	snprintf(stage->names[index], sizeof(stage->names[index]), "account-%u",
		 index);
	snprintf(stage->doors[index], sizeof(stage->doors[index]), "%s/%u",
		 stage->folder, index);
	arbiter_settings_init(&stage->settings[index]);
	assert_int_equal(arbiter_account_add(
				 stage->arbiter, stage->names[index],
				 &stage->settings[index], stage->doors[index]),
			 0);
	return index;
}

void stage_set(struct stage *stage, unsigned int index)
{
	assert_int_equal(arbiter_account_set(stage->arbiter,
					     stage->names[index],
					     &stage->settings[index]),
			 0);
}

void stage_load(struct stage *stage, unsigned int index, uint64_t job_ns,
		uint64_t gap_ns)
{
	struct load_spec *spec = &stage->specs[index];

	spec->door = stage->doors[index];
	spec->job_ns = job_ns;
	spec->gap_ns = gap_ns;
	load_start(&stage->loads[index], spec, stage->gpu);
}

void stage_stop(struct stage *stage, unsigned int index)
{
	struct load *load = &stage->loads[index];

	if (load->pid)
		load_stop(load);
	load->pid = 0;
}

int stage_setup(void **state)
{
	struct stage *stage = *state;

	memset(stage, 0, sizeof(*stage));
	tsched_config_init(&stage->config);
	stage_begin(stage);
	return 0;
}

int stage_teardown(void **state)
{
	stage_end(*state);
	return 0;
}

struct arbiter_account_stats stage_stats(struct stage *stage,
					 unsigned int index)
{
	struct arbiter_account_stats stats;

	assert_int_equal(arbiter_account_stats(stage->arbiter,
					       stage->names[index], &stats),
			 0);
	return stats;
}

/* Since hold number @after. */
static uint64_t longest_hold(struct stage *stage, uint64_t after)
{
	static struct arbiter_slice slices[SLICES_AT_ONCE];
	uint64_t longest = 0;
	size_t count, i;

	do {
		count = arbiter_slices(stage->arbiter, &after, slices,
				       SLICES_AT_ONCE);
		for (i = 0; i < count; i++) {
			uint64_t ns = slices[i].end_ns - slices[i].begin_ns;

			longest = ns > longest ? ns : longest;
		}
	} while (count);
	return longest;
}

static uint64_t holds_until_now(struct stage *stage)
{
	static struct arbiter_slice slices[SLICES_AT_ONCE];
	uint64_t after = 0;

	while (arbiter_slices(stage->arbiter, &after, slices, SLICES_AT_ONCE))
		;
	return after;
}

unsigned int stage_shares(struct stage *stage, uint64_t ns,
			  unsigned int *shares)
{
	uint64_t before[STAGE_ACCOUNTS], begin = load_now();
	uint64_t holds = holds_until_now(stage);
	unsigned int i;

	for (i = 0; i < stage->count; i++)
		before[i] = stage_stats(stage, i).gpu_ns;
	load_sleep_until(begin + ns);
	for (i = 0; i < stage->count; i++)
		shares[i] = (stage_stats(stage, i).gpu_ns - before[i]) * 1000 /
			    (load_now() - begin);
	return SLACK_PERMILLE + 2 * longest_hold(stage, holds) * 1000 / ns;
}
