// SPDX-License-Identifier: MIT
#include "virtio/queue.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <string.h>

/* Offsets within the three parts (virtio 1.3 §2.7.5, §2.7.6, §2.7.8). */
#define RING_IDX 2
#define RING_ENTRIES 4
#define AVAIL_ENTRY 2
#define USED_ENTRY 8

void virtq_reset(struct virtq *queue)
{
	struct guest_memory *memory = queue->memory;
	uint16_t size_max = queue->size_max;

	memset(queue, 0, sizeof(*queue));
	queue->memory = memory;
	queue->size_max = size_max;
	queue->size = size_max;
}

static int queue_break(struct virtq *queue)
{
	queue->broken = true;
	return -EPIPE;
}

static bool usable(const struct virtq *queue)
{
	return queue->ready && !queue->broken;
}

int virtq_enable(struct virtq *queue)
{
	bool sized = queue->size && queue->size <= queue->size_max &&
		     !(queue->size & (queue->size - 1));
	bool aligned = !(queue->desc & 15) && !(queue->avail & 1) &&
		       !(queue->used & 3);

	queue->ready = true;
	if (sized && aligned)
		return 0;
	queue_break(queue);
	return -EINVAL;
}

/* Addresses are the guest's: they may wrap, and then simply are not memory. */
static int read16(struct virtq *queue, uint64_t addr, uint16_t *value)
{
	uint16_t raw;

	if (guest_memory_read(queue->memory, addr, &raw, sizeof(raw)) < 0)
		return queue_break(queue);
	*value = le16toh(raw);
	return 0;
}

static int write16(struct virtq *queue, uint64_t addr, uint16_t value)
{
	uint16_t raw = htole16(value);

	if (guest_memory_write(queue->memory, addr, &raw, sizeof(raw)) < 0)
		return queue_break(queue);
	return 0;
}

/* What the driver says in used_event, behind the available ring. */
static uint64_t used_event_addr(const struct virtq *queue)
{
	return queue->avail + RING_ENTRIES + AVAIL_ENTRY * queue->size;
}

static uint64_t avail_event_addr(const struct virtq *queue)
{
	return queue->used + RING_ENTRIES + USED_ENTRY * queue->size;
}

/* Looks for new requests; 1 when there are some. */
static int refresh(struct virtq *queue)
{
	uint16_t pending;

	if (read16(queue, queue->avail + RING_IDX, &queue->avail_seen) < 0)
		return -EPIPE;
	/* Entries are read after the index that covers them. */
	atomic_thread_fence(memory_order_acquire);
	pending = queue->avail_seen - queue->avail_next;
	if (pending > queue->size)
		return queue_break(queue);
	return pending != 0;
}

static int next_head(struct virtq *queue, uint16_t *head)
{
	uint16_t slot = queue->avail_next & (queue->size - 1);
	int r;

	if (queue->avail_next == queue->avail_seen) {
		r = refresh(queue);
		if (r <= 0)
			return r;
	}
	r = read16(queue, queue->avail + RING_ENTRIES + AVAIL_ENTRY * slot,
		   head);
	if (r < 0)
		return r;
	if (*head >= queue->size)
		return queue_break(queue);
	queue->avail_next++;
	return 1;
}

/* A table of descriptors: the queue's own, or an indirect one, copied. */
struct table {
	uint64_t addr;
	uint16_t count;
	const struct vring_desc *copy; /* NULL: read one at a time */
};

static int table_entry(struct virtq *queue, const struct table *table,
		       uint16_t index, struct vring_desc *desc)
{
	if (index >= table->count)
		return queue_break(queue);
	if (table->copy) {
		*desc = table->copy[index];
		return 0;
	}
	if (guest_memory_read(queue->memory,
			      table->addr + index * sizeof(*desc), desc,
			      sizeof(*desc)) < 0)
		return queue_break(queue);
	return 0;
}

/* Readable buffers come first (§2.7.4.2), and lengths must not overflow. */
static int add_span(struct virtq *queue, struct virtq_chain *chain,
		    const struct vring_desc *desc)
{
	bool write = le16toh(desc->flags) & VRING_DESC_F_WRITE;
	uint32_t len = le32toh(desc->len);
	uint32_t *total = write ? &chain->write_len : &chain->read_len;
	unsigned int at = chain->readable + chain->writable;

	if (at == VIRTQ_SIZE_MAX || (!write && chain->writable))
		return queue_break(queue);
	if (__builtin_add_overflow(*total, len, total))
		return queue_break(queue);
	chain->spans[at] = (struct guest_span){le64toh(desc->addr), len};
	if (write)
		chain->writable++;
	else
		chain->readable++;
	return 0;
}

/* Follows one table; bounded, since a loop exceeds the table's size. */
static int walk(struct virtq *queue, const struct table *table, uint16_t index,
		struct virtq_chain *chain, struct vring_desc *indirect)
{
	struct vring_desc desc;

