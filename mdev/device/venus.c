// SPDX-License-Identifier: MIT
/* Numbers and layouts of wire format version 1 of the venus protocol:
 * VkCommandTypeEXT and what follows it in the stream. */
#include "mdev/device/venus.h"

#include <endian.h>
#include <string.h>

#define TYPE_CREATE_RING 188
#define TYPE_DESTROY_RING 189
#define TYPE_NOTIFY_RING 190
#define TYPE_SUBMIT_VIRTQUEUE_SEQNO 251
#define TYPE_WAIT_VIRTQUEUE_SEQNO 252
#define TYPE_WAIT_RING_SEQNO 253

/* Type and flags, then the ring. */
#define RING_AT 8

/*
 * Of one that creates a ring and has no chain: its size, and where the idle time
 * is. Each link of the chain (VkRingMonitorInfoMESA, VkRingPriorityInfoMESA)
 * stands before it.
 */
#define CREATE_SIZE 124
#define CREATE_IDLE_AT 60
#define LINK_SIZE 16

static const struct {
	uint32_t type;
	uint32_t size;
	enum venus_command command;
} commands[] = {
	{TYPE_CREATE_RING, CREATE_SIZE, VENUS_RING_CREATE},
	{TYPE_CREATE_RING, CREATE_SIZE + LINK_SIZE, VENUS_RING_CREATE},
	{TYPE_CREATE_RING, CREATE_SIZE + 2 * LINK_SIZE, VENUS_RING_CREATE},
	{TYPE_DESTROY_RING, 16, VENUS_RING_DESTROY},
	{TYPE_NOTIFY_RING, VENUS_NOTIFY_SIZE, VENUS_RING_NOTIFY},
	{TYPE_SUBMIT_VIRTQUEUE_SEQNO, 24, VENUS_RING_WAIT},
	{TYPE_WAIT_VIRTQUEUE_SEQNO, 16, VENUS_RING_WAIT},
	{TYPE_WAIT_RING_SEQNO, 24, VENUS_RING_WAIT},
};

static uint32_t word_at(const void *data, uint32_t at)
{
	uint32_t word;

	memcpy(&word, (const uint8_t *)data + at, sizeof(word));
	return le32toh(word);
}

static uint64_t long_at(const void *data, uint32_t at)
{
	return word_at(data, at) | (uint64_t)word_at(data, at + 4) << 32;
}

static void long_put(void *data, uint32_t at, uint64_t value)
{
	value = htole64(value);
	memcpy((uint8_t *)data + at, &value, sizeof(value));
}

enum venus_command venus_command(const void *data, uint32_t size,
				 uint64_t *ring)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (size != commands[i].size ||
		    word_at(data, 0) != commands[i].type)
			continue;
		*ring = long_at(data, RING_AT);
		return commands[i].command;
	}
	return VENUS_OTHER;
}

void venus_ring_stay_awake(void *data, uint32_t size, uint64_t idle_ns)
{
	uint32_t at = CREATE_IDLE_AT + (size - CREATE_SIZE);

	if (long_at(data, at) < idle_ns)
		long_put(data, at, idle_ns);
}

void venus_notify(void *data, uint64_t ring)
{
	memset(data, 0, VENUS_NOTIFY_SIZE);
	long_put(data, 0, TYPE_NOTIFY_RING);
	long_put(data, RING_AT, ring);
}
