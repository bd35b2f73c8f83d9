// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/ram.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"

#define LARGE_PAGE (2 * MIB)

/* A ring index must be one access, since the guest writes it meanwhile. */
static void copy(void *to, const void *from, size_t len)
{
	uintptr_t both = (uintptr_t)to | (uintptr_t)from;

	if (len == 2 && !(both & 1))
		*(volatile uint16_t *)to = *(const volatile uint16_t *)from;
	else if (len == 4 && !(both & 3))
		*(volatile uint32_t *)to = *(const volatile uint32_t *)from;
	else if (len == 8 && !(both & 7))
		*(volatile uint64_t *)to = *(const volatile uint64_t *)from;
	else
		memcpy(to, from, len);
}

static struct ram *ram_of(struct guest_memory *memory)
{
	return (struct ram *)((char *)memory - offsetof(struct ram, memory));
}

static int ram_read(struct guest_memory *memory, uint64_t addr, void *data,
		    size_t len)
{
	const void *from = ram_at(ram_of(memory), addr, len);

	if (!from)
		return -EFAULT;
	copy(data, from, len);
	return 0;
}

static int ram_write(struct guest_memory *memory, uint64_t addr,
		     const void *data, size_t len)
{
	void *to = ram_at(ram_of(memory), addr, len);

	if (!to)
		return -EFAULT;
	copy(to, data, len);
	return 0;
}

static const struct guest_memory_ops memory_ops = {
	.read = ram_read,
	.write = ram_write,
};

void *ram_at(struct ram *ram, uint64_t addr, uint64_t len)
{
	for (unsigned int i = 0; i < ram->range_count; i++) {
		const struct ram_range *range = &ram->ranges[i];

		if (addr >= range->addr && addr - range->addr < range->size &&
		    len <= range->size - (addr - range->addr))
			return ram->base + range->offset + (addr - range->addr);
	}
	return NULL;
}

int ram_iov(struct ram *ram, const struct guest_span *spans, unsigned int count,
	    struct iovec *iov)
{
	for (unsigned int i = 0; i < count; i++) {
		iov[i].iov_base = ram_at(ram, spans[i].addr, spans[i].len);
		iov[i].iov_len = spans[i].len;
		if (!iov[i].iov_base)
			return -EFAULT;
	}
	return 0;
}

uint64_t ram_end(const struct ram *ram)
{
	const struct ram_range *last = &ram->ranges[ram->range_count - 1];

	return last->addr + last->size;
}

static void lay_out(struct ram *ram)
{
	uint64_t low = ram->size < LAYOUT_LOW_END ? ram->size : LAYOUT_LOW_END;

	ram->ranges[0] = (struct ram_range){0, low, 0};
	ram->range_count = 1;
	if (ram->size > low) {
		ram->ranges[1] =
			(struct ram_range){LAYOUT_HIGH, ram->size - low, low};
		ram->range_count = 2;
	}
}

/*
 * Maps at a large page's boundary, so that the host can use large pages. Those
 * that are reserved are taken now: later, a missing one would be a bus error.
 */
static void *map_aligned(uint64_t size, bool hugepages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	uint8_t *room =
		mmap(NULL, size + LARGE_PAGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t start;

	if (room == MAP_FAILED)
		return MAP_FAILED;
	start = ((uintptr_t)room + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
	flags |= hugepages ? MAP_HUGETLB | 21 << MAP_HUGE_SHIFT : MAP_NORESERVE;
	return mmap((void *)start, size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

int ram_init(struct ram *ram, uint64_t size, bool hugepages)
{
	*ram = (struct ram){.memory.ops = &memory_ops, .size = size};
	ram->base = map_aligned(size, hugepages);
	if (ram->base == MAP_FAILED) {
		int error = -errno;

		ram->base = NULL;
		return report(
			error,
			"cannot get %" PRIu64 " MiB of guest memory: %s%s",
			size / MIB, strerror(-error),
			hugepages ? "; set vm.nr_hugepages high enough" : "");
	}
	madvise(ram->base, size, MADV_HUGEPAGE);
	madvise(ram->base, size, MADV_DONTDUMP);
	/* A vGPU's keeper is a child that must not hold the memory. */
	madvise(ram->base, size, MADV_DONTFORK);
	lay_out(ram);
	return 0;
}

void ram_deinit(struct ram *ram)
{
	if (ram->base)
		munmap(ram->base, ram->size);
}
