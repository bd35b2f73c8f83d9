// SPDX-License-Identifier: GPL-2.0-only
/*
 * mapping.c - which page of a device process stands where in the window
 *
 * Each page of a mapping has a slot:
 *
 *   unknown  nobody has touched it yet, or it moved
 *   bad      there is nothing that could be shown: the scratch page shows
 *   known    the frame; pinned if the mapping is of ordinary memory
 *
 *	unknown -> known, bad	resolve(), on the window's workqueue
 *	known, bad -> unknown	invalidate(): the exporter moved the memory, or
 *				the device process unmapped it. Frames of
 *				ordinary memory stay, for they are pinned.
 *
 * Lifetime: from tranche_mapping_create() to the last reference. A mapping ends
 * (tranche_mapping_end()) before that: no notifier any more, nothing pinned.
 *
 * Locks: window->lock protects @live and the slots. invalidate() runs under the
 * device process's mmap lock or locks of the exporter, and within an MMU
 * notifier, in which no other may be called: but removing pages from the VMM's
 * page tables does just that. So another thread does it and is waited for.
 */
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "mapping.h"
#include "window.h"

/* Neither is a frame number that exists. */
#define PFN_UNKNOWN ULONG_MAX
#define PFN_BAD (ULONG_MAX - 1)

/* Pages that are looked up at a time. */
#define BATCH 32
#define TRIES 16
/* Bounds the slots of one mapping: 16 GiB of window. */
#define PAGES_MAX (1UL << 22)

/* A look-up that a faulting thread has asked for, and may have given up. */
struct lookup {
	struct work_struct work;
	struct kref ref;
	struct completion done;
	struct tranche_mapping *mapping;
	unsigned long index;
};

struct zap {
	struct work_struct work;
	struct completion done;
	struct tranche_window *window;
	unsigned long first;
	unsigned long count;
};

static struct workqueue_struct *zap_queue;

/**
 * tranche_mapping_init() - be ready for mappings
 */
