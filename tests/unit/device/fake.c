// SPDX-License-Identifier: MIT
#include "fake.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define ANSWER_SECONDS 10

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "the device broke a rule: %s\n", what);
	abort();
}

static struct fake *of_transport(struct tranche_transport *transport)
{
	return ((struct fake_end *)transport)->fake;
}

static struct fake *of_renderer(struct renderer *renderer)
{
	return (struct fake *)((char *)renderer -
			       offsetof(struct fake, renderer));
}

static int fake_fd(struct tranche_transport *transport)
{
	return of_transport(transport)->fd;
}

static void answer_put(struct fake *fake, const struct fake_answer *answer)
{
	pthread_mutex_lock(&fake->lock);
	fake->answers[fake->answered++ % FAKE_MESSAGES] = *answer;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static int message_do(struct fake *fake, const struct fake_message *message,
		      void *data)
{
	const struct tranche_device_ops *ops = fake->device_ops;

	switch (message->op) {
	case FAKE_READ:
		return ops->read(fake->device, message->region, message->offset,
				 data, message->length);
	case FAKE_WRITE:
		return ops->write(fake->device, message->region,
				  message->offset, message->data,
				  message->length);
	case FAKE_RESET:
		fake->reset_seq = message->seq;
		return ops->reset(fake->device);
	case FAKE_OPEN:
		ops->opened(fake->device);
		return 0;
	case FAKE_CLOSE:
		ops->closed(fake->device);
		return 0;
	}
	return -EPROTO;
}

static int fake_dispatch(struct tranche_transport *transport, bool wait)
{
	struct fake *fake = of_transport(transport);
	struct fake_answer answer = {0};
	struct fake_message message;
	ssize_t length = recv(fake->fd, &message, sizeof(message),
			      wait ? 0 : MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	if (length != sizeof(message))
		return -ESHUTDOWN;
	answer.seq = message.seq;
	answer.error = message_do(fake, &message, answer.data);
	if (answer.error != -EINPROGRESS)
		answer_put(fake, &answer);
	return 0;
}

static int fake_reset_done(struct tranche_transport *transport, int error)
{
	struct fake *fake = of_transport(transport);
	struct fake_answer answer = {.seq = fake->reset_seq, .error = error};

	answer_put(fake, &answer);
	return 0;
}

static int copy_one(struct fake *fake, const struct tranche_copy *copy)
{
	if (copy->iova > FAKE_MEMORY || copy->length > FAKE_MEMORY - copy->iova)
		return -EFAULT;
	if (copy->write)
		memcpy(fake->memory + copy->iova, copy->data, copy->length);
	else
		memcpy(copy->data, fake->memory + copy->iova, copy->length);
	return 0;
}

static int fake_copy(struct tranche_transport *transport,
		     const struct tranche_copy *copies, unsigned int count,
		     unsigned int *done)
{
	require(count && count <= 64, "as many pieces as a call takes");
	for (*done = 0; *done < count; ++*done) {
		int r = copy_one(of_transport(transport), &copies[*done]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int fake_interrupt(struct tranche_transport *transport, uint32_t vector)
{
	require(vector < FAKE_VECTORS, "a vector that does not exist");
	of_transport(transport)->interrupts[vector]++;
	return 0;
}

static bool overlaps(const struct fake_mapping *mapping, uint64_t offset,
		     uint64_t length)
{
	return mapping->length && offset < mapping->offset + mapping->length &&
	       mapping->offset < offset + length;
}

static int fake_window_map(struct tranche_transport *transport, uint64_t offset,
			   void *address, size_t length)
{
	struct fake *fake = of_transport(transport);
	struct fake_mapping *free_one = NULL;

	require(length && !((offset | length) % PAGE), "not whole pages");
	require(offset < FAKE_WINDOW && length <= FAKE_WINDOW - offset,
		"outside the window");
	for (unsigned int i = 0; i < FAKE_THINGS; i++) {
		require(!overlaps(&fake->mappings[i], offset, length),
			"mappings overlap");
		if (!fake->mappings[i].length)
			free_one = &fake->mappings[i];
	}
	if (!free_one)
		return -ENOMEM;
	*free_one = (struct fake_mapping){offset, length, address};
	return 0;
}

static int fake_window_unmap(struct tranche_transport *transport,
			     uint64_t offset, size_t length)
{
	struct fake *fake = of_transport(transport);

	if (fake->fail_unmap)
		return fake->fail_unmap;
	for (unsigned int i = 0; i < FAKE_THINGS; i++) {
		if (fake->mappings[i].offset != offset ||
		    fake->mappings[i].length != length)
			continue;
		fake->mappings[i].length = 0;
		return 0;
	}
	require(false, "unmaps what is not mapped");
	return -ENOENT;
}

static int fake_doorbell(struct tranche_transport *transport,
			 const struct tranche_doorbell_register *where,
			 int eventfd)
{
	(void)transport;
	(void)where;
	(void)eventfd;
	return 0;
}

static void fake_close(struct tranche_transport *transport)
{
	struct fake *fake = of_transport(transport);

	require(transport == &fake->view.transport && fake->views--,
		"closes what is open");
}

static const struct tranche_transport_ops view_ops = {
	.copy = fake_copy,
	.interrupt = fake_interrupt,
	.map = fake_window_map,
	.unmap = fake_window_unmap,
	.close = fake_close,
};

struct tranche_transport *fake_view(struct fake *fake)
{
	fake->views++;
	fake->view = (struct fake_end){{&view_ops}, fake};
	return &fake->view.transport;
}

static int fake_make_view(struct tranche_transport *transport,
			  struct tranche_transport **viewp)
{
	*viewp = fake_view(of_transport(transport));
	return 0;
}

static const struct tranche_transport_ops main_ops = {
	.fd = fake_fd,
	.dispatch = fake_dispatch,
	.doorbell = fake_doorbell,
	.interrupt = fake_interrupt,
	.reset_done = fake_reset_done,
	.view = fake_make_view,
};

static uint32_t *context_find(struct fake *fake, uint32_t id)
{
	for (unsigned int i = 0; i < FAKE_THINGS; i++)
		if (fake->contexts[i] == id)
			return &fake->contexts[i];
	return NULL;
}

static struct fake_resource *resource_find(struct fake *fake, uint32_t id)
{
	for (unsigned int i = 0; i < FAKE_THINGS; i++)
		if (fake->resources[i].id == id)
			return &fake->resources[i];
	return NULL;
}

static int fake_capset(struct renderer *renderer, uint32_t *version, void *data,
		       size_t size)
{
	(void)renderer;
	require(size >= 160, "room for the capset");
	*version = 0;
	memset(data, 0x5a, 160);
	return 160;
}

static int fake_begin(struct renderer *renderer)
{
	require(fake_left(of_renderer(renderer)) == 1,
		"begins with nothing but a view");
	of_renderer(renderer)->gone = false;
	return 0;
}

static int fake_context_create(struct renderer *renderer, uint32_t context,
			       const char *name)
{
	struct fake *fake = of_renderer(renderer);
	uint32_t *slot = context_find(fake, 0);

	require(strlen(name) <= 64, "a name that is too long");
	require(context && !context_find(fake, context), "a new context");
	if (fake->fail)
		return fake->fail;
	if (fake->gone)
		return -EPIPE;
	if (!slot)
		return -ENOMEM;
	*slot = context;
	return 0;
}

static void fake_context_destroy(struct renderer *renderer, uint32_t context)
{
	uint32_t *slot = context_find(of_renderer(renderer), context);

	require(context && slot, "a context to destroy");
	if (slot)
		*slot = 0;
}

static void fake_attach(struct renderer *renderer, uint32_t context,
			uint32_t resource)
{
	require(context_find(of_renderer(renderer), context), "a context");
	require(resource_find(of_renderer(renderer), resource), "a resource");
}

static int fake_blob_create(struct renderer *renderer,
			    const struct renderer_blob *blob)
{
	struct fake *fake = of_renderer(renderer);
	struct fake_resource *slot = resource_find(fake, 0);

	require(context_find(fake, blob->context), "a context for a blob");
	require(blob->resource && !resource_find(fake, blob->resource),
		"a new resource");
	require(blob->size && blob->size % PAGE == 0, "whole pages");
	if (fake->fail)
		return fake->fail;
	if (!slot)
		return -ENOMEM;
	*slot = (struct fake_resource){.id = blob->resource};
	return 0;
}

static void fake_unref(struct renderer *renderer, uint32_t resource)
{
	struct fake_resource *slot =
		resource_find(of_renderer(renderer), resource);

	require(resource && slot && !slot->mapped, "a resource to destroy");
	if (slot)
		slot->id = 0;
}

/* An address of its own for each resource; nobody looks behind it. */
static void *address_of(uint32_t resource)
{
	return (void *)((uintptr_t)resource << 20);
}

static int fake_map(struct renderer *renderer, uint32_t resource,
		    uint64_t length, void **address, uint32_t *map_info)
{
	struct fake *fake = of_renderer(renderer);
	struct fake_resource *slot = resource_find(fake, resource);

	(void)length;
	require(resource && slot && !slot->mapped, "a resource to map");
	if (fake->fail)
		return fake->fail;
	slot->mapped = true;
	*address = address_of(resource);
	*map_info = 1;
	return 0;
}

static void fake_unmap(struct renderer *renderer, uint32_t resource)
{
	struct fake *fake = of_renderer(renderer);
	struct fake_resource *slot = resource_find(fake, resource);

	require(resource && slot && slot->mapped, "a resource to unmap");
	for (unsigned int i = 0; !fake->fail_unmap && i < FAKE_THINGS; i++)
		require(!fake->mappings[i].length ||
				fake->mappings[i].address !=
					address_of(resource),
			"the window shows what the renderer unmaps");
	slot->mapped = false;
}

static int fake_submit(struct renderer *renderer, uint32_t context, void *data,
		       uint32_t dwords)
{
	struct fake *fake = of_renderer(renderer);

	require(context_find(fake, context), "a context to submit to");
	require((uintptr_t)data % 8 == 0, "aligned commands");
	pthread_mutex_lock(&fake->lock);
	fake->submitted += dwords;
	fake->last_context = context;
	memcpy(fake->last, data, 4 * (dwords < 64 ? dwords : 64));
	fake->holding = fake->hold_submit;
	pthread_cond_broadcast(&fake->changed);
	while (fake->hold_submit)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake->holding = false;
	pthread_mutex_unlock(&fake->lock);
	return fake->fail;
}

static int fake_fence(struct renderer *renderer, uint32_t context, uint8_t ring,
		      uint64_t fence)
{
	struct fake *fake = of_renderer(renderer);

	require(context_find(fake, context), "a context to fence");
	require(ring < RENDERER_RINGS_MAX && fence, "a ring and a number");
	if (fake->fail)
		return fake->fail;
	for (unsigned int i = 0; i < FAKE_THINGS; i++) {
		if (fake->fences[i])
			continue;
		fake->fences[i] = fence;
		return 0;
	}
	return -ENOMEM;
}

static int fake_give_up(struct renderer *renderer, uint32_t context)
{
	struct fake *fake = of_renderer(renderer);

	if (fake->deaf)
		return -ENOENT;
	pthread_mutex_lock(&fake->lock);
	fake->given_up = context;
	fake->hold_submit = false;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

static void fake_abandon(struct renderer *renderer)
{
	struct fake *fake = of_renderer(renderer);

	pthread_mutex_lock(&fake->lock);
	fake->abandoned++;
	fake->hold_submit = false;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static const struct renderer_ops renderer_ops = {
	.capset = fake_capset,
	.begin = fake_begin,
	.context_create = fake_context_create,
	.context_destroy = fake_context_destroy,
	.attach = fake_attach,
	.detach = fake_attach,
	.blob_create = fake_blob_create,
	.unref = fake_unref,
	.map = fake_map,
	.unmap = fake_unmap,
	.submit = fake_submit,
	.fence = fake_fence,
	.give_up = fake_give_up,
	.abandon = fake_abandon,
};

void fake_init(struct fake *fake)
{
	int sockets[2];

	memset(fake, 0, sizeof(*fake));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) < 0)
		abort();
	fake->main = (struct fake_end){{&main_ops}, fake};
	fake->fd = sockets[0];
	fake->peer = sockets[1];
	fake->renderer.ops = &renderer_ops;
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
}

void fake_deinit(struct fake *fake)
{
	close(fake->fd);
	close(fake->peer);
	pthread_mutex_destroy(&fake->lock);
	pthread_cond_destroy(&fake->changed);
}

unsigned int fake_fences_done(struct fake *fake)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < FAKE_THINGS; i++) {
		uint64_t fence = fake->fences[i];

		if (!fence)
			continue;
		fake->fences[i] = 0;
		fake->renderer.fence_done(fake->renderer.user, fence);
		count++;
	}
	return count;
}

unsigned int fake_left(const struct fake *fake)
{
	unsigned int count = fake->views;

	for (unsigned int i = 0; i < FAKE_THINGS; i++)
		count += !!fake->contexts[i] + !!fake->resources[i].id +
			 !!fake->mappings[i].length;
	return count;
}

void fake_send(struct fake *fake, const struct fake_message *message)
{
	if (send(fake->peer, message, sizeof(*message), 0) < 0)
		abort();
}

static const struct fake_answer *answer_find(struct fake *fake, uint64_t seq)
{
	for (unsigned int i = 0; i < FAKE_MESSAGES; i++)
		if (fake->answers[i].seq == seq)
			return &fake->answers[i];
	return NULL;
}

struct fake_answer fake_answer(struct fake *fake, uint64_t seq)
{
	const struct fake_answer *found;
	struct fake_answer answer = {0};
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += ANSWER_SECONDS;
	pthread_mutex_lock(&fake->lock);
	while (!(found = answer_find(fake, seq)) && r == 0)
		r = pthread_cond_timedwait(&fake->changed, &fake->lock, &end);
	if (found)
		answer = *found;
	pthread_mutex_unlock(&fake->lock);
	require(found, "no answer");
	return answer;
}
