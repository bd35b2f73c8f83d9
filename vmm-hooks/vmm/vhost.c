// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/ram.h"

static int call(const struct vhost *vhost, unsigned long request,
		const void *argument)
{
	return ioctl(vhost->fd, request, argument) < 0 ? -errno : 0;
}

int vhost_init(struct vhost *vhost, const char *path)
{
	int r;

	*vhost = (struct vhost){.fd = open(path, O_RDWR | O_CLOEXEC)};
	if (vhost->fd < 0)
		return -errno;
	r = call(vhost, VHOST_SET_OWNER, NULL);
	if (r == 0)
		r = call(vhost, VHOST_GET_FEATURES, &vhost->features);
	if (r < 0)
		vhost_deinit(vhost);
	return r;
}

void vhost_deinit(struct vhost *vhost)
{
	close_fd(&vhost->fd);
}

int vhost_set_memory(struct vhost *vhost, const struct ram *ram)
{
	union {
		struct vhost_memory header;
		uint8_t room[sizeof(struct vhost_memory) +
			     2 * sizeof(struct vhost_memory_region)];
	} table = {.header.nregions = ram->range_count};

	for (unsigned int i = 0; i < ram->range_count; i++)
		table.header.regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = ram->ranges[i].addr,
			.memory_size = ram->ranges[i].size,
			.userspace_addr =
				(uintptr_t)ram->base + ram->ranges[i].offset,
		};
	return call(vhost, VHOST_SET_MEM_TABLE, &table);
}

/* The kernel takes ring addresses in our address space, whole rings only. */
static int set_addresses(struct vhost *vhost, struct virtio_function *device,
			 unsigned int index)
{
	struct virtq *queue = virtio_function_queue(device, index);
	uint64_t size = queue->size;
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr =
			(uintptr_t)ram_at(device->ram, queue->desc, 16 * size),
		.avail_user_addr = (uintptr_t)ram_at(device->ram, queue->avail,
						     6 + 2 * size),
		.used_user_addr = (uintptr_t)ram_at(device->ram, queue->used,
						    6 + 8 * size),
	};

	if (!addr.desc_user_addr || !addr.avail_user_addr ||
	    !addr.used_user_addr)
		return -EFAULT;
	return call(vhost, VHOST_SET_VRING_ADDR, &addr);
}

static int start_queue(struct vhost *vhost, struct virtio_function *device,
		       unsigned int index)
{
	struct vhost_vring_state number = {
		index, virtio_function_queue(device, index)->size};
	struct vhost_vring_state base = {index, 0};
	struct vhost_vring_file kick = {index, device->kicks[index]};
	struct vhost_vring_file interrupt = {
		index, virtio_function_call_fd(device, index)};
	int r;

	r = call(vhost, VHOST_SET_VRING_NUM, &number);
	if (r == 0)
		r = call(vhost, VHOST_SET_VRING_BASE, &base);
	if (r == 0)
		r = set_addresses(vhost, device, index);
	if (r == 0)
		r = call(vhost, VHOST_SET_VRING_KICK, &kick);
	if (r == 0)
		r = call(vhost, VHOST_SET_VRING_CALL, &interrupt);
	return r;
}

int vhost_start(struct vhost *vhost, struct virtio_function *device,
		unsigned int queues, uint64_t features)
{
	int r = call(vhost, VHOST_SET_FEATURES, &features);

	for (unsigned int i = 0; i < queues && r == 0; i++) {
		struct virtq *queue = virtio_function_queue(device, i);

		if (!queue->ready || queue->broken)
			return -EINVAL;
		r = start_queue(vhost, device, i);
	}
	return r;
}
