/* SPDX-License-Identifier: MIT */
/*
 * The window: a BAR in which the guest maps blobs at offsets of its choice.
 * Keeps which pages are taken, so that two mappings never overlap whatever the
 * guest asks for, and asks the transport to show and to hide memory.
 *
 * A page is free or taken; it is freed only when the transport said that nobody
 * can reach it any more, or that the generation it belonged to has ended.
 *
 * Owner: the GPU (gpu.h). Locking: the queue thread's alone.
 */
#ifndef DEVICE_WINDOW_H
#define DEVICE_WINDOW_H

#include <stdint.h>

#include "mdev/transport/transport.h"

#define WINDOW_PAGE 4096

struct window {
	uint64_t size; /* bytes */
	uint64_t taken; /* pages */
	uint64_t *map; /* one bit a page */
};

/**
 * window_init - an empty window
 * @window: what to fill
 * @size: bytes, a multiple of 64 pages
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int window_init(struct window *window, uint64_t size);
void window_deinit(struct window *window);

/**
 * window_map - show memory in the window
 * @window: the window
 * @view: of the guest
 * @offset: bytes from the window's start; any value
 * @length: bytes; any value
 * @address: of the memory, page aligned
 *
 * Return: 0, -EINVAL for a range that is not whole pages inside the window,
 * -EEXIST when some of it is taken, or the transport's error.
 */
int window_map(struct window *window, struct tranche_transport *view,
	       uint64_t offset, uint64_t length, void *address);

/**
 * window_unmap - hide it again
 * @window: the window
 * @view: as it was mapped
 * @offset: as it was mapped
 * @length: as it was mapped
 *
 * Return: 0, or the transport's error: the memory may still be in reach.
 */
int window_unmap(struct window *window, struct tranche_transport *view,
		 uint64_t offset, uint64_t length);

#endif
