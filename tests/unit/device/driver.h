/* SPDX-License-Identifier: MIT */
/*
 * A guest's driver, for tests: one queue in the fake's memory, and requests of
 * one readable and one writable buffer.
 *
 *   0x0000 descriptors   0x1000 available ring   0x2000 used ring
 *   0x4000 requests      0x8000 responses        0xc000 unused
 */
#ifndef TESTS_DEVICE_DRIVER_H
#define TESTS_DEVICE_DRIVER_H

#include <linux/virtio_gpu.h>
#include <stdint.h>

#include "fake.h"
#include "virtio/queue.h"

#define DRIVER_QUEUE_SIZE 64
#define DRIVER_DESC 0x0000
#define DRIVER_AVAIL 0x1000
#define DRIVER_USED 0x2000
#define DRIVER_REQUEST 0x4000
#define DRIVER_RESPONSE 0x8000
/* Room for each request, and for each response. */
#define DRIVER_ROOM 0x200

/* Offers a request. Return: its number, for driver_response(). */
uint16_t driver_offer(struct fake *fake, const void *request, uint32_t length,
		      uint32_t room);

/* How many requests came back so far. */
uint16_t driver_used(const struct fake *fake);

/* The response to a request, whether it came back or not. */
const void *driver_response(const struct fake *fake, uint16_t number);

/* Its type, VIRTIO_GPU_RESP_*. */
uint32_t driver_response_type(const struct fake *fake, uint16_t number);

#endif
