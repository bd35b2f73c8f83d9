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

/* Whether memory is such that much is fetched at once. */
static bool fetches(const struct virtq *queue)
{
	return queue->memory->ops->copy;
}

/* Index, ring, descriptors. */
#define FETCH_COPIES 3
#define GUESSES (VIRTQ_GUESSES * GUESS_DEPTH)

/* Copies that fetch the driver's index and, after it, all it can cover. */
static unsigned int add_fetch(struct virtq *queue, uint16_t *index,
			      struct guest_copy *copies)
{
	unsigned int count = 0;

	copies[count++] = (struct guest_copy){queue->avail + RING_IDX, index,
					      sizeof(*index), false};
	if (!fetches(queue))
		return count;
	copies[count++] =
		(struct guest_copy){queue->avail + RING_ENTRIES, queue->ring,
				    AVAIL_ENTRY * queue->size, false};
	copies[count++] = (struct guest_copy){
		queue->desc, queue->table,
		sizeof(queue->table[0]) * queue->size, false};
	return count;
}

/* Return: 1 when there are requests. */
static int take_index(struct virtq *queue, uint16_t index)
{
	uint16_t pending;

	queue->avail_seen = le16toh(index);
	queue->rung = false;
	/* Entries are read after the index that covers them. */
	atomic_thread_fence(memory_order_acquire);
	pending = queue->avail_seen - queue->avail_next;
	if (pending > queue->size)
		return queue_break(queue);
	return pending != 0;
}

static struct guess *guess_at(struct virtq *queue, unsigned int i)
{
	return &queue->guesses[i / GUESS_DEPTH][i % GUESS_DEPTH];
}

static unsigned int add_guesses(struct virtq *queue, struct guest_copy *copies)
{
	unsigned int count = 0;

	for (unsigned int i = 0; fetches(queue) && i < GUESSES; i++) {
		struct guess *guess = guess_at(queue, i);

		if (guess->span.len)
			copies[count++] = (struct guest_copy){
				guess->span.addr, guess->data, guess->span.len,
				false};
	}
	return count;
}

/* After a look. Where it failed, nobody knows which guess is no memory now. */
static void guesses_set(struct virtq *queue, bool read)
{
	/* Nothing is guessed there, and chains may be read by any thread. */
	if (!fetches(queue))
		return;
	for (unsigned int i = 0; i < GUESSES; i++) {
		struct guess *guess = guess_at(queue, i);

		if (!read)
			guess->span.len = 0;
		guess->fresh = guess->span.len;
	}
}

/*
 * Copies, and with that reads the guesses. One of those may be no memory any
 * more: that costs only the guesses.
 */
static int copy_and_guess(struct virtq *queue, struct guest_copy *copies,
			  unsigned int count)
{
	unsigned int all = count + add_guesses(queue, copies + count);
	unsigned int done = guest_memory_copy(queue->memory, copies, all);

	guesses_set(queue, done == all);
	return done < count ? -EFAULT : 0;
}

static int look(struct virtq *queue, uint16_t *index)
{
	struct guest_copy copies[FETCH_COPIES + GUESSES];

	return copy_and_guess(queue, copies, add_fetch(queue, index, copies));
}

/* Looks for new requests; 1 when there are some. */
static int refresh(struct virtq *queue)
{
	uint16_t index;

	if (look(queue, &index) < 0)
		return queue_break(queue);
	return take_index(queue, index);
}

static int ring_entry(struct virtq *queue, uint16_t *head)
{
	uint16_t slot = queue->avail_next & (queue->size - 1);

	if (!fetches(queue))
		return read16(queue,
			      queue->avail + RING_ENTRIES + AVAIL_ENTRY * slot,
			      head);
	*head = le16toh(queue->ring[slot]);
	return 0;
}

static int next_head(struct virtq *queue, uint16_t *head)
{
	int r;

	if (queue->avail_next == queue->avail_seen) {
		r = refresh(queue);
		if (r <= 0)
			return r;
	}
	r = ring_entry(queue, head);
	if (r < 0)
		return r;
	if (*head >= queue->size)
		return queue_break(queue);
	queue->avail_next++;
	queue->awaited = false;
	return 1;
}

