/* SPDX-License-Identifier: MIT */
/*
 * A door: the socket at which gates of one vGPU (or of one enrolled host
 * program) present themselves to the arbiter of its GPU. Which socket it is
 * says which vGPU they belong to; the kernel says which process they are.
 *
 * Unix SOCK_SEQPACKET, one message a packet, little by little:
 *
 *   gate -> arbiter  HELLO    version; bytes of video memory held; with the
 *                             lane's memory when there was an earlier arbiter
 *   arbiter -> gate  WELCOME  verdict; with the lane's memory and bell
 *   gate -> arbiter  CHARGE   bytes -> VERDICT 0 or -ENOSPC (in order)
 *   gate -> arbiter  RELEASE  bytes, no answer
 *
 * The connection is the gate's life: when it ends, its lane closes, its
 * in-flight work is given up and its video memory is free again. A process that
 * lives on may come in again and show its lane, even before the end of the
 * earlier connection was seen.
 *
 * The packets: door_wire.h. The arbiter's end: door_listen.h.
 *
 * States of the gate's end: connected; lost (the arbiter died: -EPIPE from
 * every call until door_connect() succeeds again).
 *
 * Locking: the gate's end serialises its calls with a lock of its own. The
 * arbiter's end is used by the arbiter's thread only and never blocks.
 */
#ifndef SCHEDULER_LANE_DOOR_H
#define SCHEDULER_LANE_DOOR_H

#include <pthread.h>
#include <stdint.h>

#include "scheduler/lane/lane.h"

/* The environment variable that names the socket to a gate. */
#define DOOR_ENVIRONMENT "TRANCHE_GATE_DOOR"

struct door {
	pthread_mutex_t lock;
	int fd; /* (lock) -1: lost */
	int stale_fd; /* (lock) a lost connection that somebody may poll */
	uint64_t held; /* (lock) bytes charged */
	char path[108];
};

/**
 * door_init - no connection yet
 * @door: filled in
 * @path: of the socket
 *
 * Return: 0; -ENAMETOOLONG.
 */
int door_init(struct door *door, const char *path);
void door_deinit(struct door *door);

/**
 * door_connect - present this process, at first or to a new arbiter
 * @door: not connected
 * @lane: empty (memory NULL) at first: mapped from the answer. Otherwise shown
 *	  to the arbiter and kept; its bell is replaced
 * @timeout_ms: for the answer
 *
 * Return: 0; -EACCES when the arbiter refuses; -ETIMEDOUT; -EPERM for a socket
 * that this process may not open; another negative errno when nobody is there.
 */
int door_connect(struct door *door, struct lane *lane, int timeout_ms);

/**
 * door_charge - ask for video memory
 * @door: connected
 * @bytes: how much
 *
 * An arbiter that does not answer for five seconds is lost.
 *
 * Return: 0; -ENOSPC beyond the quota; -EPIPE.
 */
int door_charge(struct door *door, uint64_t bytes);

/* door_release - give video memory back; while lost, only remembered */
void door_release(struct door *door, uint64_t bytes);

/* door_fd - to poll for POLLHUP; -1 when lost */
int door_fd(struct door *door);

#endif