int tranche_mapping_init(void)
{
	/* Notifiers run in memory reclaim. */
	zap_queue =
		alloc_workqueue("tranche_zap", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return zap_queue ? 0 : -ENOMEM;
}

/**
 * tranche_mapping_uninit() - the opposite
 */
void tranche_mapping_uninit(void)
{
	destroy_workqueue(zap_queue);
}

static void mapping_release(struct kref *ref)
{
	struct tranche_mapping *mapping =
		container_of(ref, struct tranche_mapping, ref);

	if (mapping->file)
		fput(mapping->file);
	mmdrop(mapping->mm);
	kvfree(mapping);
}

/**
 * tranche_mapping_get() - take a reference
 * @mapping: the mapping
 */
void tranche_mapping_get(struct tranche_mapping *mapping)
{
	kref_get(&mapping->ref);
}

/**
 * tranche_mapping_put() - drop a reference
 * @mapping: the mapping
 */
void tranche_mapping_put(struct tranche_mapping *mapping)
{
	kref_put(&mapping->ref, mapping_release);
}

/*
 * Finding pages, with the device process's mmap lock.
 */

/* KVM of older kernels cannot map a page that it cannot count. */
static bool frame_ok(unsigned long pfn)
{
	struct page *page;

	if (TRANCHE_HUGE_WINDOW || !pfn_valid(pfn))
		return true;
	page = pfn_to_page(pfn);
	return PageReserved(page) ||
	       (!PageCompound(page) && page_ref_count(page));
}

/* What kind of memory can be shown from there; 0 if none can. */
static u32 source_kind(const struct vm_area_struct *vma)
{
	const unsigned long flags = VM_SHARED | VM_WRITE;

	if ((vma->vm_flags & flags) != flags || !vma->vm_file ||
	    tranche_window_is_mapped_by(vma))
		return 0;
	return vma->vm_flags & (VM_IO | VM_PFNMAP) ? TRANCHE_MAP_PFN
						   : TRANCHE_MAP_PAGES;
}

/* The device process's mapping, if it still is what it was. */
static struct vm_area_struct *source_find(struct tranche_mapping *mapping,
					  unsigned long address)
{
	struct vm_area_struct *vma;

	mmap_assert_locked(mapping->mm);
	vma = vma_lookup(mapping->mm, address);
	if (!vma || vma->vm_file != mapping->file)
		return NULL;
	return source_kind(vma) == mapping->kind ? vma : NULL;
}

/* Records what was found, unless somebody was faster. */
static bool slot_set(struct tranche_mapping *mapping, unsigned long index,
		     unsigned long pfn, pgprot_t prot)
{
	struct tranche_slot *slot = &mapping->slots[index];

	lockdep_assert_held(&mapping->window->lock);
	if (!mapping->live || slot->pfn != PFN_UNKNOWN)
		return false;
	slot->pfn = pfn;
	slot->prot = prot;
	return true;
}

static long pages_pin(struct tranche_mapping *mapping, unsigned long index,
		      struct page **pages, unsigned long count)
{
	unsigned long address = mapping->address + (index << PAGE_SHIFT);
	long ret = -EFAULT;

	mmap_read_lock(mapping->mm);
	if (source_find(mapping, address))
		ret = pin_user_pages_remote(mapping->mm, address, count,
					    FOLL_WRITE | FOLL_LONGTERM, pages,
					    NULL);
	mmap_read_unlock(mapping->mm);
	return ret ?: -EFAULT;
}

static int resolve_pages(struct tranche_mapping *mapping, unsigned long index)
{
	struct page *pages[BATCH];
	unsigned long count = min(mapping->pages - index, BATCH);
	long i, pinned = pages_pin(mapping, index, pages, count);
	int ret = 0;

	if (pinned < 0)
		return pinned;
	mutex_lock(&mapping->window->lock);
	for (i = 0; i < pinned; i++) {
		if (!frame_ok(page_to_pfn(pages[i])))
			ret = -EOPNOTSUPP;
		else if (slot_set(mapping, index + i, page_to_pfn(pages[i]),
				  PAGE_SHARED))
			pages[i] = NULL;
	}
	mutex_unlock(&mapping->window->lock);
	for (i = 0; i < pinned; i++)
		if (pages[i])
			unpin_user_page(pages[i]);
	return ret;
}

/* Frames of a driver's mapping from @address on; how many, or an error. */
static long frames_find(struct vm_area_struct *vma, unsigned long address,
			struct tranche_slot *found, unsigned long count)
{
	struct follow_pfnmap_args args = {.vma = vma};
	unsigned long i;

	for (i = 0; i < count; i++) {
		args.address = address + (i << PAGE_SHIFT);
		if (args.address >= vma->vm_end || follow_pfnmap_start(&args))
			break;
		found[i].pfn = args.pfn;
		found[i].prot = args.pgprot;
		if (!args.writable)
			count = i;
		follow_pfnmap_end(&args);
	}
	return min(i, count);
}

/* Makes the exporter put a page in; -EAGAIN to look again. */
static int frame_fault(struct tranche_mapping *mapping, unsigned long address)
{
	bool unlocked = false;
	int ret = fixup_user_fault(mapping->mm, address, FAULT_FLAG_WRITE,
				   &unlocked);

	return ret ?: -EAGAIN;
}

static long frames_get(struct tranche_mapping *mapping, unsigned long index,
		       struct tranche_slot *found, unsigned long count)
{
	unsigned long address = mapping->address + (index << PAGE_SHIFT);
	struct vm_area_struct *vma;
	long ret = -EFAULT;

	mmap_read_lock(mapping->mm);
	vma = source_find(mapping, address);
	if (vma)
		ret = frames_find(vma, address, found, count);
	if (!ret)
		ret = frame_fault(mapping, address);
	mmap_read_unlock(mapping->mm);
	return ret;
}

/* One attempt: -EAGAIN if the memory moved meanwhile. */
static int resolve_frames_once(struct tranche_mapping *mapping,
			       unsigned long index)
{
	struct tranche_slot found[BATCH];
	unsigned long seq = mmu_interval_read_begin(&mapping->notifier);
	long i, count = frames_get(mapping, index, found,
				   min(mapping->pages - index, BATCH));

	if (count < 0)
		return count;
	guard(mutex)(&mapping->window->lock);
	if (mmu_interval_read_retry(&mapping->notifier, seq))
		return -EAGAIN;
	for (i = 0; i < count; i++) {
		if (!frame_ok(found[i].pfn))
			return -EOPNOTSUPP;
		slot_set(mapping, index + i, found[i].pfn, found[i].prot);
	}
	return 0;
}

static int resolve_frames(struct tranche_mapping *mapping, unsigned long index)
{
	int i, ret = -EAGAIN;

	for (i = 0; ret == -EAGAIN && i < TRIES; i++)
		ret = resolve_frames_once(mapping, index);
	return ret;
}

/* Looks up pages from @index on; on error that page is bad. */
static int resolve(struct tranche_mapping *mapping, unsigned long index)
{
	int ret = -EFAULT;

	if (mmget_not_zero(mapping->mm)) {
		ret = mapping->kind == TRANCHE_MAP_PFN
			      ? resolve_frames(mapping, index)
			      : resolve_pages(mapping, index);
		mmput(mapping->mm);
	}
	/* Moving all the time is no reason to give up: the VMM faults again. */
	if (!ret || ret == -EAGAIN)
		return ret;
	guard(mutex)(&mapping->window->lock);
	slot_set(mapping, index, PFN_BAD, PAGE_SHARED);
	return ret;
}

static void lookup_release(struct kref *ref)
{
	struct lookup *lookup = container_of(ref, struct lookup, ref);

	tranche_mapping_put(lookup->mapping);
	kfree(lookup);
}

static void lookup_work(struct work_struct *work)
{
	struct lookup *lookup = container_of(work, struct lookup, work);

	resolve(lookup->mapping, lookup->index);
	complete(&lookup->done);
	kref_put(&lookup->ref, lookup_release);
}

static struct lookup *lookup_start(struct tranche_mapping *mapping,
				   unsigned long index)
{
	struct lookup *lookup = kzalloc(sizeof(*lookup), GFP_KERNEL);

	if (!lookup)
		return NULL;
	INIT_WORK(&lookup->work, lookup_work);
	kref_init(&lookup->ref);
	init_completion(&lookup->done);
	tranche_mapping_get(mapping);
	lookup->mapping = mapping;
	lookup->index = index;
	kref_get(&lookup->ref);
	queue_work(mapping->window->queue, &lookup->work);
	return lookup;
}

/**
 * tranche_mapping_wait() - have a page looked up, in a VMM's fault
 * @mapping: the mapping; the caller holds a reference and no lock of ours
 * @vmf: the fault
 * @page: of the window
 *
 * Return: what makes the VMM fault again
 */
vm_fault_t tranche_mapping_wait(struct tranche_mapping *mapping,
				struct vm_fault *vmf, unsigned long page)
{
	struct lookup *lookup =
		lookup_start(mapping, page - mapping->node.start);
	vm_fault_t ret = VM_FAULT_RETRY;

	if (!lookup)
		return VM_FAULT_OOM;
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY)) {
		ret = VM_FAULT_NOPAGE;
	} else if (!(vmf->flags & FAULT_FLAG_RETRY_NOWAIT)) {
		release_fault_lock(vmf);
		/* If it is killed it does not come back either. */
		(void)wait_for_completion_killable(&lookup->done);
	}
	kref_put(&lookup->ref, lookup_release);
	return ret;
}

