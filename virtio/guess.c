// SPDX-License-Identifier: MIT
#include "virtio/guess.h"

void guess_note(struct guess *guess, const struct guest_span *span)
{
	guess->fresh = false;
	guess->span = *span;
	if (span->len > GUESS_LEN_MAX)
		guess->span.len = 0;
}

bool guess_right(const struct guess *guess, const struct guest_span *span)
{
	return guess->fresh && guess->span.addr == span->addr &&
	       guess->span.len == span->len;
}
