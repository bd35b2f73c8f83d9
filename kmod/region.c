// SPDX-License-Identifier: GPL-2.0-only
/*
 * region.c - what a VMM reads and writes
 *
 * Each access is cut into pieces that a device process can take as they are,
 * and each piece is a message of its own. An access to a vGPU that does not
 * work reads all-ones and writes nothing, and succeeds: as hardware that fell
 * off its bus does. A device process that does not answer in time breaks the
 * vGPU.
 *
 * Locks: none. The session is held while its answer is awaited.
 */
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "region.h"
#include "session.h"
#include "vgpu.h"

/**
 * tranche_region_info() - VFIO_DEVICE_GET_REGION_INFO
 * @vdev: the vGPU
 * @info: filled in
 * @caps: gets the sparse-mmap capability of the window
 */
int tranche_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			struct vfio_info_cap *caps)
{
	struct tranche_vgpu *vgpu =
		container_of(vdev, struct tranche_vgpu, vdev);
	const struct tranche_layout *layout = tranche_vgpu_layout(vgpu);
	struct {
		struct vfio_region_info_cap_sparse_mmap cap;
		struct vfio_region_sparse_mmap_area area;
	} __packed sparse = {
		.cap.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
		.cap.header.version = 1,
		.cap.nr_areas = 1,
		.area.offset = layout->window_offset,
		.area.size = layout->window_size,
	};
	const struct tranche_region *region;

	if (info->index >= TRANCHE_REGIONS)
		return -EINVAL;
	region = &layout->regions[info->index];
	info->offset = tranche_region_position(info->index);
	info->size = region->size;
	info->flags = 0;
	if (!region->size)
		return 0;
	if (region->flags & TRANCHE_REGION_READ)
		info->flags |= VFIO_REGION_INFO_FLAG_READ;
	if (region->flags & TRANCHE_REGION_WRITE)
		info->flags |= VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index != layout->window_region)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return vfio_info_add_capability(caps, &sparse.cap.header,
					sizeof(sparse));
}

/* How much of an access goes into one message. */
static size_t piece_length(u32 index, u64 offset, size_t count)
{
	size_t length = 8;

	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return min_t(size_t, count, TRANCHE_DATA_MAX);
	while (length > count || offset % length)
		length /= 2;
	return length;
}

/* Sends a piece and, for a read, gets it. Returns 0, or -EINTR when killed. */
static int piece_send(struct tranche_vgpu *vgpu, u32 op, u32 index, u64 offset,
		      u8 *data, u32 length)
{
	struct tranche_session *session;
	struct tranche_call *call;
	u32 gen;
	int ret;

	session = tranche_vgpu_session(vgpu, &gen);
	if (!session)
		return -ESHUTDOWN;
	call = tranche_call_alloc(op, index, offset, length);
	if (!call) {
		ret = -ENOMEM;
		goto out;
	}
	call->message.gen = gen;
	if (op == TRANCHE_OP_WRITE)
		memcpy(call->message.data, data, length);
	ret = tranche_call_make(&session->calls, call,
				vgpu->parent->access_timeout_ms);
	if (ret == -ETIMEDOUT)
		tranche_vgpu_break(vgpu, session);
	if (ret)
		goto out;
	if (op == TRANCHE_OP_READ)
		memcpy(data, call->message.data, length);
	tranche_call_free(call);
out:
	tranche_session_put(session);
	return ret;
}

static bool ring(struct tranche_vgpu *vgpu, u32 index, u64 offset, u32 length,
		 u64 value)
{
	struct tranche_session *session;
	bool ret;

	session = tranche_vgpu_session(vgpu, NULL);
	if (!session)
		return false;
	ret = tranche_doorbells_ring(&session->doorbells, index, offset, length,
				     value);
	tranche_session_put(session);
	return ret;
}

