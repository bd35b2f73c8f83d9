// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm-hooks/vmm/cleanup.h"

static void woken(struct loop_handler *handler, uint32_t events)
{
	eventfd_t count;

	(void)events;
	eventfd_read(handler->fd, &count);
}

int loop_init(struct loop *loop)
{
	loop->wake.ready = woken;
	loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	atomic_init(&loop->status, LOOP_RUNNING);
	if (loop->wake.fd < 0 || loop->epoll < 0)
		return -errno;
	return loop_add(loop, &loop->wake, EPOLLIN);
}

void loop_deinit(struct loop *loop)
{
	close_fd(&loop->epoll);
	close_fd(&loop->wake.fd);
}

int loop_add(struct loop *loop, struct loop_handler *handler, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = handler};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, handler->fd, &event) < 0
		       ? -errno
		       : 0;
}

void loop_remove(struct loop *loop, struct loop_handler *handler)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, handler->fd, NULL);
}

/* One event a turn: a handler may remove another one that is ready too. */
int loop_run(struct loop *loop)
{
	struct epoll_event event;

	while (atomic_load(&loop->status) == LOOP_RUNNING) {
		struct loop_handler *handler;

		if (epoll_wait(loop->epoll, &event, 1, -1) <= 0)
			continue;
		handler = event.data.ptr;
		handler->ready(handler, event.events);
	}
	return atomic_load(&loop->status);
}

void loop_end(struct loop *loop, int status)
{
	int running = LOOP_RUNNING;

	if (atomic_compare_exchange_strong(&loop->status, &running, status))
		eventfd_write(loop->wake.fd, 1);
}
