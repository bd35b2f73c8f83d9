/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_IRQ_H
#define TRANCHE_IRQ_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>

#include "uapi/tranche.h"

struct tranche_session;
struct tranche_vector;
struct tranche_vgpu;

/**
 * struct tranche_irqs - the interrupts of a vGPU
 * @set_mutex: one VFIO_DEVICE_SET_IRQS at a time; protects @unmask
 * @lock: protects the vectors and @intx_level
 * @vectors: of all indexes in a row
 * @count: vectors by index
 * @first: where those of an index begin
 * @intx_level: the device asserts its line
 * @unmask: eventfd by which the VMM unmasks INTx
 */
struct tranche_irqs {
	struct mutex set_mutex;
	spinlock_t lock;
	struct tranche_vector *vectors;
	u32 count[VFIO_PCI_NUM_IRQS];
	u32 first[VFIO_PCI_NUM_IRQS];
	bool intx_level;
	struct virqfd *unmask;
};

int tranche_irqs_init(struct tranche_irqs *irqs,
		      const struct tranche_layout *layout);
void tranche_irqs_uninit(struct tranche_irqs *irqs);
void tranche_irqs_clear(struct tranche_irqs *irqs);

long tranche_irqs_info(struct tranche_irqs *irqs, void __user *arg);
long tranche_irqs_set(struct tranche_irqs *irqs, void __user *arg);

bool tranche_irqs_signal(struct tranche_irqs *irqs, u32 index);
long tranche_irqs_raise(struct tranche_vgpu *vgpu,
			struct tranche_session *session, void __user *arg);

#endif /* TRANCHE_IRQ_H */
