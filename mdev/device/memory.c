// SPDX-License-Identifier: MIT
#include "mdev/device/memory.h"

#include <errno.h>
#include <stddef.h>

/* What a transport takes in one call; more are gathered in several. */
#define SEGMENTS 64

static struct memory *to_memory(struct guest_memory *guest)
{
	return (struct memory *)((char *)guest -
				 offsetof(struct memory, guest));
}

static int copy(struct guest_memory *guest, const struct tranche_copy *copies,
		unsigned int count)
{
	struct tranche_transport *view = to_memory(guest)->view;
	unsigned int done;

	/* Whatever failed, the guest's queue can't go on: one error will do. */
	if (!view || view->ops->copy(view, copies, count, &done) < 0)
		return -EFAULT;
	return 0;
}

static int memory_read(struct guest_memory *guest, uint64_t addr, void *data,
		       size_t len)
{
	struct tranche_copy segment = {addr, data, len, false};

	return copy(guest, &segment, 1);
}

static int memory_write(struct guest_memory *guest, uint64_t addr,
			const void *data, size_t len)
{
	/* A segment is written from, never to. */
	struct tranche_copy segment = {addr, (void *)(uintptr_t)data, len,
				       true};

	return copy(guest, &segment, 1);
}

static int memory_gather(struct guest_memory *guest,
			 const struct guest_span *spans, unsigned int count,
			 void *data)
{
	struct tranche_copy segments[SEGMENTS];
	uint8_t *to = data;
	unsigned int filled = 0;

	for (unsigned int i = 0; i < count; i++) {
		int r = 0;

		segments[filled++] = (struct tranche_copy){spans[i].addr, to,
							   spans[i].len, false};
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

void memory_init(struct memory *memory)
{
	*memory = (struct memory){.guest = {&memory_ops}};
}

void memory_begin(struct memory *memory, struct tranche_transport *view)
{
	memory->view = view;
}
