// SPDX-License-Identifier: MIT
#include "mdev/device/rings.h"

#include <stddef.h>

#include "mdev/device/renderer.h"
#include "mdev/device/venus.h"

static void add(struct rings *rings, uint32_t context, uint64_t ring)
{
	if (rings->count == RINGS_MAX)
		return;
	rings->known[rings->count].context = context;
	rings->known[rings->count++].ring = ring;
}

/* Of @context: the one that @ring points to, or all. */
static void forget(struct rings *rings, uint32_t context, const uint64_t *ring)
{
	for (unsigned int i = rings->count; i-- > 0;)
		if (rings->known[i].context == context &&
		    (!ring || rings->known[i].ring == *ring))
			rings->known[i] = rings->known[--rings->count];
}

void rings_forget(struct rings *rings, uint32_t context)
{
	forget(rings, context, NULL);
}

void rings_see(struct rings *rings, uint32_t context, void *data, uint32_t size)
{
	uint64_t ring;

	switch (venus_command(data, size, &ring)) {
	case VENUS_RING_CREATE:
		venus_ring_stay_awake(data, size, RINGS_AWAKE_NS);
		add(rings, context, ring);
		break;
	case VENUS_RING_DESTROY:
		forget(rings, context, &ring);
		break;
	case VENUS_RING_NOTIFY:
	case VENUS_RING_WAIT:
		break;
	case VENUS_OTHER:
		rings_forget(rings, context);
		break;
	}
}

void rings_nudge(const struct rings *rings, unsigned int i,
		 struct renderer *renderer)
{
	_Alignas(8) uint8_t notify[VENUS_NOTIFY_SIZE];

	venus_notify(notify, rings->known[i].ring);
	renderer->ops->submit(renderer, rings->known[i].context, notify,
			      sizeof(notify) / 4);
}
