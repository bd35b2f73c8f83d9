// SPDX-License-Identifier: MIT
#include "mdev/device/window.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define WORD_PAGES 64

int window_init(struct window *window, uint64_t size)
{
	uint64_t words = size / WINDOW_PAGE / WORD_PAGES;

	*window = (struct window){0};
	if (!words || size % (WINDOW_PAGE * WORD_PAGES))
		return -EINVAL;
	window->map = calloc(words, sizeof(*window->map));
	if (!window->map)
		return -ENOMEM;
	window->size = size;
	return 0;
}

void window_deinit(struct window *window)
{
	free(window->map);
	window->map = NULL;
}

/* The bits of one word that pages from @first up to @end cover. */
static uint64_t word_mask(uint64_t word, uint64_t first, uint64_t end)
{
	uint64_t start = word * WORD_PAGES;
	uint64_t mask = ~0ull;

	if (first > start)
		mask &= ~0ull << (first - start);
	if (end < start + WORD_PAGES)
		mask &= ~0ull >> (start + WORD_PAGES - end);
	return mask;
}

static bool any_taken(const struct window *window, uint64_t first, uint64_t end)
{
	for (uint64_t w = first / WORD_PAGES; w * WORD_PAGES < end; w++)
		if (window->map[w] & word_mask(w, first, end))
			return true;
	return false;
}

static void mark(struct window *window, uint64_t first, uint64_t end,
		 bool taken)
{
	for (uint64_t w = first / WORD_PAGES; w * WORD_PAGES < end; w++) {
		if (taken)
			window->map[w] |= word_mask(w, first, end);
		else
			window->map[w] &= ~word_mask(w, first, end);
	}
	window->taken += taken ? end - first : first - end;
}

int window_map(struct window *window, struct tranche_transport *view,
	       uint64_t offset, uint64_t length, void *address)
{
	uint64_t first = offset / WINDOW_PAGE;
	int r;

	if (!length || (offset | length) % WINDOW_PAGE ||
	    offset > window->size || length > window->size - offset)
		return -EINVAL;
	if (any_taken(window, first, first + length / WINDOW_PAGE))
		return -EEXIST;
	r = view->ops->map(view, offset, address, length);
	if (r < 0)
		return r;
	mark(window, first, first + length / WINDOW_PAGE, true);
	return 0;
}

int window_unmap(struct window *window, struct tranche_transport *view,
		 uint64_t offset, uint64_t length)
{
	uint64_t first = offset / WINDOW_PAGE;
	int r = view->ops->unmap(view, offset, length);

	/* With its generation, or the whole vGPU, the mapping has ended. */
	if (r < 0 && r != -ESTALE && r != -ESHUTDOWN)
		return r;
	mark(window, first, first + length / WINDOW_PAGE, false);
	return 0;
}
