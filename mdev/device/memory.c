// SPDX-License-Identifier: MIT
#include "mdev/device/memory.h"

#include <errno.h>
#include <stddef.h>

/* Segments in one call; more are gathered in several. */
#define SEGMENTS 64

static struct memory *to_memory(struct guest_memory *guest)
{
	return (struct memory *)((char *)guest -
				 offsetof(struct memory, guest));
}

static int copy(struct guest_memory *guest,
		const struct transport_segment *segments, unsigned int count)
{
	struct memory *memory = to_memory(guest);

	/* Whatever failed, the guest's queue can't go on: one error will do. */
	return memory->transport->ops->copy(memory->transport, memory->gen,
					    segments, count) < 0
		       ? -EFAULT
		       : 0;
}

static int memory_read(struct guest_memory *guest, uint64_t addr, void *data,
		       size_t len)
{
	struct transport_segment segment = {addr, data, len, false};

	return copy(guest, &segment, 1);
}

static int memory_write(struct guest_memory *guest, uint64_t addr,
			const void *data, size_t len)
{
	/* A segment is written from, never to. */
	struct transport_segment segment = {addr, (void *)(uintptr_t)data, len,
					    true};

	return copy(guest, &segment, 1);
}

static int memory_gather(struct guest_memory *guest,
			 const struct guest_span *spans, unsigned int count,
			 void *data)
{
	struct transport_segment segments[SEGMENTS];
	uint8_t *to = data;
	unsigned int filled = 0;

	for (unsigned int i = 0; i < count; i++) {
		int r = 0;

		segments[filled++] = (struct transport_segment){
			spans[i].addr, to, spans[i].len, false};
		to += spans[i].len;
		if (filled == SEGMENTS || i + 1 == count) {
			r = copy(guest, segments, filled);
			filled = 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct guest_memory_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.gather = memory_gather,
};

void memory_init(struct memory *memory, struct transport *transport)
{
	*memory = (struct memory){{&memory_ops}, transport, 0};
}

void memory_begin(struct memory *memory, uint32_t gen)
{
	memory->gen = gen;
}
