/* SPDX-License-Identifier: MIT */
/*
 * The kernel inside a bzImage: unpacked, and moved to a virtual address drawn by
 * chance, as the bzImage's own first code would do.
 *
 * States of a boot_kernel: empty (what the header says) -> unpacked, at the
 * addresses it is linked for -> randomized.
 *
 * Memory is the caller's. The file is judged before it is believed: nothing
 * outside of what the caller gave is read or written. Locking: none.
 */
#ifndef VMM_BOOT_KERNEL_H
#define VMM_BOOT_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

struct setup_header;

/* Places are offsets from @image. */
struct boot_kernel {
	uint8_t *image;
	uint64_t room; /* bytes that the kernel takes while it starts */
	uint64_t base; /* physical address that it is linked for */
	uint64_t len; /* bytes that it brings along */
	uint64_t entry;
	const void *words; /* which words move with it, 32 bits each */
	uint64_t word_count;
};

/**
 * boot_kernel_unpack - unpack a bzImage's payload
 * @kernel: empty; @image has @room bytes. Afterwards @words lies in @image
 * behind the kernel and holds until it runs.
 * @payload: the compressed kernel, and its length in the last four bytes
 * @len: bytes
 *
 * Return: 0, -ENOTSUP for a format that is not known, -EBADMSG for a damaged one.
 */
int boot_kernel_unpack(struct boot_kernel *kernel, const uint8_t *payload,
		       uint64_t len);

/**
 * boot_kernel_randomize - draw the virtual address that a kernel runs at
 * @kernel: unpacked
 * @align: of the address, a power of two, at least 2 MiB
 *
 * Return: false when it has no list of words that move, or an odd one; it runs at
 * the address it is linked for then.
 */
bool boot_kernel_randomize(const struct boot_kernel *kernel, uint64_t align);

/**
 * boot_kernel_draw - a number by chance
 * @limit: not more than this
 * @align: a multiple of this, not 0
 */
uint64_t boot_kernel_draw(uint64_t limit, uint64_t align);

#endif
