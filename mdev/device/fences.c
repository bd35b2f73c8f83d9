// SPDX-License-Identifier: MIT
#include "mdev/device/fences.h"

#include <assert.h>

void fences_init(struct fences *fences)
{
	fences->serial = 0;
	fences_drop(fences);
}

/* Serial and slot in one number; the serial starts at 1, so none is 0. */
static unsigned int slot_of(uint64_t number)
{
	return number % FENCES_MAX;
}

uint64_t fences_add(struct fences *fences, const struct fence *wanted)
{
	for (unsigned int i = 0; i < FENCES_MAX; i++) {
		struct fence *slot = &fences->slots[i];

		if (slot->number)
			continue;
		*slot = *wanted;
		slot->number = ++fences->serial * FENCES_MAX + i;
		fences->pending++;
		return slot->number;
	}
	return 0;
}

static void slot_free(struct fences *fences, struct fence *slot)
{
	slot->number = 0;
	fences->pending--;
}

void fences_cancel(struct fences *fences, uint64_t number)
{
	struct fence *slot = &fences->slots[slot_of(number)];

	assert(slot->number == number);
	slot_free(fences, slot);
}

void fences_signal(struct fences *fences, uint64_t number)
{
	_Atomic uint64_t *done = &fences->done[slot_of(number)];
	uint64_t last = atomic_load_explicit(done, memory_order_relaxed);

	/*
	 * Numbers of a slot only grow: a late word about an old fence must not
	 * hide that of a newer one. Whoever sees the number also sees what the
	 * renderer did before.
	 */
	while (last < number &&
	       !atomic_compare_exchange_weak_explicit(done, &last, number,
						      memory_order_release,
						      memory_order_relaxed))
		;
}

void fences_end_context(struct fences *fences, uint32_t context)
{
	for (unsigned int i = 0; i < FENCES_MAX; i++)
		if (fences->slots[i].number &&
		    fences->slots[i].context == context)
			fences_signal(fences, fences->slots[i].number);
}

bool fences_take(struct fences *fences, struct fence *fence)
{
	for (unsigned int i = 0; fences->pending && i < FENCES_MAX; i++) {
		struct fence *slot = &fences->slots[i];

		if (!slot->number ||
		    atomic_load_explicit(&fences->done[i],
					 memory_order_acquire) != slot->number)
			continue;
		*fence = *slot;
		slot_free(fences, slot);
		return true;
	}
	return false;
}

void fences_drop(struct fences *fences)
{
	for (unsigned int i = 0; i < FENCES_MAX; i++)
		fences->slots[i].number = 0;
	fences->pending = 0;
}
