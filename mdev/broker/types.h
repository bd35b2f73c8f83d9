/* SPDX-License-Identifier: MIT */
/*
 * The types of vGPU that a GPU offers: eighths of its video memory, named as
 * MIG names its slices, "1g.2gb" to "8g.16gb".
 *
 * A table is computed once and then only read. Locking: none.
 */
#ifndef BROKER_TYPES_H
#define BROKER_TYPES_H

#include <stdint.h>

#include "kmod/uapi/tranche.h"

#define EIGHTHS 8

/**
 * struct vgpu_type - one of them
 * @eighths: of the GPU
 * @name: unique on its GPU
 * @vram: bytes
 * @weight: what a vGPU of it has until its owner sets another
 * @instances: most at a time
 */
struct vgpu_type {
	unsigned int eighths;
	char name[TRANCHE_NAME_SIZE];
	uint64_t vram;
	uint32_t weight;
	uint32_t instances;
};

/**
 * struct type_table - all of a GPU
 * @types: by size, smallest first
 * @count: how many
 * @capacity: bytes of video memory that they share
 */
struct type_table {
	struct vgpu_type types[EIGHTHS];
	unsigned int count;
	uint64_t capacity;
};

/**
 * type_table_init - compute them
 * @table: filled in
 * @vram: bytes to lend
 * @eighths: bit n - 1 stands for a type of n eighths
 * @weight: of one eighth
 *
 * Return: 0; -ENOSPC when an eighth is less than 1 MiB.
 */
int type_table_init(struct type_table *table, uint64_t vram,
		    unsigned int eighths, uint32_t weight);

/**
 * type_find - by name
 * @table: where
 * @name: of the type, also with the driver's name before it as sysfs has it
 *
 * Return: the type, or NULL.
 */
const struct vgpu_type *type_find(const struct type_table *table,
				  const char *name);

/**
 * type_describe - what the kernel is told of it
 * @type: the type
 * @window: bytes of the window
 * @out: filled in
 *
 * Return: 0; -EINVAL for a window that can't be.
 */
int type_describe(const struct vgpu_type *type, uint64_t window,
		  struct tranche_type *out);

/**
 * vram_lent - how much of a GPU's memory vGPUs may have
 * @vram: bytes of the GPU
 *
 * A thirty-second part stays for the driver and the host.
 */
uint64_t vram_lent(uint64_t vram);

#endif
