/* SPDX-License-Identifier: MIT */
/*
 * What a VMM sees of a vGPU: its BARs and interrupts. The broker registers
 * types with it, the device process serves it; both take it from here.
 *
 *   BAR 0  registers of virtio-pci (virtio/pci.h)
 *   BAR 2  MSI-X table and pending bits, which VFIO lets the VMM keep
 *   BAR 4  the window, 64 bit and prefetchable: host memory that guests map
 *
 * Stateless.
 */
#ifndef DEVICE_LAYOUT_H
#define DEVICE_LAYOUT_H

#include <stdint.h>

#include "kmod/uapi/tranche.h"

#define LAYOUT_BAR_REGISTERS 0
#define LAYOUT_BAR_MSIX 2
#define LAYOUT_BAR_WINDOW 4

#define LAYOUT_MSIX_SIZE 0x1000
#define LAYOUT_MSIX_PENDING 0x800
/* One for changes of configuration, one for each queue. */
#define LAYOUT_VECTORS 3

#define LAYOUT_WINDOW_MIN (1ull << 20)
#define LAYOUT_WINDOW_MAX (1ull << 39)

/**
 * layout_init - the layout of a vGPU
 * @layout: what to fill
 * @window: bytes, a power of two from LAYOUT_WINDOW_MIN to LAYOUT_WINDOW_MAX
 *
 * Return: 0 or -EINVAL.
 */
int layout_init(struct tranche_layout *layout, uint64_t window);

#endif
