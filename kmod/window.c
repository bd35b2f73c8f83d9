// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.c - memory of a device process in the VMM's address space
 *
 * The VMM's mapping is VM_PFNMAP: KVM then neither pins its pages nor waits for
 * them to be faulted in by somebody else. Pages go in one by one, as they are
 * touched. Each shows what a mapping says (see mapping.c), or the vGPU's own
 * scratch page.
 *
 * Locks: window->lock is held from looking a page up to putting it into the
 * VMM's page table, and whoever takes a page away changes the mapping under it
 * first and removes it from page tables afterwards: no page can slip in between.
 *
 * The lock is also taken in an MMU notifier, hence in memory reclaim: nothing is
 * allocated under it, and the VMM's page table is extended before.
 *
 * The VMM's mmap lock is held in a fault. The device process's is needed to look
 * a page up. So that never is done by the faulting thread: it leaves the work to
 * the workqueue, releases its lock, waits, and faults again.
 */
#include <linux/highmem.h>
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mapping.h"
#include "region.h"
#include "vgpu.h"
#include "window.h"

/**
 * tranche_window_init() - make the window of a new vGPU
 * @window: the window
 * @layout: of its type
 * @inode_mapping: of the file that VMMs map
 */
int tranche_window_init(struct tranche_window *window,
			const struct tranche_layout *layout,
			struct address_space *inode_mapping)
{
	mutex_init(&window->lock);
	window->mappings = RB_ROOT_CACHED;
	window->inode_mapping = inode_mapping;
	if (layout->window_region != TRANCHE_NO_WINDOW) {
		window->pages = layout->window_size >> PAGE_SHIFT;
		window->base = (tranche_region_position(layout->window_region) +
				layout->window_offset) >>
			       PAGE_SHIFT;
	}
	window->scratch = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!window->scratch)
		return -ENOMEM;
	window->queue = alloc_workqueue("tranche_window", WQ_UNBOUND, 0);
	return window->queue ? 0 : -ENOMEM;
}

/**
 * tranche_window_uninit() - the opposite
 * @window: one that is clear, or was not made whole
 */
void tranche_window_uninit(struct tranche_window *window)
{
	if (window->queue)
		destroy_workqueue(window->queue);
	if (window->scratch)
		__free_page(window->scratch);
}

/**
 * tranche_window_zap() - take pages out of all page tables
 * @window: the window
 * @first: page of the window
 * @count: pages
 */
void tranche_window_zap(struct tranche_window *window, unsigned long first,
			unsigned long count)
{
	unmap_mapping_range(window->inode_mapping,
			    (loff_t)(window->base + first) << PAGE_SHIFT,
			    (loff_t)count << PAGE_SHIFT, 1);
}

static struct tranche_mapping *mapping_find(struct tranche_window *window,
					    unsigned long first,
					    unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&window->lock);
	node = interval_tree_iter_first(&window->mappings, first, last);
	return node ? container_of(node, struct tranche_mapping, node) : NULL;
}

/*
 * Ends a mapping that was taken out of the tree. Pages that a look-up still adds
 * to it show nowhere, and are given back here.
 */
static void mapping_drop(struct tranche_window *window,
			 struct tranche_mapping *mapping)
{
	tranche_window_zap(window, mapping->node.start, mapping->pages);
	tranche_mapping_end(mapping);
	tranche_mapping_put(mapping);
}

/**
 * tranche_window_clear() - remove all mappings
 * @window: the window
 *
 * What the guest wrote beside the mappings is forgotten too.
 */
void tranche_window_clear(struct tranche_window *window)
{
	struct tranche_mapping *mapping;

	for (;;) {
		scoped_guard(mutex, &window->lock) {
			mapping = mapping_find(window, 0, ULONG_MAX);
			if (!mapping) {
				clear_highpage(window->scratch);
				return;
			}
			interval_tree_remove(&mapping->node, &window->mappings);
		}
		mapping_drop(window, mapping);
	}
}

/*
 * The VMM's side.
 */

static int pte_ignore(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct tranche_vgpu *vgpu = vma->vm_private_data;
	struct tranche_window *window = &vgpu->window;
	unsigned long page = vmf->pgoff - window->base;
	struct tranche_mapping *mapping;
	vm_fault_t ret;

	if (page >= window->pages)
		return VM_FAULT_SIGBUS;
	if (apply_to_page_range(vma->vm_mm, vmf->address, PAGE_SIZE, pte_ignore,
				NULL))
		return VM_FAULT_OOM;
	mutex_lock(&window->lock);
	mapping = mapping_find(window, page, page);
	if (mapping)
		ret = tranche_mapping_show(mapping, vmf, page);
	else
		ret = vmf_insert_pfn(vma, vmf->address,
				     page_to_pfn(window->scratch));
	if (ret == VM_FAULT_RETRY)
		tranche_mapping_get(mapping);
	mutex_unlock(&window->lock);
	if (ret != VM_FAULT_RETRY)
		return ret;
	/* From here on @vma may be gone. */
	ret = tranche_mapping_wait(mapping, vmf, page);
	tranche_mapping_put(mapping);
	return ret;
}

