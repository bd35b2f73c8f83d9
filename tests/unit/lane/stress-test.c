// SPDX-License-Identifier: MIT
/*
 * A lane under several real threads of a gate and an arbiter that grants and
 * revokes all the time. Built with ThreadSanitizer where no other sanitizer is.
 */
#include "scheduler/lane/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "scheduler/lane/lane_atomic.h"

#define THREADS 3
#define JOBS 4000 /* of each thread */
#define DEPTH 2

struct stress {
	struct lane lane;
	pthread_mutex_t lock;
	uint32_t waiting; /* (lock) */
	_Atomic uint32_t inside;
	_Atomic bool closed;
	_Atomic uint32_t faults;
	_Atomic uint32_t running; /* threads */
	uint64_t taken;
	uint64_t last_id;
};

static void gate_want(struct stress *stress, int change)
{
	pthread_mutex_lock(&stress->lock);
	stress->waiting += (uint32_t)change;
	lane_want(&stress->lane, stress->waiting);
	pthread_mutex_unlock(&stress->lock);
}

static void gate_enter(struct stress *stress)
{
	if (lane_enter(&stress->lane, lane_now()))
		return;
	gate_want(stress, 1);
	while (!lane_enter(&stress->lane, lane_now()))
		lane_wait(&stress->lane, UINT64_MAX);
	gate_want(stress, -1);
}

static void *gate_run(void *data)
{
	struct stress *stress = data;
	unsigned int i;

	for (i = 0; i < JOBS; i++) {
		struct lane_job job = {.engine = LANE_COMPUTE};

		gate_enter(stress);
		if (++stress->inside > DEPTH || stress->closed)
			stress->faults++;
		job.submit_ns = lane_now();
		job.id = lane_submitted(&stress->lane, LANE_COMPUTE,
					job.submit_ns);
		job.complete_ns = lane_now();
		stress->inside--;
		lane_leave(&stress->lane, &job);
	}
	stress->running--;
	lane_ask(&stress->lane);
	return NULL;
}

static void bell_wait(struct stress *stress)
{
	struct pollfd bell = {.fd = stress->lane.bell_fd, .events = POLLIN};
	uint64_t rung;
	ssize_t n;

	poll(&bell, 1, -1);
	n = read(stress->lane.bell_fd, &rung, sizeof(rung));
	(void)n;
}

static void jobs_take(struct stress *stress)
{
	struct lane_job job;

	while (lane_take_job(&stress->lane, &job)) {
		if (!job.id || job.submit_ns > job.complete_ns)
			stress->faults++;
		stress->taken++;
	}
}

/* Closed for sure: nobody is inside, and nobody comes. */
static void arbiter_cycle(struct stress *stress)
{
	uint32_t in_flight = lane_revoke(&stress->lane);

	while (in_flight) {
		bell_wait(stress);
		in_flight = lane_in_flight(&stress->lane);
	}
	stress->closed = true;
	if (stress->inside)
		stress->faults++;
	jobs_take(stress);
	while (!lane_wanted(&stress->lane) && stress->running)
		bell_wait(stress);
	if (stress->inside)
		stress->faults++;
	stress->closed = false;
	lane_grant(&stress->lane, DEPTH, UINT64_MAX);
}

static void
nothing_passes_a_closed_lane_and_nobody_sleeps_for_ever(void **unused)
{
	static struct stress stress;
	pthread_t threads[THREADS];
	unsigned int i;

	(void)unused;
	stress.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	assert_int_equal(lane_create(&stress.lane), 0);
	stress.closed = true;
	stress.running = THREADS;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, gate_run, &stress),
			0);
	while (stress.running)
		arbiter_cycle(&stress);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	jobs_take(&stress);
	assert_int_equal(stress.faults, 0);
	assert_int_equal(lane_in_flight(&stress.lane), 0);
	assert_int_equal(lane_wanted(&stress.lane), 0);
	assert_int_equal(lane_completed_total(&stress.lane), THREADS * JOBS);
	assert_in_range(stress.taken, 1, THREADS * JOBS);
	lane_destroy(&stress.lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			nothing_passes_a_closed_lane_and_nobody_sleeps_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
