/* SPDX-License-Identifier: MIT */
/*
 * This process's one connection to the arbiter of its GPU: the door and the
 * lane that all its instances, devices and queues share.
 *
 * States:
 *
 *   closed  no instance. connection_open() -> up, or an error when no arbiter
 *           came in time or it refused: then no instance comes into being
 *   up      lane and door work
 *   lost    the arbiter is gone. What is granted ends with its lease. While
 *           a device exists the watcher connects again -> up; the lane stays
 *
 * A child of fork() has no connection: it starts closed (connection_forked()).
 *
 * Ownership: references are counted; the last connection_close() ends the
 * connection and frees the lane. The watcher is a thread that lives from the
 * first connection_watch() to the last connection_unwatch().
 *
 * Locking: a lock of its own guards the counts and changes of state. The lane
 * pointer is constant from open to close.
 */
#ifndef TRANCHE_GATE_CONNECTION_H
#define TRANCHE_GATE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/lane/lane.h"

/**
 * connection_open() - Take a reference, connecting for the first
 *
 * Where nobody answers it waits for the next arbiter, at most five seconds.
 *
 * Return: 0; -ENOENT when no door is named; -EACCES when the arbiter refuses;
 * another negative errno when nobody answers.
 */
int connection_open(void);

/* connection_close() - Give a reference back */
void connection_close(void);

/**
 * connection_watch() - Keep the connection alive, from now on
 *
 * Waits as connection_open() does.
 *
 * Return: 0 or a negative errno.
 */
int connection_watch(void);

/* connection_unwatch() - The opposite of one connection_watch() */
void connection_unwatch(void);

/* connection_lane() - The lane; only between open and close */
struct lane *connection_lane(void);

/* connection_alive() - Whether the arbiter is there, as far as is known */
bool connection_alive(void);

/* connection_forked() - In the child of a fork(): forget the parent's */
void connection_forked(void);

/**
 * connection_charge() - Ask for video memory
 * @bytes:	how much
 *
 * While the connection is lost it waits for the next arbiter, at most a few
 * seconds.
 *
 * Return: 0; -ENOSPC beyond the quota; -EPIPE without an arbiter.
 */
int connection_charge(uint64_t bytes);

/* connection_release() - Give video memory back */
void connection_release(uint64_t bytes);

/* connection_charged() - Bytes that this process holds */
uint64_t connection_charged(void);

#endif
