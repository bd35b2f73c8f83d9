// SPDX-License-Identifier: MIT
#include "virtio/guest_memory.h"

#include <stdatomic.h>

static int copy_one(struct guest_memory *memory, const struct guest_copy *copy)
{
	if (copy->write)
		return guest_memory_write(memory, copy->addr, copy->data,
					  copy->len);
	return guest_memory_read(memory, copy->addr, copy->data, copy->len);
}

int guest_memory_copy(struct guest_memory *memory,
		      const struct guest_copy *copies, unsigned int count)
{
	int r = 0;

	if (memory->ops->copy)
		return memory->ops->copy(memory, copies, count);
	for (unsigned int i = 0; r == 0 && i < count; i++) {
		r = copy_one(memory, &copies[i]);
		atomic_thread_fence(memory_order_seq_cst);
	}
	return r;
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
			r = guest_memory_copy(memory, copies, filled);
			filled = 0;
		}
	}
	return r;
}
