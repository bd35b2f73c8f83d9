/* SPDX-License-Identifier: MIT */
/*
 * Asking a run to stop: by SIGINT, SIGTERM or an error; to end, so that the next load
 * may begin, by SIGUSR2 or the end of its time; and to count from now on, by SIGUSR1.
 *
 * States: running, ending, stopping; from stopping there is no way back. The state is
 * one for the process, as signals are. A second signal to stop has its default effect,
 * so that a run which can't finish can still be ended.
 */
#ifndef TRANCHE_LOAD_CONTROL_H
#define TRANCHE_LOAD_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

/**
 * control_init() - take over SIGINT, SIGTERM, SIGUSR1 and SIGUSR2
 *
 * Return: 0 or a negative errno.
 */
int control_init(void);

/**
 * control_stop() - ask the run to stop; safe from any thread
 */
void control_stop(void);

/**
 * control_end() - ask the load that runs to end; safe from any thread
 */
void control_end(void);

/**
 * control_next() - begin the next load
 *
 * Return: false when the run was asked to stop.
 */
bool control_next(void);

/**
 * control_stopping() - whether the load was asked to end, or the run to stop
 *
 * Return: true once it was.
 */
bool control_stopping(void);

/**
 * control_end_ns() - when the load was asked to end, or the run to stop
 *
 * Return: the first such time since control_next(), on the clock of control_now();
 * 0: not yet.
 */
uint64_t control_end_ns(void);

/**
 * control_take_count() - whether the run was asked to count from now on
 *
 * Return: true once for each time it was, at most.
 */
bool control_take_count(void);

/**
 * control_wake() - make control_wait() return; safe from any thread
 */
void control_wake(void);

/**
 * control_wait() - sleep until a time, a stop or a wake
 * @until_ns: on the clock of control_now()
 *
 * May return early.
 */
void control_wait(uint64_t until_ns);

/**
 * control_sleep() - sleep until a time or until the run is asked to stop
 * @until_ns: on the clock of control_now()
 *
 * A stop is noticed within 20 ms.
 */
void control_sleep(uint64_t until_ns);

/**
 * control_now() - the time
 *
 * Return: nanoseconds of CLOCK_MONOTONIC.
 */
uint64_t control_now(void);

#endif
