/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_PARENT_H
#define TRANCHE_PARENT_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mdev.h>
#include <linux/workqueue.h>

#include "broker.h"

struct tranche_vgpu;

/**
 * struct tranche_mtype - an mdev type of a parent
 * @mtype: what the mdev core sees
 * @type: what the broker registered
 * @used: vGPUs of it; under the parents lock
 */
struct tranche_mtype {
	struct mdev_type mtype;
	struct tranche_type type;
	u32 used;
};

/**
 * struct tranche_parent - a GPU that is registered
 * @mdev: what the mdev core sees
 * @ref: one by the list, one by each vGPU
 * @entry: in the list of parents
 * @pdev: the GPU; referenced
 * @broker: who speaks for it; NULL without one; under the parents lock
 * @vgpus: its vGPUs; under the parents lock
 * @used: cost of them all; under the parents lock
 * @gone: it ends; under the parents lock
 * @end_work: unregisters it from the mdev core
 * @end_done: it has ended
 * @end_notice: tells the broker
 * @name: by which brokers find it
 * @id: in events
 * @capacity: what @used may reach
 * @access_timeout_ms: for the device process to answer
 * @verdict_timeout_ms: for the broker to answer
 * @types: its types
 * @mtypes: the same, as the mdev core wants them
 * @attributes: their names
 * @attrs: the files made of them
 * @attr_list: the same, as sysfs wants them
 * @group: the same, in a group
 *
 * What is not marked is constant once the parent is in the list.
 */
struct tranche_parent {
	struct mdev_parent mdev;
	struct kref ref;
	struct list_head entry;
	struct pci_dev *pdev;
	struct tranche_broker *broker;
	struct list_head vgpus;
	u64 used;
	bool gone;
	struct work_struct end_work;
	struct completion end_done;
	struct tranche_notice *end_notice;
	char name[TRANCHE_NAME_SIZE];
	u32 id;
	u64 capacity;
	u32 access_timeout_ms;
	u32 verdict_timeout_ms;
	struct tranche_mtype types[TRANCHE_TYPES_MAX];
	struct mdev_type *mtypes[TRANCHE_TYPES_MAX];
	struct tranche_attribute attributes[TRANCHE_ATTRIBUTES_MAX];
	struct device_attribute attrs[TRANCHE_ATTRIBUTES_MAX];
	struct attribute *attr_list[TRANCHE_ATTRIBUTES_MAX + 1];
	struct attribute_group group;
};

int tranche_parent_init(void);
void tranche_parent_uninit(void);

void tranche_parent_put(struct tranche_parent *parent);

long tranche_parent_register(struct tranche_broker *broker, void __user *arg);
long tranche_parent_attach(struct tranche_broker *broker, void __user *arg);
long tranche_parent_unregister(struct tranche_broker *broker, void __user *arg);
void tranche_parent_detach_all(struct tranche_broker *broker);

struct tranche_vgpu *tranche_parent_find_vgpu(struct tranche_broker *broker,
					      const char *uuid);
void tranche_parent_query_vgpu(struct tranche_vgpu *vgpu,
			       struct tranche_vgpu_query *query);
bool tranche_parent_tell(struct tranche_vgpu *vgpu);

#endif /* TRANCHE_PARENT_H */
