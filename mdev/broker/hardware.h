/* SPDX-License-Identifier: MIT */
/*
 * Which GPUs there are: at the broker's start, and when drivers are bound, let
 * go, or GPUs come and go.
 *
 * What Vulkan says of them takes long to ask for. A kept answer (vulkan_cache.h)
 * is used at once, and the drivers are asked beside the event loop.
 *
 *   start   a kept answer -> serve, ask all the same and keep the new answer
 *           none          -> ask, then serve
 *   later   a change -> look -> serve with a kept answer, or ask, then serve
 *
 * States: at most one look is due and one question under way; what comes
 * meanwhile makes one more.
 *
 * Ownership: the broker owns GPUs, this what is due. GPUs are never freed: their
 * arbiters' threads have them until the process ends. Locking: the event loop's
 * thread only; the asking thread has a list of its own.
 */
#ifndef BROKER_HARDWARE_H
#define BROKER_HARDWARE_H

#include <systemd/sd-event.h>

#include "mdev/gpu/gpu.h"

struct broker;

/**
 * struct hardware - what is due
 * @uevents: of the kernel
 * @timer: a look is due
 * @asking: drivers are being asked
 * @again: ask once more afterwards
 * @asked: times without an answer for a GPU that was served before
 */
struct hardware {
	sd_event_source *uevents;
	sd_event_source *timer;
	bool asking;
	bool again;
	unsigned int asked;
};

/**
 * hardware_init - find GPUs and begin with each
 * @broker: its module is open, its run directory made
 *
 * Return: 0 or a negative errno.
 */
int hardware_init(struct broker *broker);
void hardware_deinit(struct broker *broker);

/**
 * hardware_changed - look what there is, soon
 * @broker: the broker
 */
void hardware_changed(struct broker *broker);

#endif
