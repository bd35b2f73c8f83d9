// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/loop_queue.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "vmm-hooks/vmm/cleanup.h"

static void kicked(struct loop_handler *handler, uint32_t events)
{
	struct loop_queue *queue = (struct loop_queue *)handler;
	struct loop_queues *all = queue->all;
	eventfd_t count;

	(void)events;
	eventfd_read(handler->fd, &count);
	MUTEX_GUARD(&all->lock);
	if (all->started)
		all->ready(all->device, queue->index);
}

int loop_queues_init(struct loop_queues *queues, struct virtio_function *device,
		     struct loop *loop,
		     void (*ready)(struct virtio_function *device,
				   unsigned int queue))
{
	*queues = (struct loop_queues){
		.device = device, .loop = loop, .ready = ready};
	pthread_mutex_init(&queues->lock, NULL);
	for (unsigned int i = 0; i < device->registers.queue_count; i++) {
		struct loop_queue *queue = &queues->queues[i];
		int r;

		*queue = (struct loop_queue){
			.handler = {device->kicks[i], kicked},
			.all = queues,
			.index = i,
		};
		r = loop_add(loop, &queue->handler, EPOLLIN);
		if (r < 0)
			return r;
	}
	return 0;
}

void loop_queues_deinit(struct loop_queues *queues)
{
	if (queues->device)
		pthread_mutex_destroy(&queues->lock);
}

int loop_queues_start(struct loop_queues *queues)
{
	MUTEX_GUARD(&queues->lock);

	queues->started = true;
	return 0;
}

void loop_queues_stop(struct loop_queues *queues)
{
	MUTEX_GUARD(&queues->lock);

	queues->started = false;
}
