/* SPDX-License-Identifier: MIT */
/*
 * What goes through a door: packets of one size, some with descriptors.
 *
 *   type     value     bytes  descriptors
 *   HELLO    version   held   the lane's memory, or none
 *   WELCOME  verdict          memory and bell; to a HELLO with memory: bell
 *   CHARGE             bytes
 *   VERDICT  verdict
 *   RELEASE            bytes
 *
 * A verdict is 0 or a negative errno; a WELCOME that refuses has no
 * descriptors, and the connection ends after it.
 *
 * No state, no lock.
 */
#ifndef SCHEDULER_LANE_DOOR_WIRE_H
#define SCHEDULER_LANE_DOOR_WIRE_H

#include <stdint.h>

#define DOOR_VERSION 1
#define DOOR_FDS_MAX 2

enum door_type {
	DOOR_HELLO = 1,
	DOOR_WELCOME,
	DOOR_CHARGE,
	DOOR_VERDICT,
	DOOR_RELEASE,
};

struct door_packet {
	uint32_t type;
	int32_t value;
	uint64_t bytes;
};

/* A packet and its descriptors, which the receiver owns. */
struct door_message {
	struct door_packet packet;
	int fds[DOOR_FDS_MAX];
	unsigned int fd_count;
};

/**
 * door_send - send a packet
 * @fd: the connection
 * @message: what; its descriptors stay the caller's
 * @flags: of sendmsg()
 *
 * Return: 0 or a negative errno.
 */
int door_send(int fd, const struct door_message *message, int flags);

/**
 * door_receive - receive a packet
 * @fd: the connection
 * @message: filled in; the caller closes what descriptors it does not take
 * @flags: of recvmsg()
 *
 * Return: 0; -EPIPE when the connection ended; -EBADMSG for a packet of another
 * size or with more descriptors than there can be; another negative errno.
 */
int door_receive(int fd, struct door_message *message, int flags);

/* door_message_deinit - close the descriptors that are left */
void door_message_deinit(struct door_message *message);

/* door_message_take - take descriptor @index out; the caller's then */
int door_message_take(struct door_message *message, unsigned int index);

#endif
