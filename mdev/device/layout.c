// SPDX-License-Identifier: MIT
#include "mdev/device/layout.h"

#include <errno.h>
#include <linux/vfio.h>

#include "pci/config.h"
#include "virtio/pci.h"

static struct tranche_region region(uint64_t size)
{
	return (struct tranche_region){
		.size = size,
		.flags = TRANCHE_REGION_READ | TRANCHE_REGION_WRITE,
	};
}

int layout_init(struct tranche_layout *layout, uint64_t window)
{
	if (window < LAYOUT_WINDOW_MIN || window > LAYOUT_WINDOW_MAX ||
	    window & (window - 1))
		return -EINVAL;
	*layout = (struct tranche_layout){
		.window_region = LAYOUT_BAR_WINDOW,
		.window_size = window,
	};
	layout->irqs[VFIO_PCI_MSIX_IRQ_INDEX] = LAYOUT_VECTORS;
	layout->regions[LAYOUT_BAR_REGISTERS] = region(VIRTIO_PCI_BAR_SIZE);
	layout->regions[LAYOUT_BAR_MSIX] = region(LAYOUT_MSIX_SIZE);
	layout->regions[LAYOUT_BAR_WINDOW] = region(window);
	layout->regions[VFIO_PCI_CONFIG_REGION_INDEX] = region(PCI_CONFIG_SIZE);
	return 0;
}
