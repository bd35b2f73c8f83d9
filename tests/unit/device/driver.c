// SPDX-License-Identifier: MIT
#include "driver.h"

#include <linux/virtio_ring.h>
#include <string.h>

uint16_t driver_offer(struct fake *fake, const void *request, uint32_t length,
		      uint32_t room)
{
	struct vring_desc *desc = (void *)(fake->memory + DRIVER_DESC);
	struct vring_avail *avail = (void *)(fake->memory + DRIVER_AVAIL);
	uint16_t number = avail->idx % (DRIVER_QUEUE_SIZE / 2);
	uint16_t head = 2 * number;
	uint64_t offset = (uint64_t)number * DRIVER_ROOM;

	memcpy(fake->memory + DRIVER_REQUEST + offset, request, length);
	memset(fake->memory + DRIVER_RESPONSE + offset, 0, DRIVER_ROOM);
	desc[head] = (struct vring_desc){DRIVER_REQUEST + offset, length,
					 VRING_DESC_F_NEXT, head + 1};
	desc[head + 1] = (struct vring_desc){DRIVER_RESPONSE + offset, room,
					     VRING_DESC_F_WRITE, 0};
	avail->ring[avail->idx % DRIVER_QUEUE_SIZE] = head;
	__atomic_store_n(&avail->idx, avail->idx + 1, __ATOMIC_RELEASE);
	return number;
}

uint16_t driver_used(const struct fake *fake)
{
	const struct vring_used *used = (void *)(fake->memory + DRIVER_USED);

	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
}

const void *driver_response(const struct fake *fake, uint16_t number)
{
	return fake->memory + DRIVER_RESPONSE + number * DRIVER_ROOM;
}

uint32_t driver_response_type(const struct fake *fake, uint16_t number)
{
	const struct virtio_gpu_ctrl_hdr *hdr = driver_response(fake, number);

	return hdr->type;
}
