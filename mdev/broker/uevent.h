/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells of PCI functions and DRM nodes that come, go, are bound
 * to a driver or let go. It is taken from the kernel itself: libsystemd's monitor
 * hears nothing on hosts without udev.
 *
 * States: open while its source is. Ownership: the event loop's source owns the
 * socket. Locking: the event loop's thread only.
 */
#ifndef BROKER_UEVENT_H
#define BROKER_UEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/**
 * uevent_open - hear of GPUs
 * @loop: event loop
 * @source: ends when it is unreferenced
 * @changed: something of a PCI function or DRM node changed, or may have
 * @owner: passed to it
 *
 * Return: 0 or a negative errno.
 */
int uevent_open(sd_event *loop, sd_event_source **source,
		void (*changed)(void *owner), void *owner);

/**
 * uevent_is_gpu - whether a message may be about a GPU
 * @message: "ACTION@PATH", then "KEY=VALUE", each ended by a zero
 * @size: of all
 */
bool uevent_is_gpu(const char *message, size_t size);

#endif
