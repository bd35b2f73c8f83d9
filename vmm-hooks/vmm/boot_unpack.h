/* SPDX-License-Identifier: MIT */
/*
 * Unpacks the kernel inside a bzImage and puts it where it runs, in place of
 * the guest's own first code, which is slower by far.
 *
 * Stateless. The kernel file is judged before it is believed: nothing outside
 * the room it is given is read or written.
 */
#ifndef VMM_BOOT_UNPACK_H
#define VMM_BOOT_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/vcpu.h"

struct boot_image;
struct setup_header;

/**
 * boot_unpack - unpack, place and randomise a bzImage's kernel
 * @image: what is loaded; kernel_end and the initrd are set
 * @fd: the bzImage
 * @code: where its protected-mode part begins in the file
 * @header: its header; told when the virtual address is random
 * @entry: where the first processor begins
 *
 * Return: 0, -ENOTSUP when the guest must unpack this kernel itself (memory may
 * have changed where the kernel goes), or negative errno, reported.
 */
int boot_unpack(struct boot_image *image, int fd, uint64_t code,
		struct setup_header *header, struct vcpu_entry *entry);

/**
 * unpack_kernel - the part that knows the format
 * @payload: the compressed kernel, and its length in the last four bytes
 * @len: bytes
 * @header: the bzImage's header
 * @image: room for init_size bytes
 * @entry: set to where the kernel begins, from @image
 *
 * Return: 1 when it runs at a random virtual address, 0 when at the one it is
 * linked for, -ENOTSUP for a format that is not known, -EBADMSG for a damaged
 * one, or another negative errno.
 */
int unpack_kernel(const uint8_t *payload, uint64_t len,
		  const struct setup_header *header, uint8_t *image,
		  uint64_t *entry);

/**
 * unpack_wanted - whether a command line leaves the kernel's place open
 * @command_line: the guest's
 *
 * Return: false when only the guest's own first code knows what it asks for.
 */
bool unpack_wanted(const char *command_line);

#endif