static const struct vm_operations_struct window_vm_ops = {
	.fault = window_fault,
};

/**
 * tranche_window_is_mapped_by() - is this a VMM's mapping of some window?
 * @vma: the mapping
 */
bool tranche_window_is_mapped_by(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &window_vm_ops;
}

/**
 * tranche_window_mmap() - the VMM maps a region
 * @vdev: the vGPU
 * @vma: where
 *
 * Only the window, and only shared: a private mapping of page frames would be
 * copied on write.
 */
int tranche_window_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);
	const struct tranche_window *window = &vgpu->window;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff < window->base)
		return -EINVAL;
	if (vma->vm_pgoff - window->base >= window->pages ||
	    vma_pages(vma) > window->pages - (vma->vm_pgoff - window->base))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = vgpu;
	vma->vm_ops = &window_vm_ops;
	return 0;
}

/*
 * The device process's side.
 */

static bool range_ok(const struct tranche_window *window, u64 offset,
		     u64 length)
{
	u64 size = (u64)window->pages << PAGE_SHIFT;

	return length && PAGE_ALIGNED(offset) && PAGE_ALIGNED(length) &&
	       offset < size && length <= size - offset;
}

static int mapping_insert(struct tranche_vgpu *vgpu,
			  struct tranche_session *session, u32 gen,
			  struct tranche_mapping *mapping)
{
	struct tranche_window *window = &vgpu->window;

	scoped_guard(mutex, &window->lock) {
		if (!tranche_vgpu_is_current(vgpu, session, gen))
			return -ESTALE;
		if (mapping_find(window, mapping->node.start,
				 mapping->node.last))
			return -EEXIST;
		tranche_mapping_get(mapping);
		interval_tree_insert(&mapping->node, &window->mappings);
	}
	/* The scratch page may have been there. */
	tranche_window_zap(window, mapping->node.start, mapping->pages);
	return 0;
}

/**
 * tranche_window_map() - TRANCHE_VGPU_MAP
 * @vgpu: the vGPU
 * @session: the caller
 * @arg: struct tranche_map of user space
 */
long tranche_window_map(struct tranche_vgpu *vgpu,
			struct tranche_session *session, void __user *arg)
{
	struct tranche_map __user *user = arg;
	struct tranche_mapping *mapping;
	struct tranche_map map;
	long ret;

	if (copy_from_user(&map, arg, sizeof(map)))
		return -EFAULT;
	if (map.flags || map.reserved || !PAGE_ALIGNED(map.address) ||
	    !range_ok(&vgpu->window, map.offset, map.length))
		return -EINVAL;
	mapping = tranche_mapping_create(&vgpu->window, &map);
	if (IS_ERR(mapping))
		return PTR_ERR(mapping);
	ret = put_user(mapping->kind, &user->kind);
	if (!ret)
		ret = mapping_insert(vgpu, session, map.gen, mapping);
	if (ret)
		tranche_mapping_end(mapping);
	tranche_mapping_put(mapping);
	return ret;
}

/**
 * tranche_window_unmap() - TRANCHE_VGPU_UNMAP
 * @vgpu: the vGPU
 * @session: the caller
 * @arg: struct tranche_unmap of user space
 */
long tranche_window_unmap(struct tranche_vgpu *vgpu,
			  struct tranche_session *session, void __user *arg)
{
	struct tranche_window *window = &vgpu->window;
	struct tranche_mapping *mapping;
	struct tranche_unmap unmap;
	unsigned long first;

	if (copy_from_user(&unmap, arg, sizeof(unmap)))
		return -EFAULT;
	if (unmap.flags || !range_ok(window, unmap.offset, unmap.length))
		return -EINVAL;
	first = unmap.offset >> PAGE_SHIFT;
	scoped_guard(mutex, &window->lock) {
		if (!tranche_vgpu_is_current(vgpu, session, unmap.gen))
			return -ESTALE;
		mapping = mapping_find(window, first, first);
		if (!mapping || mapping->node.start != first ||
		    mapping->pages != unmap.length >> PAGE_SHIFT)
			return -ENOENT;
		interval_tree_remove(&mapping->node, &window->mappings);
	}
	mapping_drop(window, mapping);
	return 0;
}
