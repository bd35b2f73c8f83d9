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

static struct fake *of_transport(struct transport *transport)
{
	return (struct fake *)((char *)transport -
			       offsetof(struct fake, transport));
}

static struct fake *of_renderer(struct renderer *renderer)
{
	return (struct fake *)((char *)renderer -
			       offsetof(struct fake, renderer));
}

static int fake_receive(struct transport *transport,
			struct transport_message *message)
{
	ssize_t length =
		recv(transport->fd, message, sizeof(*message), MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	return length == sizeof(*message) ? 0 : -ESHUTDOWN;
}

static int fake_take_answer(struct transport *transport,
			    const struct transport_answer *answer)
{
	struct fake *fake = of_transport(transport);

	pthread_mutex_lock(&fake->lock);
	fake->answers[fake->answered++ % FAKE_MESSAGES] = *answer;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
	return 0;
}

static int copy_one(struct fake *fake, const struct transport_segment *segment)
{
	if (segment->iova > FAKE_MEMORY ||
	    segment->length > FAKE_MEMORY - segment->iova)
		return -EFAULT;
	if (segment->write)
		memcpy(fake->memory + segment->iova, segment->data,
		       segment->length);
	else
		memcpy(segment->data, fake->memory + segment->iova,
		       segment->length);
	return 0;
}

static int fake_copy(struct transport *transport, uint32_t gen,
		     const struct transport_segment *segments,
		     unsigned int count)
{
	int r = 0;

	(void)gen;
	for (unsigned int i = 0; r == 0 && i < count; i++)
		r = copy_one(of_transport(transport), &segments[i]);
	return r;
}

static int fake_interrupt(struct transport *transport, uint32_t gen,
			  unsigned int vector)
{
	(void)gen;
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

static int fake_window_map(struct transport *transport, uint32_t gen,
			   uint64_t offset, uint64_t length, void *address)
{
	struct fake *fake = of_transport(transport);
	struct fake_mapping *free_one = NULL;

	(void)gen;
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

static int fake_window_unmap(struct transport *transport, uint32_t gen,
			     uint64_t offset, uint64_t length)
{
	struct fake *fake = of_transport(transport);

	(void)gen;
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

static int fake_doorbell(struct transport *transport, unsigned int region,
			 uint64_t offset, int eventfd)
{
	(void)transport;
	(void)region;
	(void)offset;
	(void)eventfd;
	return 0;
}

static const struct transport_ops transport_ops = {
	.receive = fake_receive,
	.answer = fake_take_answer,
	.copy = fake_copy,
	.interrupt = fake_interrupt,
	.map = fake_window_map,
	.unmap = fake_window_unmap,
	.doorbell = fake_doorbell,
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
	require(fake_left(of_renderer(renderer)) == 0, "begins with leftovers");
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
	.abandon = fake_abandon,
};

void fake_init(struct fake *fake)
{
	int sockets[2];

	memset(fake, 0, sizeof(*fake));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) < 0)
		abort();
	fake->transport =
		(struct transport){&transport_ops, sockets[0], FAKE_WINDOW};
	fake->peer = sockets[1];
	fake->renderer.ops = &renderer_ops;
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
}

void fake_deinit(struct fake *fake)
{
	close(fake->transport.fd);
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
	unsigned int count = 0;

	for (unsigned int i = 0; i < FAKE_THINGS; i++)
		count += !!fake->contexts[i] + !!fake->resources[i].id +
			 !!fake->mappings[i].length;
	return count;
}

void fake_send(struct fake *fake, const struct transport_message *message)
{
	if (send(fake->peer, message, sizeof(*message), 0) < 0)
		abort();
}

static const struct transport_answer *answer_find(struct fake *fake,
						  uint64_t seq)
{
	for (unsigned int i = 0; i < FAKE_MESSAGES; i++)
		if (fake->answers[i].seq == seq)
			return &fake->answers[i];
	return NULL;
}

struct transport_answer fake_answer(struct fake *fake, uint64_t seq)
{
	const struct transport_answer *found;
	struct transport_answer answer = {0};
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
