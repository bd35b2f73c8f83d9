/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a split virtqueue (virtio 1.3 §2.7), over copied guest
 * memory, with indirect descriptors and event indices.
 *
 *   idle     ready = false: nothing is touched
 *   ready    the driver enabled it: pop and push work
 *   broken   the driver broke a rule: pop and push return -EPIPE until reset
 *
 * Where a call to guest memory is dear (guest_memory_ops.copy), one call fetches
 * the driver's index with all that it covers, and virtq_finish() does in one
 * call what the last request and the next one need.
 *
 * Owner: the device (or its register file, virtio/pci.h). Locking: pop and the
 * notification calls belong to one thread at a time; push may come from another
 * thread only under a lock of the device's own that covers both.
 */
#ifndef VIRTIO_QUEUE_H
#define VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#include "virtio/guess.h"
#include "virtio/guest_memory.h"

/* Longest chain, and longest queue, that any device here takes. */
#define VIRTQ_SIZE_MAX 256

/* An indirect table, and the first readable spans. */
#define VIRTQ_GUESS_TABLE 0
#define VIRTQ_GUESS_SPAN 1
#define VIRTQ_GUESSES 3

struct virtq {
	struct guest_memory *memory;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	uint16_t size_max;
	uint16_t size;
	uint16_t avail_next; /* index of the next entry to pop */
	uint16_t avail_seen; /* the driver's index when last read */
	uint16_t used_next;
	uint16_t used_signalled; /* used_next at the last interrupt decision */
	bool signalled_valid;
	bool awaited; /* the driver notifies of the entry at avail_next */
	bool rung; /* it has, since avail_seen was read */
	bool ready;
	bool broken;
	bool event_idx;
	bool indirect;
	/* What was fetched with avail_seen, in the driver's byte order. */
	uint16_t ring[VIRTQ_SIZE_MAX];
	struct vring_desc table[VIRTQ_SIZE_MAX];
	struct guess guesses[VIRTQ_GUESSES][GUESS_DEPTH]; /* VIRTQ_GUESS_* */
};

/* One request: buffers the device reads, then buffers it writes. */
struct virtq_chain {
	uint16_t head;
	uint16_t readable; /* spans[0 .. readable-1] */
	uint16_t writable; /* the next ones */
	uint32_t read_len; /* bytes in each kind */
	uint32_t write_len;
	struct guest_span spans[VIRTQ_SIZE_MAX];
};

/**
 * virtq_reset - back to idle, with the largest size
 * @queue: the queue
 */
void virtq_reset(struct virtq *queue);

/**
 * virtq_enable - make a queue ready with what the driver set up
 * @queue: the queue; desc, avail, used and size are filled
 *
 * Return: 0, or -EINVAL for a size or an alignment that breaks §2.7; the queue
 * is then broken.
 */
int virtq_enable(struct virtq *queue);

/**
 * virtq_pop - take the next request
 * @queue: the queue
 * @chain: where it goes
 *
 * Return: 1 with a request, 0 when there is none, -EPIPE when the queue is not
 * usable (idle, or broken now by what the driver did).
 */
int virtq_pop(struct virtq *queue, struct virtq_chain *chain);

/**
 * virtq_push - give a request back
 * @queue: the queue
 * @head: its chain's head
 * @written: bytes that the device wrote
 *
 * Return: 0 or -EPIPE.
 */
int virtq_push(struct virtq *queue, uint16_t head, uint32_t written);

/**
 * virtq_must_interrupt - whether the driver wants an interrupt now
 * @queue: the queue, after one or more pushes
 *
 * Return: true when one must be sent (§2.7.7.2).
 */
bool virtq_must_interrupt(struct virtq *queue);

/**
 * virtq_await - ask the driver to notify of the next request
 * @queue: the queue, found empty
 *
 * Return: true when a request came in meanwhile: pop again.
 */
bool virtq_await(struct virtq *queue);

/**
 * virtq_finish - answer a request and give it back, in one call to guest memory
 * @queue: the queue
 * @head: the request's
 * @written: bytes that the device wrote, those of the answer included
 * @chain: the request, popped; NULL: the answer is in guest memory already
 * @answer: what goes to the start of its writable part, @written bytes
 *
 * Like virtq_chain_write(), virtq_push(), virtq_must_interrupt() and, if the
 * queue is empty afterwards, virtq_await(); but an answer that can't be written
 * breaks the queue.
 *
 * Return: 1 when an interrupt must be sent, 0 when not, -EPIPE.
 */
int virtq_finish(struct virtq *queue, uint16_t head, uint32_t written,
		 const struct virtq_chain *chain, const void *answer);

/* virtq_ring - the driver has notified: the queue is not idle */
void virtq_ring(struct virtq *queue);

/**
 * virtq_idle - whether there is nothing to do until the driver notifies
 * @queue: the queue
 *
 * Return: true when it was found empty, and the driver was asked to notify and
 * has not done so.
 */
bool virtq_idle(const struct virtq *queue);

/**
 * virtq_chain_read - copy from a request's readable part
 * @queue: the queue
 * @chain: a popped request
 * @offset: bytes from its start
 * @data: where to
 * @len: bytes
 *
 * Return: 0, -EINVAL when the part is shorter, -EFAULT.
 */
int virtq_chain_read(struct virtq *queue, const struct virtq_chain *chain,
		     uint32_t offset, void *data, uint32_t len);

/**
 * virtq_chain_write - copy to a request's writable part
 * @queue: the queue
 * @chain: a popped request
 * @offset: bytes from its start
 * @data: where from
 * @len: bytes
 *
 * Return: 0, -EINVAL when the part is shorter, -EFAULT.
 */
int virtq_chain_write(struct virtq *queue, const struct virtq_chain *chain,
		      uint32_t offset, const void *data, uint32_t len);

#endif
