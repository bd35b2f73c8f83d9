// SPDX-License-Identifier: MIT
#include "mdev/device/memory.h"

#include <errno.h>
#include <stddef.h>

static struct memory *to_memory(struct guest_memory *guest)
{
	return (struct memory *)((char *)guest -
				 offsetof(struct memory, guest));
}

static unsigned int memory_copy(struct guest_memory *guest,
				const struct guest_copy *copies,
				unsigned int count)
{
	struct tranche_transport *view = to_memory(guest)->view;
	struct tranche_copy pieces[GUEST_COPIES_MAX];
	unsigned int done = 0;

	for (unsigned int i = 0; i < count; i++)
		pieces[i] =
			(struct tranche_copy){copies[i].addr, copies[i].data,
					      copies[i].len, copies[i].write};
	counter_add(&to_memory(guest)->counters->copies, 1);
	/* Whatever failed, one error will do. */
	if (view)
		view->ops->copy(view, pieces, count, &done);
	return done;
}

static int memory_read(struct guest_memory *guest, uint64_t addr, void *data,
		       size_t len)
{
	const struct guest_copy piece = {addr, data, len, false};

	return memory_copy(guest, &piece, 1) == 1 ? 0 : -EFAULT;
}

static int memory_write(struct guest_memory *guest, uint64_t addr,
			const void *data, size_t len)
{
	/* Such a piece is written from, never to. */
	const struct guest_copy piece = {addr, (void *)(uintptr_t)data, len,
					 true};

	return memory_copy(guest, &piece, 1) == 1 ? 0 : -EFAULT;
}

static const struct guest_memory_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.copy = memory_copy,
};

void memory_init(struct memory *memory, struct counters *counters)
{
	*memory = (struct memory){
		.guest = {&memory_ops},
		.counters = counters,
	};
}

void memory_begin(struct memory *memory, struct tranche_transport *view)
{
	memory->view = view;
}
