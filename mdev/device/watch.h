/* SPDX-License-Identifier: MIT */
/*
 * Watches over the time that a request may spend in the renderer. One context's
 * worker that does not answer must not hold up the others for longer.
 *
 *   idle    nothing is under way
 *   armed   a request began; the timer may be running from one before
 *   late    it took WATCH_MS: its context is to be given up, and after twice
 *           that the renderer as a whole
 *
 * The timer is only set when it is not running, so that a busy queue costs a
 * system call in WATCH_MS and not one for each request.
 *
 * Owner: the worker. Locking: begin and end are the queue thread's, the rest is
 * the register thread's; they share atomics.
 */
#ifndef DEVICE_WATCH_H
#define DEVICE_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_MS 10000

/* What is to be done about a request that is late. */
enum watch_verdict {
	WATCH_WELL,
	WATCH_GIVE_UP, /* its context */
	WATCH_ABANDON, /* everything */
};

struct watch {
	int timer; /* timerfd: readable when it is time to look */
	_Atomic bool running; /* the timer */
	_Atomic uint64_t since; /* CLOCK_MONOTONIC, ms; 0: nothing under way */
	_Atomic uint32_t context; /* of what is under way */
	uint64_t looked_at; /* @since of the last verdict */
};

/* watch_init - nothing under way; 0 or negative errno */
int watch_init(struct watch *watch);
void watch_deinit(struct watch *watch);

/**
 * watch_begin - a request begins
 * @watch: the watch
 * @context: whose, or 0
 */
void watch_begin(struct watch *watch, uint32_t context);
void watch_end(struct watch *watch);

/**
 * watch_look - what to do when the timer is readable
 * @watch: the watch
 * @context: of a verdict WATCH_GIVE_UP
 *
 * Return: the verdict.
 */
enum watch_verdict watch_look(struct watch *watch, uint32_t *context);

#endif
