/* SPDX-License-Identifier: MIT */
/*
 * How late a thread that submits may see what it looks for.
 *
 * A render server's threads look again and again whether their guest has written
 * more commands, and sleep between two looks: by their timer slack, a little longer.
 * Where looks are dear those of some guests take the processor from the others. So
 * the slack grows with the guests that a processor has to serve; and behind work that
 * is held more commands are in no hurry.
 *
 * Only where the environment says what a look's slack is: any other program's
 * threads may sleep for reasons of their own, and are left alone.
 *
 * States of a thread: plain; long. A thread that is born of a long one would be born
 * long: see slack_plain().
 *
 * Locking: none; each thread's slack is its own.
 */
#ifndef TRANCHE_GATE_SLACK_H
#define TRANCHE_GATE_SLACK_H

#include <stdint.h>

/* The plain slack of the threads of this process, in ns. */
#define SLACK_ENVIRONMENT "TRANCHE_GATE_SLACK"

/* The longest slack is so many plain ones. */
#define SLACK_PARTS 8

/**
 * slack_fit() - Fit the calling thread's slack to what it has to do
 * @crowd:	lane_crowd()
 * @held:	how many submissions are held before its next one
 * @job_ns:	how long one runs
 *
 * The slack becomes @crowd times the plain one; or, before several that are held,
 * half of what they will take if each waits for a look; SLACK_PARTS plain ones at
 * most.
 */
void slack_fit(uint32_t crowd, uint32_t held, uint64_t job_ns);

/* slack_plain() - Before the calling thread starts another */
void slack_plain(void);

#endif
