/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory as a device sees it: by copy only. What a guest wrote is
 * copied first and judged afterwards, so it can't change under the judgement.
 *
 * Two kinds of user: the VMM, which has the memory mapped, and a vGPU's device
 * process, which reaches it through the kernel by bus address. An aligned copy
 * of 2, 4 or 8 bytes is one access in either; the order of two copies is the
 * caller's business (barriers), since the mapped kind reorders like memory.
 *
 * Owner: whoever made it; it outlives every queue that uses it. Locking: calls
 * may come from any thread.
 */
#ifndef VIRTIO_GUEST_MEMORY_H
#define VIRTIO_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_memory;

struct guest_span {
	uint64_t addr;
	uint32_t len;
};

/* One of several copies. */
struct guest_copy {
	uint64_t addr;
	void *data;
	uint32_t len;
	bool write; /* to the guest */
};

/* Most that guest_memory_copy() takes. */
#define GUEST_COPIES_MAX 64

/* read and write return 0, or -EFAULT when a byte of the range is not memory. */
struct guest_memory_ops {
	int (*read)(struct guest_memory *memory, uint64_t addr, void *data,
		    size_t len);
	int (*write)(struct guest_memory *memory, uint64_t addr,
		     const void *data, size_t len);
	/*
	 * For memory where a call is dear, else NULL: several copies, in order,
	 * as with a full barrier between each two. Stops at the first that
	 * fails, and returns how many did not.
	 */
	unsigned int (*copy)(struct guest_memory *memory,
			     const struct guest_copy *copies,
			     unsigned int count);
};

struct guest_memory {
	const struct guest_memory_ops *ops;
};

/**
 * guest_memory_read - copy from the guest
 * @memory: the guest's memory
 * @addr: address as the device sees it; any value
 * @data: where to
 * @len: bytes
 *
 * Return: 0 or -EFAULT.
 */
static inline int guest_memory_read(struct guest_memory *memory, uint64_t addr,
				    void *data, size_t len)
{
	return memory->ops->read(memory, addr, data, len);
}

/**
 * guest_memory_write - copy to the guest
 * @memory: the guest's memory
 * @addr: address as the device sees it; any value
 * @data: where from
 * @len: bytes
 *
 * Return: 0 or -EFAULT.
 */
static inline int guest_memory_write(struct guest_memory *memory, uint64_t addr,
				     const void *data, size_t len)
{
	return memory->ops->write(memory, addr, data, len);
}

/**
 * guest_memory_copy - several copies, in order
 * @memory: the guest's memory
 * @copies: each of at least one byte
 * @count: 1 to GUEST_COPIES_MAX
 *
 * Return: how many are done: all those before the first that failed.
 */
unsigned int guest_memory_copy(struct guest_memory *memory,
			       const struct guest_copy *copies,
			       unsigned int count);

/**
 * guest_memory_gather - copy several ranges to one buffer
 * @memory: the guest's memory
 * @spans: the ranges
 * @count: how many
 * @data: room for the sum of their lengths
 *
 * Return: 0 or -EFAULT.
 */
int guest_memory_gather(struct guest_memory *memory,
			const struct guest_span *spans, unsigned int count,
			void *data);

#endif
