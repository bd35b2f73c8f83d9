// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/bus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int bus_init(struct bus *bus)
{
	*bus = (struct bus){.count = 0};
	return -pthread_rwlock_init(&bus->lock, NULL);
}

void bus_deinit(struct bus *bus)
{
	free(bus->ranges);
	pthread_rwlock_destroy(&bus->lock);
}

/* Index of the first range that ends above @addr. */
static unsigned int find(const struct bus *bus, uint64_t addr)
{
	unsigned int low = 0, high = bus->count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		const struct bus_range *range = &bus->ranges[middle];

		if (range->base + (range->size - 1) < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct bus *bus, const struct bus_range *range)
{
	unsigned int at = find(bus, range->base);
	uint64_t last = range->base + (range->size - 1);

	if (at < bus->count && bus->ranges[at].base <= last)
		return -EEXIST;
	if (bus->count == bus->room) {
		unsigned int room = bus->room ? 2 * bus->room : 16;
		void *more = realloc(bus->ranges, room * sizeof(*bus->ranges));

		if (!more)
			return -ENOMEM;
		bus->ranges = more;
		bus->room = room;
	}
	memmove(&bus->ranges[at + 1], &bus->ranges[at],
		(bus->count - at) * sizeof(*bus->ranges));
	bus->ranges[at] = *range;
	bus->count++;
	return 0;
}

int bus_add(struct bus *bus, const struct bus_range *range)
{
	int r;

	if (!range->size || range->base + (range->size - 1) < range->base)
		return -EINVAL;
	pthread_rwlock_wrlock(&bus->lock);
	r = insert(bus, range);
	pthread_rwlock_unlock(&bus->lock);
	return r;
}

void bus_remove(struct bus *bus, uint64_t base)
{
	unsigned int at;

	pthread_rwlock_wrlock(&bus->lock);
	at = find(bus, base);
	if (at < bus->count && bus->ranges[at].base == base) {
		bus->count--;
		memmove(&bus->ranges[at], &bus->ranges[at + 1],
			(bus->count - at) * sizeof(*bus->ranges));
	}
	pthread_rwlock_unlock(&bus->lock);
}

static bool lookup(struct bus *bus, uint64_t addr, unsigned int len,
		   struct bus_range *range)
{
	bool found = false;
	unsigned int at;

	pthread_rwlock_rdlock(&bus->lock);
	at = find(bus, addr);
	if (at < bus->count && bus->ranges[at].base <= addr) {
		*range = bus->ranges[at];
		found = len <= range->size - (addr - range->base);
	}
	pthread_rwlock_unlock(&bus->lock);
	return found;
}

uint64_t bus_read(struct bus *bus, uint64_t addr, unsigned int len)
{
	struct bus_range range;

	if (!lookup(bus, addr, len, &range))
		return UINT64_MAX;
	return range.ops->read(range.user, addr - range.base, len);
}

void bus_write(struct bus *bus, uint64_t addr, unsigned int len, uint64_t value)
{
	struct bus_range range;

	if (lookup(bus, addr, len, &range))
		range.ops->write(range.user, addr - range.base, len, value);
}
