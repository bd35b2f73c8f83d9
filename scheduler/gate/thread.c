/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/thread.h"

#include <signal.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

int thread_start(pthread_t *thread, void *(*run)(void *), void *data)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(thread, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

void thread_name(const char *name)
{
	pthread_setname_np(pthread_self(), name);
}

uint64_t thread_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

void thread_sleep(uint64_t ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
		      uint64_t until_ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(until_ns / NS_PER_S),
		.tv_nsec = (long)(until_ns % NS_PER_S),
	};

	if (until_ns == UINT64_MAX)
		pthread_cond_wait(cond, lock);
	else
		pthread_cond_timedwait(cond, lock, &time);
}
