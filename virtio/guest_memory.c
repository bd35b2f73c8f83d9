// SPDX-License-Identifier: MIT
#include "virtio/guest_memory.h"

int guest_memory_gather(struct guest_memory *memory,
			const struct guest_span *spans, unsigned int count,
			void *data)
{
	uint8_t *to = data;

	if (memory->ops->gather)
		return memory->ops->gather(memory, spans, count, data);
	for (unsigned int i = 0; i < count; i++) {
		int r = guest_memory_read(memory, spans[i].addr, to,
					  spans[i].len);

		if (r < 0)
			return r;
		to += spans[i].len;
	}
	return 0;
}
