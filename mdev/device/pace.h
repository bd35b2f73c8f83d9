/* SPDX-License-Identifier: MIT */
/*
 * How often the render server's threads look whether a guest has written commands.
 * Between two looks they sleep some microseconds, and the kernel lets them sleep
 * longer by the thread's timer slack. Where a look costs so much that they would do
 * little else, as inside a virtual machine, they get more slack.
 *
 * Stateless. Locking: none needed.
 */
#ifndef DEVICE_PACE_H
#define DEVICE_PACE_H

#include <stdint.h>

/* What the kernel gives every thread, and the most that a guest should wait for a
 * look, nanoseconds. */
#define PACE_SLACK_MIN_NS 50000ull
#define PACE_SLACK_MAX_NS 500000ull

/**
 * pace_look_ns - what a look costs here
 *
 * Sleeps some times, a few milliseconds together.
 *
 * Return: processor time of one sleep, nanoseconds.
 */
uint64_t pace_look_ns(void);

/**
 * pace_slack_ns - the slack by which looks take a fifth of a processor, in limits
 * @look_ns: what one costs
 *
 * Return: PACE_SLACK_MIN_NS to PACE_SLACK_MAX_NS.
 */
uint64_t pace_slack_ns(uint64_t look_ns);

#endif