/* How the exporter caches it; what the VMM may do there is its own affair. */
static pgprot_t frame_prot(const struct tranche_slot *slot,
			   const struct vm_area_struct *vma)
{
	return __pgprot((pgprot_val(slot->prot) & TRANCHE_CACHING) |
			(pgprot_val(vma->vm_page_prot) & ~TRANCHE_CACHING));
}

/**
 * tranche_mapping_show() - put a page into a VMM's page table
 * @mapping: the mapping
 * @vmf: the fault
 * @page: of the window
 *
 * Return: VM_FAULT_RETRY if the page has to be looked up first
 */
vm_fault_t tranche_mapping_show(struct tranche_mapping *mapping,
				struct vm_fault *vmf, unsigned long page)
{
	struct tranche_slot *slot = &mapping->slots[page - mapping->node.start];
	struct vm_area_struct *vma = vmf->vma;

	lockdep_assert_held(&mapping->window->lock);
	if (slot->pfn == PFN_UNKNOWN)
		return VM_FAULT_RETRY;
	if (slot->pfn == PFN_BAD)
		return vmf_insert_pfn(vma, vmf->address,
				      page_to_pfn(mapping->window->scratch));
	if (mapping->kind == TRANCHE_MAP_PAGES)
		return vmf_insert_pfn(vma, vmf->address, slot->pfn);
	return vmf_insert_pfn_prot(vma, vmf->address, slot->pfn,
				   frame_prot(slot, vma));
}

