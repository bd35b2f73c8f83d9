/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory: mapped once, seen by the guest in one or two ranges (below
 * 3 GiB and above 4 GiB).
 *
 * It is anonymous memory with transparent huge pages. A memfd, which another
 * process could map, gets no huge pages as hosts are set up by default, and a
 * boot then takes 33,600 page faults of the second level instead of about 500.
 * Nobody maps it: vhost and VFIO take our addresses, and a vGPU's process
 * reaches guest memory through the kernel.
 *
 * Owner: the machine; it outlives processors and devices. Locking: none needed,
 * the map never changes.
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "virtio/guest_memory.h"

struct ram_range {
	uint64_t addr; /* the guest's */
	uint64_t size;
	uint64_t offset; /* in the mapping */
};

struct ram {
	struct guest_memory memory;
	uint8_t *base;
	uint64_t size;
	struct ram_range ranges[2];
	unsigned int range_count;
};

/**
 * ram_init - allocate guest memory; reports what went wrong
 * @ram: what to fill
 * @size: bytes, a multiple of 2 MiB
 * @hugepages: take it from the host's reserved 2 MiB pages
 *
 * Return: 0 or negative errno.
 */
int ram_init(struct ram *ram, uint64_t size, bool hugepages);
void ram_deinit(struct ram *ram);

/**
 * ram_at - where a range of guest memory is mapped
 * @ram: the memory
 * @addr: guest address; any value
 * @len: bytes
 *
 * Return: the address, or NULL when a byte of it is not memory.
 */
void *ram_at(struct ram *ram, uint64_t addr, uint64_t len);

/**
 * ram_iov - the mapped form of guest ranges, for input and output
 * @ram: the memory
 * @spans: guest ranges
 * @count: how many
 * @iov: room for @count entries
 *
 * Return: 0, or -EFAULT when a byte of them is not memory.
 */
int ram_iov(struct ram *ram, const struct guest_span *spans, unsigned int count,
	    struct iovec *iov);

/**
 * ram_end - the end of the highest range
 * @ram: the memory
 *
 * Return: the first guest address above all memory.
 */
uint64_t ram_end(const struct ram *ram);

#endif
