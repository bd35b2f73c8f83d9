// SPDX-License-Identifier: MIT
/*
 * The lane's rules, in every order in which its steps can happen:
 *
 *   - no wake-up is lost: whoever wants gets in, whoever waits is told
 *   - nothing passes between lane_revoke() that found nothing in flight, or the
 *     bell that told so, and the next lane_grant()
 *   - what is in flight is counted, and never more than the depth
 *   - nothing passes at or after the end of the lease
 *   - neither side waits for a step of the other: death at any step leaves the
 *     other side able to go on
 *   - each completion is recorded once, or not at all when there is no room
 */
#include "tests/unit/lane/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "scheduler/lane/lane_atomic.h"

#define FOREVER UINT64_MAX
#define JOBS_MAX 8

/* The gate. */

static void gate_want(int change)
{
	model_lock();
	world.waiting += (uint32_t)change;
	lane_want(&world.lane, world.waiting);
	model_unlock();
}

/* Between this check and the step that let it in there is no other step. */
static void entered(uint64_t now_ns)
{
	if (world.closed)
		model_fail("a submission passed a closed lane");
	if (now_ns >= world.lease_ns)
		model_fail("a submission passed after the lease");
	if (++world.inside > world.depth)
		model_fail("more in flight than the depth");
	world.entered++;
}

static bool gate_try(void)
{
	uint64_t now = lane_now();

	if (!lane_enter(&world.lane, now))
		return false;
	entered(now);
	return true;
}

/*
 * Return: false when the lane was closed for ever. @label and the nine after it
 * are this call's.
 */
static bool gate_enter(uint64_t label)
{
	bool in;

	model_label(label);
	if (gate_try())
		return true;
	model_label(label + 1);
	gate_want(1);
	do {
		model_label(label + 2);
		in = gate_try();
		if (in)
			break;
		model_label(label + 3);
	} while (lane_wait(&world.lane, FOREVER) == 0);
	model_label(label + 4 + in);
	gate_want(-1);
	return in;
}

/* Records are explored by themselves: they have no part in what passes. */
static void gate_leave(void)
{
	struct lane_job job = {.id = 0};

	world.inside--;
	lane_leave(&world.lane, &job);
}

static void gate_job(uint64_t label)
{
	if (!gate_enter(label)) {
		if (!world.hung_up)
			model_fail("told of an end that was none");
		return;
	}
	model_label(label + 6);
	gate_leave();
}

static void gate_one_job(void)
{
	gate_job(10);
}

static void gate_two_jobs(void)
{
	gate_job(20);
	gate_job(10);
}

/* The arbiter. */

static void arbiter_grant(uint32_t depth, uint64_t lease_ns)
{
	world.closed = 0;
	world.open = 1;
	world.depth = depth;
	world.lease_ns = lease_ns;
	lane_grant(&world.lane, depth, lease_ns);
}

static void arbiter_closed(void)
{
	if (world.inside)
		model_fail("closed with a submission in flight");
	world.closed = 1;
}

/* As the arbiter does when a lane rings: look whether it drained, and grant. */
static void arbiter_look(uint32_t depth)
{
	if (!world.open && !world.closed && !lane_in_flight(&world.lane))
		arbiter_closed();
	if (world.closed && lane_wanted(&world.lane))
		arbiter_grant(depth, FOREVER);
}

static void arbiter_revoke(void)
{
	if (!world.open)
		return;
	world.open = 0;
	if (!lane_revoke(&world.lane))
		arbiter_closed();
}

static void arbiter_run(uint32_t depth)
{
	uint32_t *words[] = {&world.bell, &world.tick, &world.hung_up};

	for (;;) {
		model_label(100);
		model_wait(words, 3);
		lane_model_found(world.tick);
		lane_model_found(world.hung_up);
		if (world.hung_up) {
			lane_close(&world.lane);
			return;
		}
		world.bell = 0;
		if (world.tick) {
			world.tick = 0;
			arbiter_revoke();
		}
		arbiter_look(depth);
	}
}

