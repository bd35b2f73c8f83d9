/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_DOORBELL_H
#define TRANCHE_DOORBELL_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include "uapi/tranche.h"

struct tranche_vgpu;

/**
 * struct tranche_doorbells - the doorbells of one session
 * @lock: protects the others
 * @list: of them
 * @count: how many
 */
struct tranche_doorbells {
	spinlock_t lock;
	struct list_head list;
	u32 count;
};

void tranche_doorbells_init(struct tranche_doorbells *doorbells);
void tranche_doorbells_uninit(struct tranche_doorbells *doorbells);
long tranche_doorbells_set(struct tranche_doorbells *doorbells,
			   const struct tranche_layout *layout,
			   void __user *arg);
bool tranche_doorbells_ring(struct tranche_doorbells *doorbells,
			    const struct tranche_message *message);

long tranche_ioevent_set(struct tranche_vgpu *vgpu, void __user *arg);
void tranche_ioevents_clear(struct tranche_vgpu *vgpu);

#endif /* TRANCHE_DOORBELL_H */
