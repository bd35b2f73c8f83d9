/* SPDX-License-Identifier: MIT */
/*
 * What this machine has for guests, and what it is. Stateless.
 */
#ifndef TRANCHE_FLEET_HOST_H
#define TRANCHE_FLEET_HOST_H

#include <stdint.h>

#define HOST_PATH 512

/**
 * host_kernel - a kernel that guests can boot
 * @path: gets the running kernel's image, where the distribution keeps it
 */
void host_kernel(char path[static HOST_PATH]);

/* host_initrd - where a guest's initial file system is kept */
#define HOST_INITRD "/var/lib/tranche/guest.cpio"

/**
 * host_check_files - that guests can be booted
 * @kernel: path of a kernel
 * @initrd: path of an initial file system
 *
 * Return: 0; -EINVAL: told.
 */
int host_check_files(const char *kernel, const char *initrd);

/**
 * host_take_number - read an option's value
 * @option: its name
 * @min: at least
 * @max: at most
 * @number: gets it, of getopt's optarg
 *
 * Return: 0; -EINVAL: told.
 */
int host_take_number(const char *option, uint64_t min, uint64_t max,
		     uint64_t *number);

/* host_processor - its name, or "unknown" */
void host_processor(char name[static HOST_PATH]);

#endif