static void arbiter_one_deep(void)
{
	arbiter_run(1);
}

static void arbiter_two_deep(void)
{
	arbiter_run(2);
}

/* Ends a slice at any moment. */
static void timer_one(void)
{
	lane_model_step();
	world.tick = 1;
}

static void timer_two(void)
{
	timer_one();
	timer_one();
}

static void begin_closed(void)
{
	world.closed = 1;
}

static void end_empty(void)
{
	if (lane_word_count(world.memory.grant))
		model_fail("something is counted for ever");
	if (world.waiting || world.memory.wanted)
		model_fail("something is wanted for ever");
}

/* Depth limit: who leaves wakes who waits, without the arbiter. */

static void begin_open(void)
{
	world.open = 1;
	world.depth = 1;
	world.lease_ns = FOREVER;
	world.memory.lease_ns = FOREVER;
	world.memory.grant = LANE_OPEN | 1 << LANE_DEPTH_SHIFT;
}

/* Contention: the arbiter is told once nothing is in flight or wanted. */

static void arbiter_wait_idle(void)
{
	uint32_t *bell = &world.bell;

	lane_set_contended(&world.lane, true);
	for (;;) {
		model_label(200);
		if (world.entered == 2 && !lane_in_flight(&world.lane) &&
		    !lane_wanted(&world.lane))
			return;
		model_wait(&bell, 1);
		world.bell = 0;
	}
}

/* Leases: time goes on, the arbiter renews or does not. */

static void begin_leased(void)
{
	begin_open();
	world.timed = 1;
	world.lease_ns = 2;
	world.memory.lease_ns = 2;
}

static void clock_run(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		lane_model_step();
		world.now_ns++;
	}
}

static void arbiter_renew(void)
{
	lane_model_step();
	world.lease_ns = 5;
	lane_renew(&world.lane, 5);
}

/* Revoked and granted anew with a shorter lease: the old one is worth nothing */
static void arbiter_shorten(void)
{
	arbiter_revoke();
	if (!world.closed)
		return;
	world.closed = 0;
	world.open = 1;
	world.lease_ns = 1;
	lane_grant(&world.lane, 1, 1);
}

static void gate_try_once(void)
{
	if (gate_try())
		gate_leave();
}

/* Death of the gate at any step; threads 0 and 1 are its. */

static void killer(void)
{
	lane_model_step();
	model_kill(0);
	model_kill(1);
	world.hung_up = 1;
}

static void end_dead(void)
{
	if (!(world.memory.grant & LANE_ENDED))
		model_fail("the lane of a dead gate is not closed");
}

/* The arbiter closes the lane of a gate that lives: it must be told. */

static void arbiter_close(void)
{
	lane_model_step();
	world.hung_up = 1;
	lane_close(&world.lane);
}

/* Death of the arbiter at any step, and another that adopts the lane. */

#define FIRST_ARBITER 1

static void arbiter_adopt(void)
{
	uint32_t *bell = &world.bell;

	lane_model_step();
	model_kill(FIRST_ARBITER);
	world.open = 0;
	world.closed = 0;
	if (!lane_revoke(&world.lane))
		arbiter_closed();
	/* door_connect() rings the new bell. */
	world.bell = 1;
	for (;;) {
		model_label(300);
		model_wait(&bell, 1);
		world.bell = 0;
		arbiter_look(1);
	}
}

/* Records. */

static void record_leave_now(uint64_t id)
{
	struct lane_record *record = &world.memory.records[0];

	record->id = id;
	record->submit_ns = 1;
	record->complete_ns = 2;
	record->sequence = 1;
	world.memory.recorded = 1;
}

static void record_leave(void)
{
	struct lane_job job = {.submit_ns = 1, .complete_ns = 2};

	lane_model_step();
	world.full |= !world.taken;
	job.id = lane_submitted(&world.lane, LANE_COMPUTE, 1);
	lane_leave(&world.lane, &job);
}

/* One record waits already, so that there is room for one more. */
static void begin_records(void)
{
	begin_open();
	world.memory.grant += 2; /* all have entered */
	world.depth = 2;
	world.memory.submitted = 1;
	record_leave_now(1);
}

