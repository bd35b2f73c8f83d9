/* SPDX-License-Identifier: MIT */
/*
 * The interrupts of a VFIO device. Each message has an eventfd that VFIO
 * signals and KVM turns into the guest's interrupt; masking disconnects the
 * second half only, so that nothing is lost and the device is not touched.
 *
 *   none → INTx (a pin exists and neither MSI nor MSI-X is on)
 *        → MSI  (the guest enabled it)      any of them back to INTx or none
 *        → MSI-X
 *
 * Owner: struct vfio_device. Locking: its function's lock.
 */
#ifndef VMM_VFIO_IRQ_H
#define VMM_VFIO_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "pci/msix.h"
#include "vmm-hooks/vmm/irq.h"

struct vfio_device;

enum vfio_irq_mode {
	VFIO_MODE_NONE,
	VFIO_MODE_INTX,
	VFIO_MODE_MSI,
	VFIO_MODE_MSIX,
};

struct vfio_irqs {
	struct vfio_device *device;
	struct vm *vm;
	enum vfio_irq_mode mode;

	bool has_pin;
	unsigned int gsi; /* INTx */
	int trigger; /* INTx: VFIO signals, KVM raises */
	int resample; /* INTx: KVM signals at EOI, VFIO unmasks */

	unsigned int msi_cap; /* 0: none */
	unsigned int msix_cap;
	unsigned int msix_bar;
	uint64_t msix_table; /* offsets in that BAR */
	uint64_t msix_pending;
	struct msix msix;

	struct irq *irqs; /* one for each message */
	unsigned int irq_count;
	unsigned int used; /* how many VFIO signals now */
};

/**
 * vfio_irqs_init - find what the device has and declare it to the guest
 * @irqs: what to fill
 * @device: open, its configuration space copied
 * @vm: the machine
 *
 * Return: 0 or negative errno.
 */
int vfio_irqs_init(struct vfio_irqs *irqs, struct vfio_device *device,
		   struct vm *vm);
void vfio_irqs_deinit(struct vfio_irqs *irqs);

/**
 * vfio_irqs_begin - connect INTx, once the slot is known
 * @irqs: the interrupts
 *
 * Return: 0 or negative errno.
 */
int vfio_irqs_begin(struct vfio_irqs *irqs);

/**
 * vfio_irqs_config_written - the guest wrote configuration space
 * @irqs: the interrupts
 * @offset: bytes
 * @len: bytes
 */
void vfio_irqs_config_written(struct vfio_irqs *irqs, unsigned int offset,
			      unsigned int len);

/**
 * vfio_irqs_holds - whether a place in a BAR belongs to MSI-X
 * @irqs: the interrupts
 * @bar: BAR
 * @offset: bytes in it
 *
 * Return: true for the table and the pending bits.
 */
bool vfio_irqs_holds(const struct vfio_irqs *irqs, unsigned int bar,
		     uint64_t offset);

/**
 * vfio_irqs_holds_page - whether a page of a BAR holds a part of MSI-X
 * @irqs: the interrupts
 * @bar: BAR
 * @page: its offset in the BAR
 *
 * Return: true when the guest may not reach it directly.
 */
bool vfio_irqs_holds_page(const struct vfio_irqs *irqs, unsigned int bar,
			  uint64_t page);

/* Accesses to such a place. */
uint64_t vfio_irqs_read(struct vfio_irqs *irqs, uint64_t offset,
			unsigned int len);
void vfio_irqs_write(struct vfio_irqs *irqs, uint64_t offset, unsigned int len,
		     uint64_t value);

#endif
