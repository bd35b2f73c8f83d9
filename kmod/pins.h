/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_PINS_H
#define TRANCHE_PINS_H

#include <linux/mm_types.h>
#include <linux/mutex.h>

#include "uapi/tranche.h"

struct tranche_vgpu;

/* Pages of a guest that are pinned at most. */
#define TRANCHE_PINS_MAX 32

/* Longer copies would drive out what others come back to. */
#define TRANCHE_PINS_BYTES_MAX (8 * PAGE_SIZE)

/**
 * struct tranche_pin - a page of guest memory
 * @page: pinned; NULL: none
 * @iova: where the guest has it
 * @used: when it was last asked for
 */
struct tranche_pin {
	struct page *page;
	u64 iova;
	u64 used;
};

/**
 * struct tranche_pins - the pages that a device came back to
 * @lock: protects all, and is held while a page is copied
 * @clock: counts what was asked for
 * @pause: so many pages are not asked for, since one was refused
 * @pins: in no order
 */
struct tranche_pins {
	struct mutex lock;
	u64 clock;
	u32 pause;
	struct tranche_pin pins[TRANCHE_PINS_MAX];
};

void tranche_pins_init(struct tranche_pins *pins);
int tranche_pins_copy(struct tranche_vgpu *vgpu,
		      const struct tranche_segment *segment, void *data);
void tranche_pins_drop(struct tranche_vgpu *vgpu, u64 iova, u64 length);

#endif /* TRANCHE_PINS_H */
