/* SPDX-License-Identifier: MIT */
/*
 * A lane: the memory that one gate (a process that submits to the GPU) shares
 * with the arbiter of that GPU. While the gate holds the grant, submitting
 * costs a few atomic operations and no system call; losing or wanting the grant
 * costs one futex or eventfd.
 *
 * States, seen from the arbiter:
 *
 *   closed    nothing may be submitted. lane_grant() -> open
 *   open      submissions pass, up to the depth and until the lease ends.
 *             lane_revoke() -> draining, or closed if nothing is in flight
 *   draining  what is in flight runs out; the last lane_leave() rings -> closed
 *
 * The gate trusts the arbiter. The arbiter trusts nothing that it reads here:
 * each value is copied once and bounded; a gate can lie about itself only.
 *
 * Ownership: the arbiter makes the memory (sealed memfd: it can't shrink) and
 * the eventfd; the gate maps what came by its door. A gate that finds a new
 * arbiter shows it the same memory (lane_adopt()), so that what is in flight
 * stays counted.
 *
 * Locking: none. Gate functions may be called by any thread of the gate,
 * arbiter functions by the arbiter's thread only. Wake-ups: gate -> arbiter by
 * the eventfd, arbiter -> gate by a futex on the grant word.
 */
#ifndef SCHEDULER_LANE_LANE_H
#define SCHEDULER_LANE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef LANE_MODEL
/* So small that a model test sees them full. */
#define LANE_JOBS 2
#define LANE_DEPTH_MAX 2
#else
#define LANE_JOBS 256 /* records the job ring holds */
#define LANE_DEPTH_MAX 64 /* submissions in flight */
#endif

struct lane_memory; /* the layout: lane_memory.h */

/* One end's handle on a lane. */
struct lane {
	struct lane_memory *memory;
	int memory_fd;
	int bell_fd; /* eventfd the gate rings */
	uint64_t taken; /* arbiter: records read */
};

enum lane_engine {
	LANE_COMPUTE,
	LANE_GRAPHICS,
	LANE_COPY,
	LANE_ENGINES,
};

/**
 * struct lane_job - one submission, as the gate saw it
 * @id: counts up from 1; 0: it never reached the driver
 * @submit_ns: CLOCK_MONOTONIC when it went to the driver
 * @complete_ns: when it was seen complete; 0: it has not been
 * @late_ns: it may have ended so long before @complete_ns: the time between the
 *	     last two looks
 * @gpu_ns: the time it ran, as well as the gate knows
 * @engine: of the queue family
 * @on_time: @complete_ns was seen when it happened, so that an estimator may
 *	     learn from it
 * @exact: @gpu_ns was measured by the GPU, so that an estimator may learn from
 *	   it, whenever the end was seen
 */
struct lane_job {
	uint64_t id;
	uint64_t submit_ns;
	uint64_t complete_ns;
	uint64_t late_ns;
	uint64_t gpu_ns;
	uint32_t engine;
	bool on_time;
	bool exact;
};

/*
 * The gate's side.
 */

/**
 * lane_map - map a lane that came by the door
 * @lane: filled in; owns both descriptors afterwards
 * @memory_fd: the memory
 * @bell_fd: the eventfd
 *
 * Return: 0 or a negative errno; on error the descriptors stay the caller's.
 */
int lane_map(struct lane *lane, int memory_fd, int bell_fd);
void lane_unmap(struct lane *lane);

/**
 * lane_enter - count one submission as in flight, if it may go now
 * @lane: the lane
 * @now_ns: CLOCK_MONOTONIC
 *
 * It may when the grant is held, the lease has not ended and less than the
 * granted depth is in flight. No system call.
 *
 * Return: true: submit, then lane_submitted(); false: nothing was counted.
 */
bool lane_enter(struct lane *lane, uint64_t now_ns);

/**
 * lane_submitted - tell of the submission that lane_enter() let pass
 * @lane: the lane
 * @engine: what it runs on
 * @now_ns: CLOCK_MONOTONIC
 *
 * Return: its id.
 */
uint64_t lane_submitted(struct lane *lane, enum lane_engine engine,
			uint64_t now_ns);

/**
 * lane_leave - a submission is complete, or failed to reach the driver
 * @lane: the lane
 * @job: what is known of it; with id 0 nothing but the count changes
 *
 * Rings the bell when the arbiter waits for this: the lane drains and was the
 * last, or others want the GPU and nothing more is in flight or wanted here.
 * Wakes lane_wait().
 */
