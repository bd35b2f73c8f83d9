/* SPDX-License-Identifier: MIT */
/*
 * What takes too long for the event loop: a short-lived thread does it, and the
 * loop hears of the end.
 *
 * States: running -> done. A thread may run for long; it ends with the process.
 * Ownership: what @owner points to is the thread's from work_start() until
 * @done runs in the loop. Locking: none, by that.
 */
#ifndef BROKER_WORK_H
#define BROKER_WORK_H

#include <systemd/sd-event.h>

/**
 * work_start - do something beside the loop
 * @loop: event loop
 * @run: on a thread of its own, without signals
 * @done: afterwards, in the loop
 * @owner: passed to both
 *
 * Return: 0, and @done comes; or a negative errno, and nothing does.
 */
int work_start(sd_event *loop, void (*run)(void *owner),
	       void (*done)(void *owner), void *owner);

#endif
