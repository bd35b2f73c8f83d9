/* SPDX-License-Identifier: MIT */
/*
 * Waiting for something within an event loop, so that a sequence of steps can
 * be written as one. Stateless.
 */
#ifndef TRANCHE_FLEET_WAIT_H
#define TRANCHE_FLEET_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define WAIT_SECOND_US UINT64_C(1000000)

/**
 * wait_take_signals - make a loop end with SIGINT, SIGTERM and SIGHUP
 * @event: the loop
 *
 * SIGCHLD is blocked, as the loop wants it for children, and SIGPIPE ignored.
 *
 * Return: 0 or a negative errno.
 */
int wait_take_signals(sd_event *event);

/* wait_now_us - CLOCK_MONOTONIC */
uint64_t wait_now_us(void);

/**
 * wait_until - run the loop until something is so
 * @event: the loop
 * @timeout_us: for how long at most
 * @done: whether it is so; NULL: never, so that it is a pause
 * @user: passed to @done
 *
 * Return: 0; -ETIMEDOUT; what the loop failed with, -ESTALE when it was ended.
 */
int wait_until(sd_event *event, uint64_t timeout_us, bool (*done)(void *user),
	       void *user);

#endif