static void job_taken(const struct lane_job *job)
{
	if (!job->id || job->id > JOBS_MAX || job->submit_ns != 1 ||
	    job->complete_ns != 2)
		model_fail("a record that nobody wrote");
	if (world.taken_ids & 1u << job->id)
		model_fail("a record twice");
	world.taken_ids |= 1u << job->id;
	world.taken++;
}

static void arbiter_take(void)
{
	struct lane_job running[LANE_DEPTH_MAX];
	struct lane_job job;

	lane_running(&world.lane, running);
	while (lane_take_job(&world.lane, &job))
		job_taken(&job);
}

static void end_records(void)
{
	uint64_t recorded = world.memory.recorded;
	uint64_t i;

	if (world.memory.completed != 2)
		model_fail("completions were not counted");
	if (world.memory.running[0].id || world.memory.running[1].id)
		model_fail("something runs for ever");
	if (recorded > 3 || recorded < (world.full ? 2 : 3))
		model_fail("records were lost though there was room");
	for (i = world.taken; i < recorded; i++)
		if (world.memory.records[i % LANE_JOBS].sequence != i + 1)
			model_fail("a record was written over another");
}

static const struct model_scenario scenarios[] = {
	{
		.name = "one gate thread, slices end",
		.begin = begin_closed,
		.end = end_empty,
		.threads = {{gate_two_jobs, false},
			    {arbiter_one_deep, true},
			    {timer_two, false}},
	},
	{
		.name = "two gate threads, depth 1",
		.begin = begin_closed,
		.end = end_empty,
		.threads = {{gate_one_job, false},
			    {gate_one_job, false},
			    {arbiter_one_deep, true},
			    {timer_one, false}},
	},
	{
		.name = "two gate threads, depth 2",
		.begin = begin_closed,
		.end = end_empty,
		.threads = {{gate_one_job, false},
			    {gate_one_job, false},
			    {arbiter_two_deep, true},
			    {timer_one, false}},
	},
	{
		.name = "two gate threads, alone with a grant",
		.begin = begin_open,
		.end = end_empty,
		.threads = {{gate_two_jobs, false}, {gate_one_job, false}},
	},
	{
		.name = "contention begins, the holder becomes idle",
		.begin = begin_open,
		.end = end_empty,
		.threads = {{gate_one_job, false},
			    {gate_one_job, false},
			    {arbiter_wait_idle, false}},
	},
	{
		.name = "the lease ends and is renewed",
		.begin = begin_leased,
		.end = end_empty,
		.threads = {{gate_two_jobs, false},
			    {clock_run, false},
			    {arbiter_renew, false}},
	},
	{
		.name = "the lease of the next grant is shorter",
		.begin = begin_leased,
		.end = end_empty,
		.threads = {{gate_try_once, false},
			    {clock_run, false},
			    {arbiter_shorten, false}},
	},
	{
		.name = "the gate dies",
		.begin = begin_closed,
		.end = end_dead,
		.threads = {{gate_one_job, true},
			    {gate_one_job, true},
			    {arbiter_one_deep, false},
			    {killer, false}},
	},
	{
		.name = "the arbiter closes the lane",
		.begin = begin_open,
		.end = end_dead,
		.threads = {{gate_one_job, false},
			    {gate_two_jobs, false},
			    {arbiter_close, false}},
	},
	{
		.name = "the arbiter dies, another adopts",
		.begin = begin_closed,
		.end = end_empty,
		.threads = {{gate_two_jobs, false},
			    {arbiter_one_deep, true},
			    {arbiter_adopt, true}},
	},
	{
		.name = "records",
		.begin = begin_records,
		.end = end_records,
		.threads = {{record_leave, false},
			    {record_leave, false},
			    {arbiter_take, false}},
	},
};

int main(void)
{
	bool good = true;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; good && i < sizeof(scenarios) / sizeof(*scenarios); i++)
		good = model_explore(&scenarios[i]);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
