/* SPDX-License-Identifier: MIT */
/*
 * Unpacked kernels, kept in files, so that a guest of a kernel that was started
 * before starts without unpacking it.
 *
 * A file belongs to one kernel file in one state: its device, inode, size and
 * the times when it was written and changed, none of which a copy or a new
 * version shares. It is written under another name and then renamed, so that it
 * is whole or not there; of such files the oldest go, whatever else is in the folder
 * stays.
 *
 * Only a folder of whoever runs this program, which nobody else may write to, is
 * used: what is in it runs in guests.
 *
 * Ownership: a cache owns its folder's descriptor and, after a load, the words
 * of the kernel. One thread uses it, while a guest is loaded.
 */
#ifndef VMM_BOOT_CACHE_H
#define VMM_BOOT_CACHE_H

#include <stddef.h>

struct boot_kernel;

struct boot_cache {
	int folder; /* -1: there is none */
	void *words; /* mapped file, NULL: none */
	size_t size;
};

/**
 * boot_cache_open - find the folder, and make it
 * @cache: to be given to boot_cache_close(), whatever the result
 * @path: the folder, or NULL for the user's own: /var/cache/tranche-vmm for root,
 * tranche-vmm in $XDG_CACHE_HOME or ~/.cache for others
 *
 * Return: 0 or negative errno: there is none that may be used. Not reported.
 */
int boot_cache_open(struct boot_cache *cache, const char *path);
void boot_cache_close(struct boot_cache *cache);

/**
 * boot_cache_load - take a kernel from its file
 * @cache: open
 * @fd: the kernel's file
 * @kernel: with image, room and base; filled in, its words belong to @cache
 *
 * Return: 0, or negative errno: -ENOENT when it was never stored or has changed.
 * Then @kernel's image may have been written to.
 */
int boot_cache_load(struct boot_cache *cache, int fd,
		    struct boot_kernel *kernel);

/**
 * boot_cache_store - write a kernel's file
 * @cache: open
 * @fd: the kernel's file
 * @kernel: unpacked, not yet randomized
 *
 * Return: 0 or negative errno: -EAGAIN when the kernel's file was changed so
 * short a time ago that its next change might not show.
 */
int boot_cache_store(struct boot_cache *cache, int fd,
		     const struct boot_kernel *kernel);

#endif
