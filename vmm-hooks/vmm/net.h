/* SPDX-License-Identifier: MIT */
/*
 * virtio network (virtio 1.3 §5.1) on an existing tap. The kernel's vhost-net
 * moves the packets where the host has it; else a thread of ours does.
 *
 *   stopped ⇄ started (driver ready)
 *
 * Owner: the machine's devices. Locking: `lock` covers the state and the queues
 * against the thread; after a stop the thread touches no queue.
 */
#ifndef VMM_NET_H
#define VMM_NET_H

struct net;
struct machine;

/**
 * net_new - open the tap and attach a network card; reports what went wrong
 * @machine: where to
 * @tap: the tap's name; it must exist
 *
 * Return: the card, or NULL with errno.
 */
struct net *net_new(struct machine *machine, const char *tap);
/**
 * net_run - start its thread, if it needs one, after privileges were given up
 * @net: the card
 *
 * Return: 0 or negative errno.
 */
int net_run(struct net *net);
void net_free(struct net *net);

#endif
