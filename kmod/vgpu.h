/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_VGPU_H
#define TRANCHE_VGPU_H

#include <linux/list.h>
#include <linux/mdev.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>
#include <linux/wait.h>

#include "irq.h"
#include "parent.h"
#include "window.h"

struct tranche_session;

/**
 * struct tranche_vgpu - one mediated device
 * @vdev: what VFIO sees; holds the reference count
 * @parent: the GPU; referenced
 * @mtype: its type
 * @uuid: its name
 * @entry: in the parent's list; under the parents lock
 * @state_notice: tells the broker of its state; under the parents lock
 * @removed_notice: tells the broker of its end; NULL once it did
 * @values: its attributes; under the parents lock
 * @lock: protects the following four
 * @session: who serves it; referenced; NULL without one
 * @gen: how many times it was opened or broke
 * @open: a VMM has it
 * @broken: it reads all-ones until it is reset
 * @removed: no session may start any more; stays so
 * @served: woken when a session starts or none can any more
 * @memory_queue: on which guest memory is copied
 * @memory_sem: read-held while guest memory is copied; closing waits for it
 * @mm: of who opened it, referenced; NULL while closed; under memory_sem
 * @reset_mutex: one reset at a time
 * @irqs: its interrupts
 * @window: its window
 * @ioevents_mutex: protects the next two
 * @ioevents: eventfds of the VMM that stand for register writes
 * @nr_ioevents: how many
 */
struct tranche_vgpu {
	struct vfio_device vdev;
	struct tranche_parent *parent;
	struct tranche_mtype *mtype;
	char uuid[TRANCHE_UUID_SIZE];
	struct list_head entry;
	struct tranche_notice state_notice;
	struct tranche_notice *removed_notice;
	char values[TRANCHE_ATTRIBUTES_MAX][TRANCHE_VALUE_SIZE];
	spinlock_t lock;
	struct tranche_session *session;
	u32 gen;
	bool open;
	bool broken;
	bool removed;
	wait_queue_head_t served;
	struct workqueue_struct *memory_queue;
	struct rw_semaphore memory_sem;
	struct mm_struct *mm;
	struct mutex reset_mutex;
	struct tranche_irqs irqs;
	struct tranche_window window;
	struct mutex ioevents_mutex;
	struct list_head ioevents;
	u32 nr_ioevents;
};

struct tranche_vgpu *tranche_vgpu_create(struct mdev_device *mdev,
					 struct tranche_parent *parent,
					 struct tranche_mtype *mtype);

static inline struct tranche_vgpu *tranche_vgpu_of(struct vfio_device *vdev)
{
	return container_of(vdev, struct tranche_vgpu, vdev);
}

static inline struct tranche_vgpu *tranche_vgpu_get(struct tranche_vgpu *vgpu)
{
	get_device(&vgpu->vdev.device);
	return vgpu;
}

static inline void tranche_vgpu_put(struct tranche_vgpu *vgpu)
{
	vfio_put_device(&vgpu->vdev);
}

static inline const struct tranche_layout *
tranche_vgpu_layout(const struct tranche_vgpu *vgpu)
{
	return &vgpu->mtype->type.layout;
}

u32 tranche_vgpu_state(struct tranche_vgpu *vgpu, u32 *gen);
bool tranche_vgpu_is_current(struct tranche_vgpu *vgpu,
			     struct tranche_session *session, u32 gen);
struct tranche_session *tranche_vgpu_session(struct tranche_vgpu *vgpu,
					     bool broken, u32 *gen);
int tranche_vgpu_set_session(struct tranche_vgpu *vgpu,
			     struct tranche_session *session, bool replace);
void tranche_vgpu_break(struct tranche_vgpu *vgpu,
			struct tranche_session *session);
void tranche_vgpu_kill(struct tranche_vgpu *vgpu);

#endif /* TRANCHE_VGPU_H */
