/* SPDX-License-Identifier: MIT */
/*
 * Where the next request will probably lie: where one of the last ones did, since
 * drivers free what they give and get the same again. What is guessed is read
 * in the call that looks for a request, and spares one when it was right.
 *
 *   empty   nothing is guessed
 *   noted   a span to read with the next look
 *   fresh   it was read, after the index that covers the request; until it is
 *           used or the next look
 *
 * Owner: the queue. Locking: as for virtq_pop().
 */
#ifndef VIRTIO_GUESS_H
#define VIRTIO_GUESS_H

#include "virtio/guest_memory.h"

/* Longer spans are not worth a guess. */
#define GUESS_LEN_MAX 256

/* So many requests are under way when a driver does not wait for each. */
#define GUESS_DEPTH 2

struct guess {
	struct guest_span span; /* len 0: empty */
	bool fresh;
	uint8_t data[GUESS_LEN_MAX];
};

/**
 * guess_note - a span that nobody guessed
 * @guesses: GUESS_DEPTH of them, the latest first
 * @span: what the present request has
 */
void guess_note(struct guess *guesses, const struct guest_span *span);

/**
 * guess_find - whether the present request's span was guessed
 * @guesses: GUESS_DEPTH of them
 * @span: what the request has; not empty
 *
 * Return: the guess whose data is what is there, or NULL.
 */
struct guess *guess_find(struct guess *guesses, const struct guest_span *span);

/* guess_use - copy what was guessed, once: it may change after that */
void guess_use(struct guess *guess, void *data);

#endif
