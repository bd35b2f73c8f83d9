/* SPDX-License-Identifier: MIT */
/*
 * Where the next request will probably lie: where the last one did, since
 * drivers free what they give and get the same again. What is guessed is read
 * in the call that looks for a request, and spares one when it was right.
 *
 *   empty   nothing is guessed
 *   noted   a span to read with the next look
 *   fresh   it was read, after the index that covers the request
 *
 * Owner: the queue. Locking: as for virtq_pop().
 */
#ifndef VIRTIO_GUESS_H
#define VIRTIO_GUESS_H

#include "virtio/guest_memory.h"

/* Longer spans are not worth a guess. */
#define GUESS_LEN_MAX 256

struct guess {
	struct guest_span span; /* len 0: empty */
	bool fresh;
	uint8_t data[GUESS_LEN_MAX];
};

/* guess_note - the span that the present request had */
void guess_note(struct guess *guess, const struct guest_span *span);

/**
 * guess_right - whether the present request's span was guessed
 * @guess: the guess
 * @span: what the request has; not empty
 *
 * Return: true when guess->data is what is there.
 */
bool guess_right(const struct guess *guess, const struct guest_span *span);

#endif
