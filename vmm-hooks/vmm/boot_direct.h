/* SPDX-License-Identifier: MIT */
/*
 * Enters the kernel inside a bzImage at once. The bzImage's own first code, which
 * unpacks it, takes as long in a guest as here; it is left out where the unpacked
 * kernel can be kept for the next start (boot_cache.h). What that code does besides
 * is done too: both places of the kernel, the physical and the virtual one, are
 * drawn by chance, as CONFIG_RANDOMIZE_BASE wants.
 *
 * Stateless. Guest memory is the caller's, the kept kernels are boot_cache.h's.
 */
#ifndef VMM_BOOT_DIRECT_H
#define VMM_BOOT_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/vcpu.h"

struct boot_image;
struct setup_header;

/**
 * boot_direct - put a bzImage's kernel where it runs
 * @image: what is loaded; kernel_end and the initrd are set
 * @fd: the bzImage
 * @code: where its protected-mode part begins in the file
 * @header: its header; told when the virtual address is random
 * @entry: where the first processor begins
 *
 * Return: 0, -ENOTSUP when the guest must unpack this kernel itself (memory may
 * have changed where the kernel goes), or negative errno, reported.
 */
int boot_direct(struct boot_image *image, int fd, uint64_t code,
		struct setup_header *header, struct vcpu_entry *entry);

/**
 * boot_direct_wanted - whether a command line leaves the kernel's place open
 * @command_line: the guest's
 *
 * Return: false when only the guest's own first code knows what it asks for.
 */
bool boot_direct_wanted(const char *command_line);

#endif