/*
 * Memory that moves.
 */

static void zap_work(struct work_struct *work)
{
	struct zap *zap = container_of(work, struct zap, work);

	tranche_window_zap(zap->window, zap->first, zap->count);
	complete(&zap->done);
}

static void zap_elsewhere(struct tranche_window *window, unsigned long first,
			  unsigned long count)
{
	struct zap zap = {
		.window = window,
		.first = first,
		.count = count,
	};

	INIT_WORK_ONSTACK(&zap.work, zap_work);
	init_completion(&zap.done);
	queue_work(zap_queue, &zap.work);
	wait_for_completion(&zap.done);
	destroy_work_on_stack(&zap.work);
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range,
		       unsigned long cur_seq)
{
	struct tranche_mapping *mapping =
		container_of(notifier, struct tranche_mapping, notifier);
	unsigned long end = mapping->address + (mapping->pages << PAGE_SHIFT);
	unsigned long first, last, i;

	if (!mmu_notifier_range_blockable(range))
		return false;
	first = (max(range->start, mapping->address) - mapping->address) >>
		PAGE_SHIFT;
	last = (min(range->end, end) - 1 - mapping->address) >> PAGE_SHIFT;
	mutex_lock(&mapping->window->lock);
	mmu_interval_set_seq(notifier, cur_seq);
	for (i = first; i <= last; i++)
		mapping->slots[i].pfn = PFN_UNKNOWN;
	mutex_unlock(&mapping->window->lock);
	zap_elsewhere(mapping->window, mapping->node.start + first,
		      last - first + 1);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = invalidate,
};

/*
 * Beginning and end.
 */

/* Pinned memory counts at once, so that it cannot run out later. */
static int pages_charge(struct tranche_mapping *mapping)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	s64 pinned =
		atomic64_add_return(mapping->pages, &mapping->mm->pinned_vm);

	mapping->charged = mapping->pages;
	return pinned > limit && !capable(CAP_IPC_LOCK) ? -ENOMEM : 0;
}

static int source_check(struct tranche_mapping *mapping)
{
	unsigned long end = mapping->address + (mapping->pages << PAGE_SHIFT);
	struct vm_area_struct *vma;
	int ret = 0;

	mmap_read_lock(mapping->mm);
	vma = vma_lookup(mapping->mm, mapping->address);
	if (vma && end <= vma->vm_end && end > mapping->address)
		mapping->kind = source_kind(vma);
	if (!mapping->kind)
		ret = -EINVAL;
	else if (!TRANCHE_HUGE_WINDOW && is_vm_hugetlb_page(vma))
		ret = -EOPNOTSUPP;
	else
		mapping->file = get_file(vma->vm_file);
	mmap_read_unlock(mapping->mm);
	return ret;
}

