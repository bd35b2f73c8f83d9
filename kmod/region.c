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
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);
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

/**
 * tranche_region_send() - send one message, unless it is a write that rings
 * @vgpu: the vGPU
 * @message: what is said; gets the generation, and the data of the answer
 * @timeout_ms: how long to wait for the answer; 0 if none is wanted
 *
 * Return: the answer's 0 or negative errno, -EINTR if the caller is killed;
 * after any other error the access did not happen
 */
int tranche_region_send(struct tranche_vgpu *vgpu,
			struct tranche_message *message, u32 timeout_ms)
{
	struct tranche_session *session;
	int ret = 0;

	session = tranche_vgpu_session(vgpu, message->op == TRANCHE_OP_RESET,
				       &message->gen);
	if (!session)
		return -ESHUTDOWN;
	if (tranche_doorbells_ring(&session->doorbells, message))
		goto out;
	if (timeout_ms)
		ret = tranche_call_make(&session->calls, message, timeout_ms);
	else
		tranche_call_post(&session->calls, message);
	if (ret == -ETIMEDOUT)
		tranche_vgpu_break(vgpu, session);
out:
	tranche_session_put(session);
	return ret;
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

static int piece_do(struct tranche_vgpu *vgpu, struct tranche_message *message,
		    char __user *user)
{
	bool write = message->op == TRANCHE_OP_WRITE;
	int ret;

	if (write && copy_from_user(message->data, user, message->length))
		return -EFAULT;
	ret = tranche_region_send(vgpu, message,
				  vgpu->parent->access_timeout_ms);
	if (ret == -EINTR)
		return ret;
	if (write)
		return 0;
	if (ret)
		memset(message->data, 0xff, message->length);
	return copy_to_user(user, message->data, message->length) ? -EFAULT : 0;
}

static ssize_t region_access(struct vfio_device *vdev, u32 op, u32 flag,
			     char __user *buf, size_t count, loff_t *ppos)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);
	struct tranche_message message = {
		.op = op,
		.region = tranche_region_index(*ppos),
	};
	ssize_t total, done;
	int ret;

	total = access_check(vgpu, *ppos, count, flag);
	for (done = 0; done < total; done += message.length) {
		message.offset = tranche_region_offset(*ppos) + done;
		message.length = piece_length(message.region, message.offset,
					      total - done);
		ret = piece_do(vgpu, &message, buf + done);
		if (ret)
			return ret;
	}
	if (total > 0)
		*ppos += total;
	return total;
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
	return region_access(vdev, TRANCHE_OP_READ, TRANCHE_REGION_READ, buf,
			     count, ppos);
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
	return region_access(vdev, TRANCHE_OP_WRITE, TRANCHE_REGION_WRITE,
			     (char __user *)buf, count, ppos);
}
