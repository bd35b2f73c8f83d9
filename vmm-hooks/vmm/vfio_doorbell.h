/* SPDX-License-Identifier: MIT */
/*
 * Doorbells of a mediated virtio device, such as a vGPU: KVM signals an eventfd
 * when the guest notifies a queue, and VFIO turns the eventfd into the write.
 * Neither step leaves the kernel.
 *
 * Devices that are no virtio devices, whose notification area the guest reaches
 * directly, or whose driver cannot do it, have none: their writes come as exits.
 *
 * Owner: struct vfio_device. Locking: its function's lock.
 */
#ifndef VMM_VFIO_DOORBELL_H
#define VMM_VFIO_DOORBELL_H

#include <stdint.h>

#define VFIO_DOORBELLS_MAX 16

struct vm;
struct vfio_device;

struct vfio_doorbells {
	struct vm *vm;
	unsigned int bar;
	uint64_t offset; /* of the first, in that BAR */
	uint32_t stride; /* bytes from one to the next */
	int fds[VFIO_DOORBELLS_MAX];
	unsigned int count;
	uint64_t at; /* where the BAR is, or PCI_BAR_UNMAPPED */
};

/**
 * vfio_doorbells_init - set up what the device allows
 * @doorbells: what to fill
 * @device: open, its regions known
 * @vm: the machine
 */
void vfio_doorbells_init(struct vfio_doorbells *doorbells,
			 struct vfio_device *device, struct vm *vm);
void vfio_doorbells_deinit(struct vfio_doorbells *doorbells);

/**
 * vfio_doorbells_move - a BAR of the device moved
 * @doorbells: the doorbells
 * @bar: which
 * @addr: where it is, or PCI_BAR_UNMAPPED
 */
void vfio_doorbells_move(struct vfio_doorbells *doorbells, unsigned int bar,
			 uint64_t addr);

#endif