void lane_leave(struct lane *lane, const struct lane_job *job);

/**
 * lane_want - something waits at the gate
 * @lane: the lane
 * @count: how many submissions wait now; 0: none any more
 *
 * Rings the bell when it changes between none and some while nothing is in
 * flight, unless it changes to none and nobody else could use the GPU. Try
 * lane_enter() first: what passes at once needs no lane_want().
 */
void lane_want(struct lane *lane, uint32_t count);

/* lane_ask - ring the bell: let the arbiter look at what is wanted */
void lane_ask(struct lane *lane);

/**
 * lane_wait - sleep until the lane may have opened
 * @lane: the lane
 * @until_ns: CLOCK_MONOTONIC, UINT64_MAX for no limit
 *
 * Return: 0 when lane_enter() is worth a try; -ETIMEDOUT; -EINTR; -EPIPE when
 * lane_close() was called at the other end.
 */
int lane_wait(struct lane *lane, uint64_t until_ns);

/**
 * lane_contended - whether others want the GPU
 * @lane: the lane
 *
 * Then the gate looks for completions at once and not lazily. A change wakes
 * lane_wait(), which returns 0 then.
 */
bool lane_contended(const struct lane *lane);

/**
 * lane_crowd - how many vGPUs and programs a processor has to serve
 * @lane: the lane
 *
 * Where looks are dear all of them together must leave time to work.
 *
 * Return: those that worked or waited in the last second, for each processor of the
 * arbiter's, rounded up; 1 at least.
 */
uint32_t lane_crowd(const struct lane *lane);

/* Seen by the gate only: the vGPU's video memory, in bytes. */
uint64_t lane_vram_limit(const struct lane *lane);
uint64_t lane_vram_used(const struct lane *lane);

/*
 * The arbiter's side.
 */

/**
 * lane_create - make a closed lane
 * @lane: filled in
 *
 * Return: 0 or a negative errno.
 */
int lane_create(struct lane *lane);

/**
 * lane_adopt - take over a lane of an earlier arbiter
 * @lane: filled in; owns @memory_fd afterwards, and makes a new bell
 * @memory_fd: what the gate showed
 *
 * It is closed, or draining if something is in flight.
 *
 * Return: 0 or a negative errno: -EINVAL when it is no lane or could shrink.
 */
int lane_adopt(struct lane *lane, int memory_fd);
void lane_destroy(struct lane *lane);

/**
 * lane_grant - open it
 * @lane: in any state; open: with a new depth and lease
 * @depth: most submissions in flight, 1..LANE_DEPTH_MAX
 * @lease_ns: CLOCK_MONOTONIC when the grant ends by itself
 */
void lane_grant(struct lane *lane, uint32_t depth, uint64_t lease_ns);

/* lane_renew - move the end of the lease of an open lane */
void lane_renew(struct lane *lane, uint64_t lease_ns);

/**
 * lane_revoke - let nothing more pass
 * @lane: in any state
 *
 * Return: submissions in flight; 0: it is closed.
 */
uint32_t lane_revoke(struct lane *lane);

/* lane_close - for ever: lane_wait() says -EPIPE and nothing passes */
void lane_close(struct lane *lane);

/* lane_set_contended - whether others want the GPU; wakes the gate */
void lane_set_contended(struct lane *lane, bool contended);

/* lane_set_vram - what lane_vram_limit() and lane_vram_used() say */
void lane_set_vram(struct lane *lane, uint64_t limit, uint64_t used);

/* lane_set_crowd - what lane_crowd() says */
void lane_set_crowd(struct lane *lane, uint32_t crowd);

/* What the gate says now; each value bounded. */
uint32_t lane_in_flight(const struct lane *lane);
uint32_t lane_wanted(const struct lane *lane);
/* submissions and completions since the lane was made, also those whose record
 * was lost */
uint64_t lane_submitted_total(const struct lane *lane);
uint64_t lane_completed_total(const struct lane *lane);

/**
 * lane_take_job - the next record of a completion
 * @lane: the lane
 * @job: filled in
 *
 * Return: true; false when there is none. Records that did not fit are lost.
 */
bool lane_take_job(struct lane *lane, struct lane_job *job);

/**
 * lane_running - what is in flight, in no order
 * @lane: the lane
 * @jobs: filled in; complete_ns 0
 *
 * Return: how many. May be less than lane_in_flight(): one may have entered and
 * not yet been told of.
 */
unsigned int lane_running(const struct lane *lane,
			  struct lane_job jobs[LANE_DEPTH_MAX]);

#endif
