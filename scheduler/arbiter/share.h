/* SPDX-License-Identifier: MIT */
/*
 * What each of several entities is entitled to: the whole divided by weight,
 * no one above its limit, no one below its reservation as long as its limit
 * allows it, and what one leaves over goes to the others.
 *
 * No state, no lock.
 */
#ifndef SCHEDULER_ARBITER_SHARE_H
#define SCHEDULER_ARBITER_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_UNIT 1000000 /* the whole GPU */

struct share_item {
	uint32_t weight;
	uint32_t limit; /* of SHARE_UNIT: cap or demand, the lesser */
	uint32_t reserved; /* of SHARE_UNIT */
	uint32_t share; /* out */
	bool settled; /* for share_divide() */
};

/**
 * share_divide - divide a whole
 * @items: who shares it; share is filled in
 * @count: how many
 * @whole: how much there is, at most SHARE_UNIT
 */
void share_divide(struct share_item *items, size_t count, uint32_t whole);

#endif
