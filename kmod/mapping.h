/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_MAPPING_H
#define TRANCHE_MAPPING_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "uapi/tranche.h"

struct tranche_window;

/**
 * struct tranche_slot - what is known of one page of a mapping
 * @pfn: its frame, or that there is none
 * @prot: how the exporter maps it; TRANCHE_MAP_PFN
 */
struct tranche_slot {
	unsigned long pfn;
	pgprot_t prot;
};

/**
 * struct tranche_mapping - a stretch of the window that shows memory
 * @ref: one by the window, one by whoever works on it
 * @node: pages of the window; in its tree from being shown to being removed
 * @window: the window
 * @pages: how many
 * @live: pages that are looked up are kept; under the window lock
 * @kind: TRANCHE_MAP_PAGES or TRANCHE_MAP_PFN
 * @mm: of the device process; its structure is held, its memory is not
 * @address: where in it
 * @file: behind that address; keeps the exporter's memory alive
 * @notifier: tells when page frames are not there any more; TRANCHE_MAP_PFN
 * @charged: pages that count as pinned
 * @slots: what is known of each page; under the window lock
 */
struct tranche_mapping {
	struct kref ref;
	struct interval_tree_node node;
	struct tranche_window *window;
	unsigned long pages;
	bool live;
	u32 kind;
	struct mm_struct *mm;
	unsigned long address;
	struct file *file;
	struct mmu_interval_notifier notifier;
	unsigned long charged;
	struct tranche_slot slots[];
};

int tranche_mapping_init(void);
void tranche_mapping_uninit(void);

struct tranche_mapping *tranche_mapping_create(struct tranche_window *window,
					       const struct tranche_map *map);
void tranche_mapping_end(struct tranche_mapping *mapping);
void tranche_mapping_get(struct tranche_mapping *mapping);
void tranche_mapping_put(struct tranche_mapping *mapping);

vm_fault_t tranche_mapping_show(struct tranche_mapping *mapping,
				struct vm_fault *vmf, unsigned long page);
vm_fault_t tranche_mapping_wait(struct tranche_mapping *mapping,
				struct vm_fault *vmf, unsigned long page);

#endif /* TRANCHE_MAPPING_H */
