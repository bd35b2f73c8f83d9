/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_WINDOW_H
#define TRANCHE_WINDOW_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

#include "uapi/tranche.h"

struct tranche_session;
struct tranche_vgpu;

/**
 * struct tranche_window - the part of a BAR that a VMM maps
 * @lock: protects @mappings, and what they say of their pages
 * @mappings: by page of the window; no two overlap
 * @pages: size, in pages
 * @base: page of the VMM's device descriptor where it starts
 * @inode_mapping: all of the VMM's mappings of it
 * @scratch: what shows where nothing is mapped
 * @queue: on which pages are looked up
 */
struct tranche_window {
	struct mutex lock;
	struct rb_root_cached mappings;
	unsigned long pages;
	unsigned long base;
	struct address_space *inode_mapping;
	struct page *scratch;
	struct workqueue_struct *queue;
};

int tranche_window_init(struct tranche_window *window,
			const struct tranche_layout *layout,
			struct address_space *inode_mapping);
void tranche_window_uninit(struct tranche_window *window);
void tranche_window_clear(struct tranche_window *window);
void tranche_window_zap(struct tranche_window *window, unsigned long first,
			unsigned long count);
bool tranche_window_is_mapped_by(const struct vm_area_struct *vma);

int tranche_window_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);
long tranche_window_map(struct tranche_vgpu *vgpu,
			struct tranche_session *session, void __user *arg);
long tranche_window_unmap(struct tranche_vgpu *vgpu,
			  struct tranche_session *session, void __user *arg);

#endif /* TRANCHE_WINDOW_H */
