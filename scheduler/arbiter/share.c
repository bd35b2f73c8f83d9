// SPDX-License-Identifier: MIT
#include "scheduler/arbiter/share.h"

/* What is left for those who have not got a fixed amount, and their weight. */
struct rest {
	uint64_t amount;
	uint64_t weight;
};

static struct rest rest_of(const struct share_item *items, size_t count,
			   uint32_t whole)
{
	struct rest rest = {.amount = whole};
	size_t i;

	for (i = 0; i < count; i++) {
		if (!items[i].settled)
			rest.weight += items[i].weight;
		else if (rest.amount > items[i].share)
			rest.amount -= items[i].share;
		else
			rest.amount = 0;
	}
	return rest;
}

static uint32_t item_floor(const struct share_item *item)
{
	return item->reserved < item->limit ? item->reserved : item->limit;
}

/*
 * Fix those whose part by weight is below their floor (@low) or above their
 * limit. Return: whether there were any.
 */
static bool settle(struct share_item *items, size_t count, uint32_t whole,
		   bool low)
{
	struct rest rest = rest_of(items, count, whole);
	bool found = false;
	size_t i;

	for (i = 0; i < count; i++) {
		struct share_item *item = &items[i];
		uint64_t bound = low ? item_floor(item) : item->limit;

		if (item->settled)
			continue;
		item->share = rest.amount * item->weight / rest.weight;
		if (low ? item->share >= bound : item->share <= bound)
			continue;
		item->share = bound;
		item->settled = true;
		found = true;
	}
	return found;
}

void share_divide(struct share_item *items, size_t count, uint32_t whole)
{
	size_t i;

	for (i = 0; i < count; i++)
		items[i].settled = false;
	while (settle(items, count, whole, true) ||
	       settle(items, count, whole, false))
		;
}
