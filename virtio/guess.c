// SPDX-License-Identifier: MIT
#include "virtio/guess.h"

#include <string.h>

static struct guess *with_span(struct guess *guesses,
			       const struct guest_span *span)
{
	for (unsigned int i = 0; i < GUESS_DEPTH; i++)
		if (guesses[i].span.addr == span->addr &&
		    guesses[i].span.len == span->len)
			return &guesses[i];
	return NULL;
}

void guess_note(struct guess *guesses, const struct guest_span *span)
{
	if (span->len > GUESS_LEN_MAX || with_span(guesses, span))
		return;
	memmove(&guesses[1], &guesses[0], (GUESS_DEPTH - 1) * sizeof(*guesses));
	guesses[0].fresh = false;
	guesses[0].span = *span;
}

struct guess *guess_find(struct guess *guesses, const struct guest_span *span)
{
	struct guess *guess = with_span(guesses, span);

	return guess && guess->fresh ? guess : NULL;
}

void guess_use(struct guess *guess, void *data)
{
	memcpy(data, guess->data, guess->span.len);
	guess->fresh = false;
}