	for (unsigned int steps = 0; steps < table->count; steps++) {
		uint16_t flags;

		if (table_entry(queue, table, index, &desc) < 0)
			return -EPIPE;
		flags = le16toh(desc.flags);
		if (flags & VRING_DESC_F_INDIRECT) {
			/* Only the last, only when offered, never nested. */
			if (table->copy || !queue->indirect ||
			    flags & VRING_DESC_F_NEXT)
				return queue_break(queue);
			*indirect = desc;
			return 1;
		}
		if (add_span(queue, chain, &desc) < 0)
			return -EPIPE;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
		index = le16toh(desc.next);
	}
	return queue_break(queue);
}

static int walk_indirect(struct virtq *queue, const struct vring_desc *desc,
			 struct virtq_chain *chain)
{
	struct vring_desc copy[VIRTQ_SIZE_MAX];
	uint32_t len = le32toh(desc->len);
	struct table table = {.count = len / sizeof(*copy), .copy = copy};
	struct vring_desc none;

	if (!len || len % sizeof(*copy) || len > sizeof(copy))
		return queue_break(queue);
	if (guest_memory_read(queue->memory, le64toh(desc->addr), copy, len) <
	    0)
		return queue_break(queue);
	return walk(queue, &table, 0, chain, &none);
}

int virtq_pop(struct virtq *queue, struct virtq_chain *chain)
{
	struct table table = {.addr = queue->desc, .count = queue->size};
	struct vring_desc indirect;
	int r;

	if (!usable(queue))
		return -EPIPE;
	r = next_head(queue, &chain->head);
	if (r <= 0)
		return r;
	chain->readable = chain->writable = 0;
	chain->read_len = chain->write_len = 0;
	r = walk(queue, &table, chain->head, chain, &indirect);
	if (r == 1)
		r = walk_indirect(queue, &indirect, chain);
	return r < 0 ? r : 1;
}

int virtq_push(struct virtq *queue, uint16_t head, uint32_t written)
{
	struct vring_used_elem elem = {htole32(head), htole32(written)};
	uint16_t slot = queue->used_next & (queue->size - 1);

	if (!usable(queue))
		return -EPIPE;
	if (guest_memory_write(queue->memory,
			       queue->used + RING_ENTRIES + USED_ENTRY * slot,
			       &elem, sizeof(elem)) < 0)
		return queue_break(queue);
	/* The driver must not see the index before what it covers. */
	atomic_thread_fence(memory_order_release);
	queue->used_next++;
	return write16(queue, queue->used + RING_IDX, queue->used_next);
}

bool virtq_must_interrupt(struct virtq *queue)
{
	uint16_t old = queue->used_signalled;
	bool valid = queue->signalled_valid;
	uint16_t word;

	if (!usable(queue))
		return false;
	/* Our index first, then the driver's wish: it does the reverse. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!queue->event_idx) {
		if (read16(queue, queue->avail, &word) < 0)
			return false;
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	}
	if (read16(queue, used_event_addr(queue), &word) < 0)
		return false;
	queue->used_signalled = queue->used_next;
	queue->signalled_valid = true;
	return !valid || vring_need_event(word, queue->used_next, old);
}

bool virtq_await(struct virtq *queue)
{
	if (!usable(queue))
		return false;
	if (queue->event_idx &&
	    write16(queue, avail_event_addr(queue), queue->avail_next) < 0)
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	return refresh(queue) > 0;
}

/*
 * Cuts @spans to what [@offset, @offset + @len) of them covers. Returns how
 * many pieces that makes, or -EINVAL when the spans are shorter.
 */
static int cut_spans(const struct guest_span *spans, unsigned int count,
		     uint32_t offset, uint32_t len, struct guest_span *cut)
{
	unsigned int pieces = 0;

	for (unsigned int i = 0; i < count && len; i++) {
		uint32_t part;

		if (offset >= spans[i].len) {
			offset -= spans[i].len;
			continue;
		}
		part = spans[i].len - offset;
		if (part > len)
			part = len;
		cut[pieces++] =
			(struct guest_span){spans[i].addr + offset, part};
		len -= part;
		offset = 0;
	}
	return len ? -EINVAL : (int)pieces;
}

int virtq_chain_read(struct virtq *queue, const struct virtq_chain *chain,
		     uint32_t offset, void *data, uint32_t len)
{
	struct guest_span cut[VIRTQ_SIZE_MAX];
	int pieces = cut_spans(chain->spans, chain->readable, offset, len, cut);

	if (pieces <= 0)
		return pieces;
	return guest_memory_gather(queue->memory, cut, pieces, data);
}

int virtq_chain_write(struct virtq *queue, const struct virtq_chain *chain,
		      uint32_t offset, const void *data, uint32_t len)
{
	struct guest_span cut[VIRTQ_SIZE_MAX];
	int pieces = cut_spans(chain->spans + chain->readable, chain->writable,
			       offset, len, cut);
	const uint8_t *from = data;

	if (pieces < 0)
		return pieces;
	for (int i = 0; i < pieces; i++) {
		int r = guest_memory_write(queue->memory, cut[i].addr, from,
					   cut[i].len);

		if (r < 0)
			return r;
		from += cut[i].len;
	}
	return 0;
}
