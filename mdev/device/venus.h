/* SPDX-License-Identifier: MIT */
/*
 * What a device has to know of the venus protocol: the rings by which a guest
 * gives the renderer its commands. A ring is in shared memory, and a thread of the
 * renderer looks at it. When there was nothing for the ring's idle time, that
 * thread sleeps, until the guest notifies it by a request to this device.
 *
 * Drivers submit each of these commands alone. What is anything else is not
 * looked into.
 *
 * Locking: none; what is passed in is the caller's.
 */
#ifndef DEVICE_VENUS_H
#define DEVICE_VENUS_H

#include <stdint.h>

enum venus_command {
	VENUS_RING_CREATE,
	VENUS_RING_DESTROY,
	VENUS_RING_NOTIFY,
	VENUS_RING_WAIT, /* of one ring for another, or for a request */
	VENUS_OTHER,
};

/* Bytes of a command that notifies a ring. */
#define VENUS_NOTIFY_SIZE 24

/**
 * venus_command - what a guest submits
 * @data: the commands, a copy
 * @size: bytes, a multiple of 4
 * @ring: the guest's number of the ring that it creates, destroys or notifies
 *
 * Return: its kind; VENUS_OTHER for what may be anything.
 */
enum venus_command venus_command(const void *data, uint32_t size,
				 uint64_t *ring);

/**
 * venus_ring_stay_awake - have a ring's thread look longer before it sleeps
 * @data: a command that creates a ring, by venus_command()
 * @size: bytes of it
 * @idle_ns: at least so long
 */
void venus_ring_stay_awake(void *data, uint32_t size, uint64_t idle_ns);

/**
 * venus_notify - a command that notifies a ring
 * @data: room for VENUS_NOTIFY_SIZE bytes
 * @ring: the guest's number of it
 */
void venus_notify(void *data, uint64_t ring);

#endif