/*
 * Where huge pages are trouble they are found here and not by a guest's first
 * touch: one look for each that could be.
 */
static int source_probe(struct tranche_mapping *mapping)
{
	unsigned long address = mapping->address, index = 0;
	int ret = 0;

	while (!TRANCHE_HUGE_WINDOW && index < mapping->pages && !ret) {
		ret = resolve(mapping, index);
		address = ALIGN(address + 1, PMD_SIZE);
		index = (address - mapping->address) >> PAGE_SHIFT;
	}
	return ret == -EOPNOTSUPP ? ret : 0;
}

static struct tranche_mapping *mapping_alloc(struct tranche_window *window,
					     const struct tranche_map *map)
{
	unsigned long i, pages = map->length >> PAGE_SHIFT;
	struct tranche_mapping *mapping;

	mapping = kvzalloc(struct_size(mapping, slots, pages),
			   GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return NULL;
	kref_init(&mapping->ref);
	mapping->window = window;
	mapping->pages = pages;
	mapping->node.start = map->offset >> PAGE_SHIFT;
	mapping->node.last = mapping->node.start + pages - 1;
	mapping->address = map->address;
	for (i = 0; i < pages; i++)
		mapping->slots[i].pfn = PFN_UNKNOWN;
	mapping->live = true;
	mapping->mm = current->mm;
	mmgrab(mapping->mm);
	return mapping;
}

static int mapping_setup(struct tranche_mapping *mapping)
{
	int ret = source_check(mapping);

	if (ret)
		return ret;
	if (mapping->kind == TRANCHE_MAP_PAGES)
		ret = pages_charge(mapping);
	else
		ret = mmu_interval_notifier_insert(
			&mapping->notifier, mapping->mm, mapping->address,
			mapping->pages << PAGE_SHIFT, &notifier_ops);
	return ret ?: source_probe(mapping);
}

/**
 * tranche_mapping_create() - prepare to show memory of the caller
 * @window: where
 * @map: what; its offset and length are in the window
 *
 * Return: a mapping that is in no window yet, or an error
 */
struct tranche_mapping *tranche_mapping_create(struct tranche_window *window,
					       const struct tranche_map *map)
{
	struct tranche_mapping *mapping;
	int ret;

	if (map->length >> PAGE_SHIFT > PAGES_MAX)
		return ERR_PTR(-E2BIG);
	mapping = mapping_alloc(window, map);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	ret = mapping_setup(mapping);
	if (ret) {
		tranche_mapping_end(mapping);
		tranche_mapping_put(mapping);
		return ERR_PTR(ret);
	}
	return mapping;
}

/* Gives pinned pages back, or forgets frames. */
static void slots_drop(struct tranche_mapping *mapping)
{
	unsigned long i;
	struct page *page;

	if (mapping->kind != TRANCHE_MAP_PAGES)
		return;
	for (i = 0; i < mapping->pages; i++) {
		if (mapping->slots[i].pfn >= PFN_BAD)
			continue;
		page = pfn_to_page(mapping->slots[i].pfn);
		unpin_user_pages_dirty_lock(&page, 1, true);
		cond_resched();
	}
}

/**
 * tranche_mapping_end() - let go of the device process's memory
 * @mapping: a mapping that is in no window and in no page table
 */
void tranche_mapping_end(struct tranche_mapping *mapping)
{
	/* A look-up that is under way adds nothing more. */
	scoped_guard(mutex, &mapping->window->lock)
		mapping->live = false;
	if (mapping->notifier.mm)
		mmu_interval_notifier_remove(&mapping->notifier);
	slots_drop(mapping);
	atomic64_sub(mapping->charged, &mapping->mm->pinned_vm);
}