/* A table of descriptors: the queue's own, or an indirect one, copied. */
struct table {
	uint64_t addr;
	uint16_t count;
	bool indirect;
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
			if (table->indirect || !queue->indirect ||
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
	struct guess *guesses = queue->guesses[VIRTQ_GUESS_TABLE];
	struct vring_desc copy[VIRTQ_SIZE_MAX];
	const struct guest_span span = {le64toh(desc->addr),
					le32toh(desc->len)};
	struct table table = {
		.count = span.len / sizeof(*copy),
		.indirect = true,
		.copy = copy,
	};
	struct vring_desc none;
	struct guess *guess;

	if (!span.len || span.len % sizeof(*copy) || span.len > sizeof(copy))
		return queue_break(queue);
	guess = guess_find(guesses, &span);
	if (guess)
		guess_use(guess, copy);
	else if (guest_memory_read(queue->memory, span.addr, copy, span.len) <
		 0)
		return queue_break(queue);
	if (fetches(queue))
		guess_note(guesses, &span);
	return walk(queue, &table, 0, chain, &none);
}

int virtq_pop(struct virtq *queue, struct virtq_chain *chain)
{
	struct table table = {
		.addr = queue->desc,
		.count = queue->size,
		.copy = fetches(queue) ? queue->table : NULL,
	};
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

/* Where the driver says whether it wants to be interrupted. */
static uint64_t wish_addr(const struct virtq *queue)
{
	return queue->event_idx ? used_event_addr(queue) : queue->avail;
}

static bool wish_granted(struct virtq *queue, uint16_t word)
{
	uint16_t old = queue->used_signalled;
	bool valid = queue->signalled_valid;

	if (!queue->event_idx)
		return !(word & VRING_AVAIL_F_NO_INTERRUPT);
	queue->used_signalled = queue->used_next;
	queue->signalled_valid = true;
	return !valid || vring_need_event(word, queue->used_next, old);
}

bool virtq_must_interrupt(struct virtq *queue)
{
	uint16_t word;

	if (!usable(queue))
		return false;
	/* Our index first, then the driver's wish: it does the reverse. */
	atomic_thread_fence(memory_order_seq_cst);
	if (read16(queue, wish_addr(queue), &word) < 0)
		return false;
	return wish_granted(queue, word);
}

bool virtq_await(struct virtq *queue)
{
	if (!usable(queue))
		return false;
	if (queue->event_idx &&
	    write16(queue, avail_event_addr(queue), queue->avail_next) < 0)
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	if (refresh(queue) > 0)
		return true;
	queue->awaited = true;
	return false;
}

void virtq_ring(struct virtq *queue)
{
	queue->rung = true;
}

bool virtq_idle(const struct virtq *queue)
{
	return queue->awaited && !queue->rung &&
	       queue->avail_next == queue->avail_seen;
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

/* Whether all that is wanted was guessed; copies it then. */
static bool read_guessed(struct virtq *queue, const struct guest_span *spans,
			 unsigned int count, uint8_t *data)
{
	struct guess *found[VIRTQ_GUESSES - VIRTQ_GUESS_SPAN];

	if (count > VIRTQ_GUESSES - VIRTQ_GUESS_SPAN)
		return false;
	for (unsigned int i = 0; i < count; i++) {
		found[i] = guess_find(queue->guesses[VIRTQ_GUESS_SPAN + i],
				      &spans[i]);
		if (!found[i])
			return false;
	}
	for (unsigned int i = 0; i < count; i++) {
		guess_use(found[i], data);
		data += spans[i].len;
	}
	return true;
}

static void note_spans(struct virtq *queue, const struct guest_span *spans,
		       unsigned int count)
{
	if (!fetches(queue))
		return;
	for (unsigned int i = 0;
	     i < count && i < VIRTQ_GUESSES - VIRTQ_GUESS_SPAN; i++)
		guess_note(queue->guesses[VIRTQ_GUESS_SPAN + i], &spans[i]);
}

int virtq_chain_read(struct virtq *queue, const struct virtq_chain *chain,
		     uint32_t offset, void *data, uint32_t len)
{
	struct guest_span cut[VIRTQ_SIZE_MAX];
	int pieces = cut_spans(chain->spans, chain->readable, offset, len, cut);

	if (pieces <= 0 || read_guessed(queue, cut, pieces, data))
		return pieces < 0 ? pieces : 0;
	note_spans(queue, cut, pieces);
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

/* Room for an answer's pieces beside what virtq_finish() always copies. */
#define FINISH_COPIES (4 + FETCH_COPIES + GUESSES)
#define FINISH_PIECES (GUEST_COPIES_MAX - FINISH_COPIES)

/* Pieces of the answer; all others are in guest memory already. */
static int add_answer(struct virtq *queue, const struct virtq_chain *chain,
		      const void *data, uint32_t len, struct guest_copy *copies)
{
	struct guest_span cut[VIRTQ_SIZE_MAX];
	int pieces = cut_spans(chain->spans + chain->readable, chain->writable,
			       0, len, cut);
	const uint8_t *from = data;

	if (pieces > FINISH_PIECES)
		return virtq_chain_write(queue, chain, 0, data, len);
	for (int i = 0; i < pieces; i++) {
		copies[i] = (struct guest_copy){
			cut[i].addr, (void *)(uintptr_t)from, cut[i].len, true};
		from += cut[i].len;
	}
	return pieces;
}

/* In the guest's memory, in this order. */
struct finish {
	struct vring_used_elem elem;
	uint16_t used;
	uint16_t event;
	uint16_t wish;
	uint16_t index;
};

static unsigned int add_finish(struct virtq *queue, struct finish *finish,
			       struct guest_copy *copies)
{
	uint16_t slot = queue->used_next & (queue->size - 1);
	unsigned int count = 0;

	finish->used = htole16(queue->used_next + 1);
	finish->event = htole16(queue->avail_next);
	copies[count++] = (struct guest_copy){
		queue->used + RING_ENTRIES + USED_ENTRY * slot, &finish->elem,
		sizeof(finish->elem), true};
	copies[count++] =
		(struct guest_copy){queue->used + RING_IDX, &finish->used,
				    sizeof(finish->used), true};
	if (queue->event_idx)
		copies[count++] = (struct guest_copy){
			avail_event_addr(queue), &finish->event,
			sizeof(finish->event), true};
	copies[count++] = (struct guest_copy){wish_addr(queue), &finish->wish,
					      sizeof(finish->wish), false};
	return count + add_fetch(queue, &finish->index, copies + count);
}

int virtq_finish(struct virtq *queue, uint16_t head, uint32_t written,
		 const struct virtq_chain *chain, const void *answer)
{
	struct guest_copy copies[GUEST_COPIES_MAX];
	struct finish finish = {
		.elem = {htole32(head), htole32(written)},
	};
	int count = 0;

	if (!usable(queue))
		return -EPIPE;
	if (chain)
		count = add_answer(queue, chain, answer, written, copies);
	if (count < 0)
		return queue_break(queue);
	count += add_finish(queue, &finish, copies + count);
	if (copy_and_guess(queue, copies, count) < 0)
		return queue_break(queue);
	queue->used_next++;
	queue->awaited = true;
	if (take_index(queue, finish.index) < 0)
		return -EPIPE;
	return wish_granted(queue, le16toh(finish.wish));
}
