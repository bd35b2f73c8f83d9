// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - pages of guest memory that stay pinned
 *
 * A device reads the same few pages again and again: its queues, and requests
 * that a driver allocates from the same places. VFIO copies only for kernel
 * threads (memory.c), and on a busy processor waiting for one takes longer than
 * all else. A page that VFIO has pinned can be copied by whoever asks.
 *
 * Lifetime of a pin: from the first copy until another page needs its place,
 * the VMM unmaps it, or the vGPU is closed.
 *
 * Locks: pins->lock nests inside vgpu->memory_sem; VFIO's locks and those of the
 * VMM's memory nest inside it. It is held while a page is copied: unmapping
 * returns when nobody copies from what it takes away.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>

#include "pins.h"
#include "vgpu.h"

/* A VMM may not be allowed to lock memory: so many pages are not asked for then. */
#define PINS_PAUSE 64

void tranche_pins_init(struct tranche_pins *pins)
{
	mutex_init(&pins->lock);
}

static void pin_drop(struct tranche_vgpu *vgpu, struct tranche_pin *pin)
{
	vfio_unpin_pages(&vgpu->vdev, pin->iova, 1);
	pin->page = NULL;
}

/* Return: the pin of a page, or one to use for it, which may hold another. */
static struct tranche_pin *pin_find(struct tranche_pins *pins, u64 iova)
{
	struct tranche_pin *pin, *best = pins->pins;

	for (pin = pins->pins; pin < pins->pins + TRANCHE_PINS_MAX; pin++) {
		if (pin->page && pin->iova == iova)
			return pin;
		if (!pin->page || (best->page && pin->used < best->used))
			best = pin;
	}
	return best;
}

/* A device's registers may be mapped as guest memory: they are not copied here. */
static bool page_is_memory(struct page *page)
{
	return pfn_valid(page_to_pfn(page)) && !PageReserved(page);
}

static struct page *page_pin(struct tranche_vgpu *vgpu, u64 iova)
{
	struct page *page;

	if (vgpu->pins.pause) {
		vgpu->pins.pause--;
		return NULL;
	}
	if (vfio_pin_pages(&vgpu->vdev, iova, 1, IOMMU_READ | IOMMU_WRITE,
			   &page) == 1) {
		if (page_is_memory(page))
			return page;
		vfio_unpin_pages(&vgpu->vdev, iova, 1);
	}
	vgpu->pins.pause = PINS_PAUSE;
	return NULL;
}

static struct page *pin_take(struct tranche_vgpu *vgpu, u64 iova)
{
	struct tranche_pins *pins = &vgpu->pins;
	struct tranche_pin *pin = pin_find(pins, iova);
	struct page *page;

	pin->used = ++pins->clock;
	if (pin->page && pin->iova == iova)
		return pin->page;
	page = page_pin(vgpu, iova);
	if (!page)
		return NULL;
	if (pin->page)
		pin_drop(vgpu, pin);
	pin->page = page;
	pin->iova = iova;
	return page;
}

/*
 * The indices of a queue, by which drivers and devices tell each other what is
 * ready, are read and written as one.
 */
static void bytes_copy(void *guest, void *data, u32 length, bool write)
{
	u16 word;

	if (length != sizeof(word) || !IS_ALIGNED((uintptr_t)guest, length)) {
		memcpy(write ? guest : data, write ? data : guest, length);
		return;
	}
	if (write) {
		memcpy(&word, data, length);
		WRITE_ONCE(*(u16 *)guest, word);
	} else {
		word = READ_ONCE(*(u16 *)guest);
		memcpy(data, &word, length);
	}
}

static void page_copy(struct page *page, u32 offset, void *data, u32 length,
		      bool write)
{
	void *guest = kmap_local_page(page);

	bytes_copy(guest + offset, data, length, write);
	kunmap_local(guest);
}

/**
 * tranche_pins_copy() - copy from or to pinned pages
 * @vgpu: the vGPU, open; its pins are locked, its memory_sem is held for reading
 * @segment: what and in which direction
 * @data: bytes of the caller
 *
 * A copy comes after the one before for whoever looks from another processor.
 *
 * Return: 0, or -EAGAIN when it has to take the other way
 */
int tranche_pins_copy(struct tranche_vgpu *vgpu,
		      const struct tranche_segment *segment, void *data)
{
	u32 done, piece, offset;
	struct page *page;
	u64 iova;

	lockdep_assert_held(&vgpu->pins.lock);
	/* Of a queue the device writes one index and then reads another. */
	smp_mb();
	for (done = 0; done < segment->length; done += piece) {
		iova = segment->iova + done;
		offset = offset_in_page(iova);
		piece = min_t(u32, PAGE_SIZE - offset, segment->length - done);
		page = iova < segment->iova ? NULL
					    : pin_take(vgpu, iova - offset);
		if (!page)
			return -EAGAIN;
		page_copy(page, offset, data + done, piece,
			  segment->flags & TRANCHE_SEGMENT_WRITE);
	}
	return 0;
}

/**
 * tranche_pins_drop() - the VMM takes memory away
 * @vgpu: the vGPU
 * @iova: from where
 * @length: bytes; up to ~0
 */
void tranche_pins_drop(struct tranche_vgpu *vgpu, u64 iova, u64 length)
{
	struct tranche_pins *pins = &vgpu->pins;
	struct tranche_pin *pin;

	mutex_lock(&pins->lock);
	for (pin = pins->pins; pin < pins->pins + TRANCHE_PINS_MAX; pin++) {
		if (pin->page && pin->iova >= iova && pin->iova - iova < length)
			pin_drop(vgpu, pin);
	}
	mutex_unlock(&pins->lock);
}
