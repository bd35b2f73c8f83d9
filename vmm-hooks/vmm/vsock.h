/* SPDX-License-Identifier: MIT */
/*
 * virtio sockets (virtio 1.3 §5.10) between guest and host, served by the
 * kernel's vhost-vsock.
 *
 * Owner: the machine's devices. Locking: the function's lock.
 */
#ifndef VMM_VSOCK_H
#define VMM_VSOCK_H

#include <stdint.h>

struct vsock;
struct machine;

/**
 * vsock_new - attach sockets to the host; reports what went wrong
 * @machine: where to
 * @cid: the guest's address, 3 or greater
 *
 * Return: the device, or NULL with errno.
 */
struct vsock *vsock_new(struct machine *machine, uint32_t cid);
void vsock_free(struct vsock *vsock);

#endif
