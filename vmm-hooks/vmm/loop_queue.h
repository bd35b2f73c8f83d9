/* SPDX-License-Identifier: MIT */
/*
 * Queues served by the machine's loop: for devices that never wait long.
 *
 *   stopped (the driver is not ready) ⇄ started
 *
 * Owner: the device. Locking: inside: start and stop come from a processor's
 * thread, service happens on the loop's; after stop returns no queue is in use.
 */
#ifndef VMM_LOOP_QUEUE_H
#define VMM_LOOP_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm-hooks/vmm/loop.h"
#include "vmm-hooks/vmm/virtio_function.h"

struct loop_queues;

struct loop_queue {
	struct loop_handler handler;
	struct loop_queues *all;
	unsigned int index;
};

struct loop_queues {
	struct virtio_function *device;
	struct loop *loop;
	void (*ready)(struct virtio_function *device, unsigned int queue);
	pthread_mutex_t lock;
	bool started;
	struct loop_queue queues[VIRTIO_PCI_QUEUES_MAX];
};

/**
 * loop_queues_init - watch all queues of a device
 * @queues: what to fill
 * @device: its queues exist
 * @loop: who serves them
 * @ready: called on the loop's thread, with the lock held, when a queue was
 *         notified and the device is started
 *
 * Return: 0 or negative errno.
 */
int loop_queues_init(struct loop_queues *queues, struct virtio_function *device,
		     struct loop *loop,
		     void (*ready)(struct virtio_function *device,
				   unsigned int queue));
void loop_queues_deinit(struct loop_queues *queues);

int loop_queues_start(struct loop_queues *queues);
void loop_queues_stop(struct loop_queues *queues);

#endif
