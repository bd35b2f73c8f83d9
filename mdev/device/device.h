/* SPDX-License-Identifier: MIT */
/*
 * One vGPU: the register thread, which takes the transport's messages and
 * answers them from the PCI function, and beside it the queue thread.
 *
 * A register access is answered at once, whatever the queue thread does. Only
 * the answer to a reset waits until the queue thread has given everything up;
 * meanwhile accesses go on being answered. A renderer that holds that up for
 * DEVICE_STOP_MS is abandoned: the guest wanted all of it gone anyway. A request
 * that stays too long in the renderer costs its context (watch.h).
 *
 * Owner: the program's main function. Locking: everything is the register
 * thread's, that is, the caller's of device_serve().
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "mdev/device/function.h"
#include "mdev/device/worker.h"
#include "mdev/transport/transport.h"

#define DEVICE_STOP_MS 3000

struct device {
	struct tranche_transport *transport;
	struct worker worker;
	struct function function;
	uint64_t stop_by; /* CLOCK_MONOTONIC, ms; 0: nothing to wait for */
	bool reset_waits; /* for an answer */
};

/* What a transport calls, with the device. */
extern const struct tranche_device_ops device_ops;

/**
 * device_init - a vGPU in reset, its queue thread started
 * @device: what to fill
 * @transport: made with device_ops and @device; outlives it
 * @window_size: bytes, as layout_init() takes
 * @renderer: executes; outlives it
 *
 * Return: 0 or negative errno.
 */
int device_init(struct device *device, struct tranche_transport *transport,
		uint64_t window_size, struct renderer *renderer);

/**
 * device_deinit - take everything down
 * @device: the device
 *
 * Return: 0, or -ETIMEDOUT when the queue thread hangs in the renderer: the
 * process can only end.
 */
int device_deinit(struct device *device);

/**
 * device_serve - serve until told to end
 * @device: the device
 * @signals: a signalfd that does not block: SIGUSR1 logs the counters, every
 *	     other signal is the end
 *
 * Return: 0 when told to end, -ESHUTDOWN when the transport has ended, or
 * another negative errno.
 */
int device_serve(struct device *device, int signals);

#endif
