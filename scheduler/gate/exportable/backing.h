/* SPDX-License-Identifier: MIT */
/*
 * The memory behind an exportable allocation: a sealed memfd and a mapping.
 *
 * The file's size is sealed before anyone else can see it. A peer that could
 * shrink it would turn every later access of ours into a SIGBUS; for the same
 * reason a file is accepted from others only if it cannot shrink any more.
 *
 * States: empty (fd -1, the state after backing_deinit()) and mapped. There
 * is nothing in between: the initialisers leave the backing empty on failure.
 *
 * Ownership: a mapped backing owns its descriptor and its mapping.
 *
 * Locking: none; the owner serialises.
 */
#ifndef TRANCHE_GATE_BACKING_H
#define TRANCHE_GATE_BACKING_H

#include <stddef.h>
#include <stdint.h>

struct backing {
	int fd;
	void *address; /* of the first byte, aligned as asked for */
	size_t size; /* bytes, whole pages */
};

enum backing_kind {
	/* Not a memory file: perhaps a real dma-buf. */
	BACKING_FOREIGN,
	/* A memory file that may not be mapped safely: it can shrink. */
	BACKING_UNSAFE,
	/* A memory file that cannot shrink. */
	BACKING_SHAREABLE,
	/* Sealed and marked as backing_init() does, so made by this code. */
	BACKING_OURS,
};

#define BACKING_EMPTY ((struct backing){.fd = -1})

/**
 * backing_round() - The size a request takes
 * @size:	bytes
 * @alignment:	bytes, a power of two
 *
 * Return: @size rounded up to @alignment and to whole pages; 0 when @size is 0
 * or too large for a file.
 */
size_t backing_round(uint64_t size, uint64_t alignment);

/**
 * backing_init() - New memory, zeroed
 * @backing:	to be initialised
 * @size:	bytes, 1 or more, rounded as backing_round() does
 * @alignment:	of the mapping, bytes, a power of two
 *
 * Return: 0 or a negative errno: -EINVAL for a size of 0 or beyond what a
 * file can have, -EMFILE, -ENFILE or -ENOMEM.
 */
int backing_init(struct backing *backing, uint64_t size, uint64_t alignment);

/**
 * backing_init_fd() - Memory of a file received from elsewhere
 * @backing:	to be initialised
 * @fd:		stays the caller's; the backing holds a duplicate
 * @size:	bytes to map, 1 or more, rounded as backing_round() does
 * @alignment:	of the mapping, bytes, a power of two
 *
 * Return: 0 or a negative errno: -EINVAL when the file is not
 * BACKING_SHAREABLE or BACKING_OURS or is smaller than the rounded size,
 * -EBADF, -EMFILE or -ENOMEM.
 */
int backing_init_fd(struct backing *backing, int fd, uint64_t size,
		    uint64_t alignment);

/**
 * backing_deinit() - Unmap and close
 * @backing:	may be empty
 */
void backing_deinit(struct backing *backing);

/**
 * backing_identify() - What a descriptor is
 * @fd:		any number
 *
 * Return: an enum backing_kind, or -EBADF when @fd is not open.
 */
int backing_identify(int fd);

#define _cleanup_backing_ __attribute__((cleanup(backing_deinit)))

#endif
