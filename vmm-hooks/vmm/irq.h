/* SPDX-License-Identifier: MIT */
/*
 * A message-signalled interrupt source: an eventfd that anyone may signal (a
 * device thread, vhost, VFIO) and the kernel turns into an interrupt.
 *
 *   masked    the eventfd is not connected: events wait in its count
 *   connected the eventfd raises the guest's message
 *
 * Connecting delivers what waited, so a mask loses nothing and no thread has to
 * watch masked vectors.
 *
 * Owner: the device. Locking: the device serialises set calls; raise may come
 * from any thread.
 */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include "vmm-hooks/vmm/vm.h"

struct irq {
	struct vm *vm;
	int fd;
	int gsi;
	bool connected;
};

/**
 * irq_init - a masked source
 * @irq: what to fill
 * @vm: the machine
 *
 * Return: 0 or negative errno.
 */
int irq_init(struct irq *irq, struct vm *vm);
void irq_deinit(struct irq *irq);

/**
 * irq_set - connect with a message, or mask
 * @irq: the source
 * @message: the guest's message, or NULL to mask
 *
 * Return: 0 or negative errno.
 */
int irq_set(struct irq *irq, const struct msix_message *message);

/**
 * irq_raise - signal an event
 * @irq: the source
 */
void irq_raise(const struct irq *irq);

/**
 * irq_pending - whether an event waits behind the mask
 * @irq: the source
 *
 * Return: true when one does.
 */
bool irq_pending(const struct irq *irq);

#endif
