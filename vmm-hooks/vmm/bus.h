/* SPDX-License-Identifier: MIT */
/*
 * An address space of registers (I/O ports or memory): ranges, each with the
 * handler that serves it. An access that meets no range reads as all ones and
 * writes nothing.
 *
 * Ranges come and go while processors run (a guest moves its BARs); what a
 * range points to lives until all processors have stopped.
 *
 * Owner: the machine. Locking: inside; handlers run without the lock, at the
 * same time on several threads.
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include <pthread.h>
#include <stdint.h>

struct bus_ops {
	/* @offset is within the range; @len is 1..8 and stays in it. */
	uint64_t (*read)(void *user, uint64_t offset, unsigned int len);
	void (*write)(void *user, uint64_t offset, unsigned int len,
		      uint64_t value);
};

struct bus_range {
	uint64_t base;
	uint64_t size;
	const struct bus_ops *ops;
	void *user;
};

struct bus {
	pthread_rwlock_t lock;
	struct bus_range *ranges; /* sorted by base */
	unsigned int count;
	unsigned int room;
};

int bus_init(struct bus *bus);
void bus_deinit(struct bus *bus);

/**
 * bus_add - serve a range
 * @bus: the address space
 * @range: copied
 *
 * Return: 0, -EEXIST when it overlaps another, -EINVAL when it is empty or
 * wraps, -ENOMEM.
 */
int bus_add(struct bus *bus, const struct bus_range *range);

/**
 * bus_remove - stop serving the range that begins at @base, if there is one
 * @bus: the address space
 * @base: its first address
 */
void bus_remove(struct bus *bus, uint64_t base);

/**
 * bus_read, bus_write - an access of @len bytes (1..8)
 * @bus: the address space
 * @addr: any value
 * @value: what is written, little endian
 *
 * Return: what is read.
 */
uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned int len);
void bus_write(struct bus *bus, uint64_t addr, unsigned int len,
	       uint64_t value);

#endif