static int piece_write(struct tranche_vgpu *vgpu, u32 index, u64 offset,
		       u8 *data, u32 length)
{
	__le64 value = 0;

	if (length <= sizeof(value)) {
		memcpy(&value, data, length);
		if (ring(vgpu, index, offset, length, le64_to_cpu(value)))
			return 0;
	}
	return piece_send(vgpu, TRANCHE_OP_WRITE, index, offset, data, length);
}

/**
 * tranche_region_ring() - write a register for an eventfd of the VMM
 * @vgpu: the vGPU
 * @index: index of the region
 * @offset: in it
 * @length: of the write
 * @value: what is written
 *
 * Nobody can be told if it does not work.
 */
void tranche_region_ring(struct tranche_vgpu *vgpu, u32 index, u64 offset,
			 u32 length, u64 value)
{
	struct tranche_session *session;
	struct tranche_call *call;
	u32 gen;

	if (ring(vgpu, index, offset, length, value))
		return;
	call = tranche_call_alloc(TRANCHE_OP_WRITE, index, offset, length);
	if (!call)
		return;
	put_unaligned_le64(value, call->message.data);
	session = tranche_vgpu_session(vgpu, &gen);
	if (!session) {
		tranche_call_free(call);
		return;
	}
	call->message.gen = gen;
	tranche_call_post(&session->calls, call);
	tranche_session_put(session);
}

/* Checks an access and clamps it to its region and to what is quickly done. */
static ssize_t access_check(struct tranche_vgpu *vgpu, u64 position,
			    size_t count, u32 flag)
{
	const struct tranche_region *region;
	u32 index = tranche_region_index(position);
	u64 offset = tranche_region_offset(position);

	if (index >= TRANCHE_REGIONS)
		return -EINVAL;
	region = &tranche_vgpu_layout(vgpu)->regions[index];
	if (!(region->flags & flag) || offset >= region->size)
		return -EINVAL;
	return min3((u64)count, region->size - offset, (u64)PAGE_SIZE);
}

/**
 * tranche_region_read() - the VMM reads
 * @vdev: the vGPU
 * @buf: of the VMM
 * @count: bytes
 * @ppos: region and offset
 */
ssize_t tranche_region_read(struct vfio_device *vdev, char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct tranche_vgpu *vgpu =
		container_of(vdev, struct tranche_vgpu, vdev);
	u32 index = tranche_region_index(*ppos);
	u64 offset = tranche_region_offset(*ppos);
	u8 data[TRANCHE_DATA_MAX];
	ssize_t total, done;
	size_t length;
	int ret;

	total = access_check(vgpu, *ppos, count, TRANCHE_REGION_READ);
	for (done = 0; done < total; done += length) {
		length = piece_length(index, offset + done, total - done);
		ret = piece_send(vgpu, TRANCHE_OP_READ, index, offset + done,
				 data, length);
		if (ret == -EINTR)
			return ret;
		if (ret)
			memset(data, 0xff, length);
		if (copy_to_user(buf + done, data, length))
			return -EFAULT;
	}
	if (total > 0)
		*ppos += total;
	return total;
}

/**
 * tranche_region_write() - the VMM writes
 * @vdev: the vGPU
 * @buf: of the VMM
 * @count: bytes
 * @ppos: region and offset
 */
ssize_t tranche_region_write(struct vfio_device *vdev, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	struct tranche_vgpu *vgpu =
		container_of(vdev, struct tranche_vgpu, vdev);
	u32 index = tranche_region_index(*ppos);
	u64 offset = tranche_region_offset(*ppos);
	u8 data[TRANCHE_DATA_MAX];
	ssize_t total, done;
	size_t length;

	total = access_check(vgpu, *ppos, count, TRANCHE_REGION_WRITE);
	for (done = 0; done < total; done += length) {
		length = piece_length(index, offset + done, total - done);
		if (copy_from_user(data, buf + done, length))
			return -EFAULT;
		if (piece_write(vgpu, index, offset + done, data, length) ==
		    -EINTR)
			return -EINTR;
	}
	if (total > 0)
		*ppos += total;
	return total;
}
