/* SPDX-License-Identifier: MIT */
/*
 * An event loop on epoll: descriptors and what to do when they are ready. The
 * main thread runs one; it serves the console, signals and slow devices, and
 * ends when someone says how the machine ended.
 *
 *   running → ended(status), once; the first status counts
 *
 * Owner: the machine. Locking: add and remove only on the loop's own thread or
 * while it does not run; loop_end may come from any thread.
 */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include <stdatomic.h>
#include <stdint.h>

#define LOOP_RUNNING -1

struct loop_handler {
	int fd;
	void (*ready)(struct loop_handler *handler, uint32_t events);
};

struct loop {
	int epoll;
	struct loop_handler wake; /* eventfd */
	atomic_int status; /* LOOP_RUNNING, or how it ended */
};

int loop_init(struct loop *loop);
void loop_deinit(struct loop *loop);

/**
 * loop_add - watch a descriptor
 * @loop: the loop
 * @handler: what to call; stays in place until removed
 * @events: EPOLLIN and the like
 *
 * Return: 0 or negative errno.
 */
int loop_add(struct loop *loop, struct loop_handler *handler, uint32_t events);
void loop_remove(struct loop *loop, struct loop_handler *handler);

/**
 * loop_run - serve until someone calls loop_end()
 * @loop: the loop
 * @status: 0 or greater
 *
 * Return: the status given there.
 */
int loop_run(struct loop *loop);
void loop_end(struct loop *loop, int status);

#endif
