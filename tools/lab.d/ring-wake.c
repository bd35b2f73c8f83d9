// SPDX-License-Identifier: MIT
/*
 * Loaded before the libraries of the server in which a lab host's GPU computes:
 * a ring's thread that waits to be woken looks again by itself.
 *
 * Mesa's venus now and then leaves a wake-up out (docs/lab.md, "A ring that sleeps
 * unseen"). A wait for a condition may end without a cause, as POSIX has it, so
 * whoever waits looks anew; thus it is enough to end each after a while.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define RING_THREAD "vkr-ring"
/* A ring looks for a millisecond each time: a hundredth of its processor. */
#define RING_WAIT_NS 100000000L
#define OTHERS_WAIT_S 3600
#define NS_PER_S 1000000000L

static int thread_is_ring(void)
{
	char name[16];

	return !prctl(PR_GET_NAME, name) &&
	       !strncmp(name, RING_THREAD, strlen(RING_THREAD));
}

static struct timespec wait_end(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!thread_is_ring()) {
		end.tv_sec += OTHERS_WAIT_S;
		return end;
	}
	end.tv_nsec += RING_WAIT_NS;
	end.tv_sec += end.tv_nsec / NS_PER_S;
	end.tv_nsec %= NS_PER_S;
	return end;
}

__attribute__((visibility("default"))) int
pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	const struct timespec end = wait_end();
	int error;

	error = pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &end);
	return error == ETIMEDOUT ? 0 : error;
}
