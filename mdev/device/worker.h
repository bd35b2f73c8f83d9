/* SPDX-License-Identifier: MIT */
/*
 * The queue thread: drives the GPU (gpu.h) for as long as the process lives.
 *
 *   idle      waits for an order
 *   running   after worker_start(): takes requests when a doorbell rings, gives
 *             them back, retires fences
 *   stopping  after worker_stop(), until it says WORKER_STOPPED
 *
 * It may wait for the renderer at any time, so nobody waits for it: orders are
 * left in a box, and what it has to say comes as events. The only lock is the
 * box's, and it is never held over a call.
 *
 * Owner: the device (device.h). Locking: orders come from the register thread.
 */
#ifndef DEVICE_WORKER_H
#define DEVICE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "mdev/device/gpu.h"

/* Events, combined. */
#define WORKER_STOPPED (1u << 0) /* the queues are given up, nothing is left */
#define WORKER_BROKEN (1u << 1) /* the driver broke a rule */

struct worker {
	struct gpu gpu;
	pthread_t thread;
	int orders_fd; /* eventfd: an order is in the box */
	int doorbells[GPU_QUEUES]; /* eventfds: the queue was notified */
	int fence_fd; /* eventfd: a fence is done */
	int events_fd; /* eventfd for the register thread: events wait */
	_Atomic unsigned int events;
	uint64_t nudge_by; /* when rings are notified next, ms */

	pthread_mutex_t lock; /* of the box: */
	unsigned int orders;
	struct gpu_session session;
};

/**
 * worker_init - start the queue thread, idle
 * @worker: what to fill
 * @window_size: bytes, as layout_init() takes
 * @renderer: executes; outlives it
 *
 * Return: 0 or negative errno.
 */
int worker_init(struct worker *worker, uint64_t window_size,
		struct renderer *renderer);

/**
 * worker_deinit - end the queue thread and take down what a guest has
 * @worker: the worker
 *
 * Waits for the renderer, but not for ever.
 *
 * Return: 0, or -ETIMEDOUT: the thread still runs, and nothing it uses may be
 * freed.
 */
int worker_deinit(struct worker *worker);

/**
 * worker_start - a driver is ready
 * @worker: the worker, idle
 * @session: what it set up; the queues are the worker's until WORKER_STOPPED
 */
void worker_start(struct worker *worker, const struct gpu_session *session);

/**
 * worker_stop - give the queues up; WORKER_STOPPED says when
 * @worker: the worker, running
 */
void worker_stop(struct worker *worker);

/**
 * worker_notify - a queue was notified by another way than the doorbell
 * @worker: the worker
 * @queue: which
 */
void worker_notify(struct worker *worker, unsigned int queue);

/**
 * worker_events - take the events that wait
 * @worker: the worker
 *
 * Return: WORKER_* combined.
 */
unsigned int worker_events(struct worker *worker);

#endif
