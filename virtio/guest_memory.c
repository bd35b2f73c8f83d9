// SPDX-License-Identifier: MIT
#include "virtio/guest_memory.h"

#include <errno.h>
#include <stdatomic.h>

static int copy_one(struct guest_memory *memory, const struct guest_copy *copy)
{
	if (copy->write)
		return guest_memory_write(memory, copy->addr, copy->data,
					  copy->len);
	return guest_memory_read(memory, copy->addr, copy->data, copy->len);
}

unsigned int guest_memory_copy(struct guest_memory *memory,
			       const struct guest_copy *copies,
			       unsigned int count)
{
	unsigned int done;

	if (memory->ops->copy)
		return memory->ops->copy(memory, copies, count);
	for (done = 0; done < count; done++) {
		if (copy_one(memory, &copies[done]) < 0)
			break;
		atomic_thread_fence(memory_order_seq_cst);
	}
	return done;
}

int guest_memory_gather(struct guest_memory *memory,
			const struct guest_span *spans, unsigned int count,
			void *data)
{
	struct guest_copy copies[GUEST_COPIES_MAX];
	uint8_t *to = data;
	unsigned int filled = 0;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < count; i++) {
		if (spans[i].len)
			copies[filled++] = (struct guest_copy){
				spans[i].addr, to, spans[i].len, false};
		to += spans[i].len;
		if (filled == GUEST_COPIES_MAX || (filled && i + 1 == count)) {
			if (guest_memory_copy(memory, copies, filled) < filled)
				r = -EFAULT;
			filled = 0;
		}
	}
	return r;
}
