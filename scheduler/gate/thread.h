/* SPDX-License-Identifier: MIT */
/*
 * Threads inside somebody else's program: they take none of its signals.
 * Locking: none needed.
 */
#ifndef TRANCHE_GATE_THREAD_H
#define TRANCHE_GATE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/**
 * thread_start() - Start a thread with all signals blocked
 * @thread:	to be joined by the caller
 * @run:	its function; begins with thread_name()
 * @data:	passed to @run
 *
 * Return: 0 or a negative errno.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *data);

/**
 * thread_name() - Name the calling thread
 * @name:	at most 15 characters
 *
 * To name another takes a file of /proc, which a sandbox need not have.
 */
void thread_name(const char *name);

/* thread_now() - CLOCK_MONOTONIC in ns */
uint64_t thread_now(void);

/* thread_sleep() - For so many ns, or less when a signal comes */
void thread_sleep(uint64_t ns);

/* thread_cond_init() - A condition whose timed waits use CLOCK_MONOTONIC */
void thread_cond_init(pthread_cond_t *cond);

/**
 * thread_cond_wait() - Wait for a condition
 * @cond:	from thread_cond_init()
 * @lock:	held
 * @until_ns:	CLOCK_MONOTONIC, UINT64_MAX for no limit
 */
void thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
		      uint64_t until_ns);

#endif
