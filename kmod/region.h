/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_REGION_H
#define TRANCHE_REGION_H

#include <linux/types.h>
#include <linux/vfio.h>

struct tranche_message;
struct tranche_vgpu;

/* Where a region lies in the VMM's device descriptor, as vfio-pci has it. */
#define TRANCHE_REGION_SHIFT 40

static inline u32 tranche_region_index(u64 position)
{
	return position >> TRANCHE_REGION_SHIFT;
}

static inline u64 tranche_region_offset(u64 position)
{
	return position & ((1ULL << TRANCHE_REGION_SHIFT) - 1);
}

static inline u64 tranche_region_position(u32 index)
{
	return (u64)index << TRANCHE_REGION_SHIFT;
}

int tranche_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			struct vfio_info_cap *caps);
ssize_t tranche_region_read(struct vfio_device *vdev, char __user *buf,
			    size_t count, loff_t *ppos);
ssize_t tranche_region_write(struct vfio_device *vdev, const char __user *buf,
			     size_t count, loff_t *ppos);
int tranche_region_send(struct tranche_vgpu *vgpu,
			struct tranche_message *message, u32 timeout_ms);

#endif /* TRANCHE_REGION_H */
