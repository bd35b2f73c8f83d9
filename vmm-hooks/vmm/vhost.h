/* SPDX-License-Identifier: MIT */
/*
 * A device whose queues the kernel serves (vhost): it reads the guest's memory
 * by our mapping, is woken by the queue's eventfd and interrupts by the
 * vector's, so that this process is not on the data path at all.
 *
 * Owner: the device. Locking: none; calls come under the function's lock.
 */
#ifndef VMM_VHOST_H
#define VMM_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/virtio_function.h"

struct vhost {
	int fd; /* -1: not there */
	uint64_t features; /* what the kernel offers */
};

/**
 * vhost_init - open and own a vhost device
 * @vhost: what to fill
 * @path: such as /dev/vhost-net
 *
 * Return: 0 or negative errno, not reported.
 */
int vhost_init(struct vhost *vhost, const char *path);
void vhost_deinit(struct vhost *vhost);

/**
 * vhost_set_memory - which memory it may reach: the guest's, nothing else
 * @vhost: the device
 * @ram: the guest's memory
 *
 * Return: 0 or negative errno.
 */
int vhost_set_memory(struct vhost *vhost, const struct ram *ram);

/**
 * vhost_start - hand the first queues of a device over
 * @vhost: the kernel's part
 * @device: ours; its driver is ready
 * @queues: how many queues the kernel serves
 * @features: what was negotiated, as the kernel knows it
 *
 * The caller then connects the back end.
 *
 * Return: 0 or negative errno.
 */
int vhost_start(struct vhost *vhost, struct virtio_function *device,
		unsigned int queues, uint64_t features);

#endif
