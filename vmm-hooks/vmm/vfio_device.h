/* SPDX-License-Identifier: MIT */
/*
 * A device given to the guest by VFIO: a physical PCI function, or a mediated
 * one (a vGPU). What the guest sees is the device's own configuration space
 * with these parts ours: BARs and ROM (where they are), MSI and MSI-X (how they
 * interrupt), the multi-function bit, the PCIe port type, and capabilities that
 * make no sense in a guest (SR-IOV, ARI, resizable BARs), which are hidden.
 *
 * BARs that VFIO can map are mapped into the guest: no exit. The rest, and the
 * pages that hold the MSI-X table, go through VFIO's regions, but for the
 * doorbells of virtio devices (vfio_doorbell.h).
 *
 * Interrupts are one of: INTx, MSI, MSI-X, or none; each is connected to KVM by
 * irqfd (vfio_irq.h).
 *
 *   closed → open (reset, not decoding) → closed (reset again)
 *
 * Owner: the machine's devices. Locking: the function's lock, as for all.
 */
#ifndef VMM_VFIO_DEVICE_H
#define VMM_VFIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/loop.h"
#include "vmm-hooks/vmm/pci_bus.h"
#include "vmm-hooks/vmm/vfio_doorbell.h"
#include "vmm-hooks/vmm/vfio_irq.h"

#define VFIO_AREAS_MAX 16

struct machine;
struct vfio_container;

/* A part of a BAR that is mapped into the guest. */
struct vfio_area {
	uint64_t offset; /* within the BAR */
	uint64_t size;
	void *memory;
	int slot; /* KVM's, or -1 while the BAR is nowhere */
};

/* One of VFIO's regions: a BAR or the ROM. */
struct vfio_region {
	uint64_t offset; /* in the descriptor */
	uint64_t size; /* bytes that exist; the BAR is the next power of two */
	uint32_t flags;
	struct vfio_area areas[VFIO_AREAS_MAX];
	unsigned int area_count;
};

struct vfio_device {
	struct pci_function function;
	struct machine *machine;
	char *name; /* PCI address or UUID */
	int fd;
	bool can_reset;
	uint64_t config_offset;
	uint32_t config_size;
	uint8_t ours[PCI_CONFIG_SIZE]; /* bytes served from function.config */
	struct vfio_region regions[PCI_BAR_COUNT];
	struct vfio_irqs irqs;
	struct vfio_doorbells doorbells;
	struct loop_handler error; /* the device failed */
	struct loop_handler request; /* the host wants it back */
};

/**
 * vfio_device_new - open a device and attach it; reports what went wrong
 * @machine: where to
 * @container: its address space
 * @path: the device in sysfs
 * @name: its name there
 *
 * Return: the device, or NULL with errno.
 */
struct vfio_device *vfio_device_new(struct machine *machine,
				    struct vfio_container *container,
				    const char *path, const char *name);
void vfio_device_free(struct vfio_device *device);

/**
 * vfio_device_slot - where the guest finds it
 * @device: the device
 *
 * Return: PCI slot, 1..31.
 */
unsigned int vfio_device_slot(const struct vfio_device *device);

/* For the device's own parts: an access to VFIO's configuration region. */
uint32_t vfio_device_config_get(struct vfio_device *device, unsigned int offset,
				unsigned int len);

#endif
