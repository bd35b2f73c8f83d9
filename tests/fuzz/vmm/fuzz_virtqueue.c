// SPDX-License-Identifier: MIT
/*
 * A virtqueue over memory that changes under the device: nothing outside the
 * memory is reached, chains keep to their bounds, and a broken queue stays so.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "tests/fuzz/vmm/harness.h"
#include "virtio/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SIZE 0x4000

struct small_memory {
	struct guest_memory memory;
	struct input *input;
	uint8_t bytes[SIZE];
};

/* Now and then the guest writes while the device reads. */
static void disturb(struct small_memory *small)
{
	uint8_t what = input_take(small->input, 1);

	if ((what & 0xf) == 1)
		small->bytes[input_take(small->input, 2) % SIZE] = what;
}

static int read_small(struct guest_memory *memory, uint64_t addr, void *data,
		      size_t len)
{
	struct small_memory *small = (struct small_memory *)memory;

	disturb(small);
	if (addr > SIZE || len > SIZE - addr)
		return -EFAULT;
	memcpy(data, small->bytes + addr, len);
	return 0;
}

static int write_small(struct guest_memory *memory, uint64_t addr,
		       const void *data, size_t len)
{
	struct small_memory *small = (struct small_memory *)memory;

	if (addr > SIZE || len > SIZE - addr)
		return -EFAULT;
	memcpy(small->bytes + addr, data, len);
	return 0;
}

static void use(struct virtq *queue, const struct virtq_chain *chain)
{
	uint8_t data[64] = {0};

	if (chain->readable + chain->writable > VIRTQ_SIZE_MAX ||
	    chain->head >= queue->size)
		__builtin_trap();
	virtq_chain_read(queue, chain, chain->read_len / 2, data, 48);
	virtq_chain_write(queue, chain, chain->write_len / 2, data,
			  sizeof(data));
	guest_memory_gather(
		queue->memory, chain->spans,
		chain->read_len <= sizeof(data) ? chain->readable : 0, data);
}

/* Descriptors that look like some: the fuzzer changes what matters. */
static void fill(struct small_memory *small, const struct virtq *queue)
{
	uint16_t *avail = (uint16_t *)(small->bytes + queue->avail);
	struct vring_desc *desc = (struct vring_desc *)(small->bytes + 0x3000);
	struct vring_desc *main =
		(struct vring_desc *)(small->bytes + (queue->desc & 0xf0));

	for (unsigned int i = 0; i < 16; i++) {
		uint32_t word = input_take(small->input, 4);

		main[i] = desc[i] = (struct vring_desc){
			.addr = word & 0x3fff,
			.len = word >> 14 & 0x7f,
			.flags = word >> 21 & 7,
			.next = word >> 24 & 15,
		};
		if (main[i].flags & VRING_DESC_F_INDIRECT) {
			main[i].addr = 0x3000;
			main[i].len = 16 * (main[i].len & 15);
		}
		avail[2 + i] = word >> 28;
	}
	avail[1] = input_take(small->input, 1) % 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct guest_memory_ops ops = {read_small, write_small,
						    NULL};
	static struct small_memory small;
	static struct virtq_chain chain;
	struct input input = {data, len};
	struct virtq queue = {.memory = &small.memory, .size_max = 64};

	small.memory.ops = &ops;
	small.input = &input;
	memset(small.bytes, 0, SIZE);
	virtq_reset(&queue);
	queue.size = 1u << (input_take(&input, 1) % 8);
	queue.desc = input_take(&input, 1) & 0xf0;
	queue.avail = 0x1000 | (input_take(&input, 1) & 0xfe);
	queue.used = 0x2000 | (input_take(&input, 1) & 0xfc);
	queue.event_idx = input_take(&input, 1) & 1;
	queue.indirect = input_take(&input, 1) & 1;
	fill(&small, &queue);
	virtq_enable(&queue);
	for (unsigned int i = 0; i < 100; i++) {
		int r = virtq_pop(&queue, &chain);

		if (r > 0) {
			use(&queue, &chain);
			virtq_push(&queue, chain.head, chain.write_len);
		}
		virtq_must_interrupt(&queue);
		if (r < 0 && virtq_pop(&queue, &chain) != -EPIPE)
			__builtin_trap();
		if (r <= 0 && !virtq_await(&queue))
			break;
	}
	return 0;
}
