/* SPDX-License-Identifier: MIT */
/*
 * Puts a Linux kernel, its command line and its initial file system into guest
 * memory and says where the first processor begins.
 *
 * Two ways: a bzImage by the 64-bit entry of the Linux boot protocol
 * (Documentation/arch/x86/boot.rst), and an uncompressed vmlinux by PVH
 * (xen/include/public/arch-x86/hvm/start_info.h), chosen by the file's magic.
 * Of a bzImage, the kernel inside is entered at once where it can be unpacked
 * here (boot_direct.h).
 *
 * Stateless. Reports what is wrong with a file.
 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/vcpu.h"

struct ram;

struct boot_files {
	const char *kernel;
	const char *initrd; /* NULL: none */
	const char *command_line;
	const char *kernel_cache; /* folder; NULL: the user's own */
	bool no_kernel_cache; /* the guest unpacks its kernel */
};

/* What is loaded where; the loaders fill it step by step. */
struct boot_image {
	struct ram *ram;
	const struct boot_files *files;
	uint64_t rsdp; /* ACPI's root pointer */
	uint64_t initrd;
	uint64_t initrd_len;
	uint64_t kernel_end; /* first address the kernel leaves alone */
	uint64_t initrd_limit; /* highest address an initrd may end at */
};

/* A range of the memory map handed to the kernel. */
struct boot_range {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as in E820 */
};

#define BOOT_RANGES_MAX 8
#define BOOT_RANGE_RAM 1
#define BOOT_RANGE_RESERVED 2

/**
 * boot_load - load everything
 * @ram: guest memory
 * @files: what to load
 * @rsdp: guest address of the ACPI root pointer
 * @entry: where the first processor begins
 *
 * Return: 0 or negative errno.
 */
int boot_load(struct ram *ram, const struct boot_files *files, uint64_t rsdp,
	      struct vcpu_entry *entry);

/* The parts, for the loaders themselves. */
int boot_linux(struct boot_image *image, int fd, struct vcpu_entry *entry);
int boot_pvh(struct boot_image *image, int fd, struct vcpu_entry *entry);

/**
 * boot_read - read a part of a file into guest memory
 * @image: what is loaded
 * @fd: the file
 * @offset: bytes from its start
 * @addr: guest address
 * @len: bytes
 * @what: for messages
 *
 * Return: 0 or negative errno, reported.
 */
int boot_read(struct boot_image *image, int fd, uint64_t offset, uint64_t addr,
	      uint64_t len, const char *what);

/**
 * boot_read_all - read a part of a file, and not less
 * @fd: the file
 * @to: room for @len bytes
 * @len: bytes
 * @offset: from the file's start
 *
 * Return: 0, -ENODATA when the file ends before, or another negative errno; not
 * reported.
 */
int boot_read_all(int fd, void *to, uint64_t len, uint64_t offset);

/**
 * boot_read_file - read a part of a file
 * @fd: the file
 * @to: room for @len bytes
 * @len: bytes
 * @offset: from the file's start
 * @what: for messages
 *
 * Return: 0 or negative errno, reported.
 */
int boot_read_file(int fd, uint8_t *to, uint64_t len, uint64_t offset,
		   const char *what);

/**
 * boot_load_initrd, boot_load_command_line - the two files' companions
 * @image: what is loaded; kernel_end and initrd_limit are set
 *
 * Return: 0 or negative errno, reported.
 */
int boot_load_initrd(struct boot_image *image);
int boot_load_command_line(struct boot_image *image, uint32_t limit);

/**
 * boot_ranges - the memory map
 * @ram: guest memory
 * @ranges: room for BOOT_RANGES_MAX
 *
 * Return: how many.
 */
unsigned int boot_ranges(const struct ram *ram, struct boot_range *ranges);

#endif
