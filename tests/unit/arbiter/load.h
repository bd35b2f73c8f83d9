/* SPDX-License-Identifier: MIT */
/*
 * Processes that submit jobs as a gate does, by the real lane and door, to a
 * simulated GPU: one first-in-first-out queue in real time, shared by all.
 *
 * States of a load: running (load_start()) -> ended (load_stop(), or by
 * whatever killed it; load_stop() is needed all the same).
 *
 * Ownership: the caller owns struct load; what it shows is in memory that the
 * process shares. Locking: none; the words of struct load_shared are atomic.
 */
#ifndef TESTS_UNIT_ARBITER_LOAD_H
#define TESTS_UNIT_ARBITER_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scheduler/lane/door.h"
#include "scheduler/lane/lane.h"

#define MS ((uint64_t)1000000)
#define SECOND (1000 * MS)

/*
 * The queue: when the GPU has done all that it was given, whose the last job is, how
 * many came after another's, how many of these before that had ended, and the longest
 * that one of them had to wait.
 */
struct load_gpu {
	_Atomic uint64_t free_ns;
	_Atomic pid_t last;
	_Atomic uint64_t handoffs;
	_Atomic uint64_t queued;
	_Atomic uint64_t queued_max_ns;
};

/**
 * struct load_spec - what a process does
 * @door: path
 * @job_ns: length of its jobs
 * @gap_ns: how long it thinks between a completion and the next submission
 * @lag_ns: how long it takes to submit after it was woken
 * @depth: how many it keeps in flight, at most 8
 * @vram: bytes it charges and releases before each job, 0: none
 * @endless: the job with this number never ends, 0: none
 */
struct load_spec {
	const char *door;
	uint64_t job_ns;
	uint64_t gap_ns;
	uint64_t lag_ns;
	unsigned int depth;
	uint64_t vram;
	uint64_t endless;
};

struct load_shared {
	_Atomic uint64_t jobs;
	_Atomic uint64_t work_ns; /* of its completed jobs */
	_Atomic uint64_t wait_max_ns; /* for the grant */
	_Atomic uint64_t last_ns; /* when it last submitted */
	_Atomic uint64_t refusals; /* by the VRAM quota */
	_Atomic uint32_t crowd;
	_Atomic int error;
};

struct load {
	pid_t pid;
	struct load_shared *shared;
};

uint64_t load_now(void);
void load_sleep_until(uint64_t ns);

/* load_gpu_new - memory that children share; never freed in a test */
struct load_gpu *load_gpu_new(void);

/**
 * load_fork - fork a process that ends with this one
 *
 * It has none of the descriptors of this one, which may be an arbiter's: a copy
 * of the arbiter's end of a connection would keep the gate at the other end from
 * seeing that the arbiter is gone.
 *
 * Return: as fork(); it does not fail.
 */
pid_t load_fork(void);

void load_start(struct load *load, const struct load_spec *spec,
		struct load_gpu *gpu);
void load_kill(struct load *load, int signal);
/* load_stop - kill and reap it; return: its wait status */
int load_stop(struct load *load);

/**
 * load_connect - come in by a door, with patience
 * @door: initialised
 * @lane: as door_connect()
 *
 * Return: 0 or a negative errno after five seconds.
 */
int load_connect(struct door *door, struct lane *lane);

#endif
