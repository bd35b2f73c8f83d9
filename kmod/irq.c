// SPDX-License-Identifier: GPL-2.0-only
/*
 * irq.c - interrupts: eventfds of the VMM that the device process signals
 *
 * Each vector is idle (no eventfd), ready, masked, or masked with an interrupt
 * that pends. INTx is a line: signalling it masks it, and unmasking it while the
 * device still asserts it signals again. Vectors exist as long as the vGPU;
 * their eventfds until the VMM takes them back or closes the vGPU.
 *
 * Locks: irqs->lock protects the vectors; signalling happens under it, so that
 * no eventfd is signalled after VFIO_DEVICE_SET_IRQS took it away.
 * irqs->set_mutex is held by whoever sets up, outside of it.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "irq.h"
#include "session.h"
#include "vgpu.h"

struct tranche_vector {
	struct eventfd_ctx *eventfd;
	bool masked;
	bool pending;
};

static struct tranche_vector *vector_of(struct tranche_irqs *irqs, u32 index,
					u32 vector)
{
	return &irqs->vectors[irqs->first[index] + vector];
}

/**
 * tranche_irqs_init() - make the interrupts of a new vGPU
 * @irqs: its interrupts
 * @layout: of its type
 */
int tranche_irqs_init(struct tranche_irqs *irqs,
		      const struct tranche_layout *layout)
{
	u32 i, total = 0;

	mutex_init(&irqs->set_mutex);
	spin_lock_init(&irqs->lock);
	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		irqs->count[i] =
			i <= VFIO_PCI_MSIX_IRQ_INDEX ? layout->irqs[i] : 1;
		irqs->first[i] = total;
		total += irqs->count[i];
	}
	irqs->vectors =
		kvcalloc(total, sizeof(*irqs->vectors), GFP_KERNEL_ACCOUNT);
	return irqs->vectors ? 0 : -ENOMEM;
}

/**
 * tranche_irqs_uninit() - the opposite
 * @irqs: cleared interrupts
 */
void tranche_irqs_uninit(struct tranche_irqs *irqs)
{
	kvfree(irqs->vectors);
}

static bool vector_signal(struct tranche_vector *vector)
{
	if (!vector->eventfd)
		return false;
	if (vector->masked) {
		vector->pending = true;
		return false;
	}
	eventfd_signal(vector->eventfd);
	return true;
}

static bool intx_update(struct tranche_irqs *irqs)
{
	struct tranche_vector *vector =
		vector_of(irqs, VFIO_PCI_INTX_IRQ_INDEX, 0);

	lockdep_assert_held(&irqs->lock);
	if (!irqs->intx_level || vector->masked || !vector_signal(vector))
		return false;
	vector->masked = true;
	return true;
}

/**
 * tranche_irqs_signal() - signal the only vector of an index
 * @irqs: the interrupts
 * @index: VFIO_PCI_ERR_IRQ_INDEX or VFIO_PCI_REQ_IRQ_INDEX
 *
 * A VMM that does not listen yet hears of a request when it does.
 *
 * Return: whether it listens
 */
bool tranche_irqs_signal(struct tranche_irqs *irqs, u32 index)
{
	struct tranche_vector *vector = vector_of(irqs, index, 0);
	bool ret;

	spin_lock(&irqs->lock);
	ret = vector_signal(vector);
	vector->pending = !ret && index == VFIO_PCI_REQ_IRQ_INDEX;
	spin_unlock(&irqs->lock);
	return ret;
}

/**
 * tranche_irqs_raise() - TRANCHE_VGPU_IRQ
 * @vgpu: the vGPU
 * @session: the caller
 * @arg: struct tranche_irq of user space
 *
 * Return: 1 if the VMM was signalled
 */
long tranche_irqs_raise(struct tranche_vgpu *vgpu,
			struct tranche_session *session, void __user *arg)
{
	const u32 levels = TRANCHE_IRQ_ASSERT | TRANCHE_IRQ_DEASSERT;
	struct tranche_irqs *irqs = &vgpu->irqs;
	struct tranche_irq irq;
	bool intx;

	if (copy_from_user(&irq, arg, sizeof(irq)))
		return -EFAULT;
	if (irq.index > VFIO_PCI_MSIX_IRQ_INDEX ||
	    irq.vector >= irqs->count[irq.index])
		return -EINVAL;
	intx = irq.index == VFIO_PCI_INTX_IRQ_INDEX;
	if (irq.flags & ~levels || hweight32(irq.flags) != intx)
		return -EINVAL;
	scoped_guard(spinlock, &irqs->lock) {
		if (!tranche_vgpu_is_current(vgpu, session, irq.gen))
			return -ESTALE;
		if (!intx)
			return vector_signal(
				vector_of(irqs, irq.index, irq.vector));
		irqs->intx_level = irq.flags & TRANCHE_IRQ_ASSERT;
		return intx_update(irqs);
	}
}

/*
 * The VMM's side.
 */

/**
 * tranche_irqs_info() - VFIO_DEVICE_GET_IRQ_INFO
 * @irqs: the interrupts
 * @arg: struct vfio_irq_info of user space
 */
long tranche_irqs_info(struct tranche_irqs *irqs, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	info.count = irqs->count[info.index];
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index <= VFIO_PCI_MSIX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/* Puts @eventfd, or none, behind a vector, which starts unmasked. */
static void vector_set(struct tranche_irqs *irqs, u32 index, u32 i,
		       struct eventfd_ctx *eventfd)
{
	struct tranche_vector *vector = vector_of(irqs, index, i);

	lockdep_assert_held(&irqs->set_mutex);
	spin_lock(&irqs->lock);
	swap(vector->eventfd, eventfd);
	if (!vector->eventfd || index == VFIO_PCI_INTX_IRQ_INDEX) {
		vector->masked = false;
		vector->pending = false;
	}
	if (index == VFIO_PCI_INTX_IRQ_INDEX) {
		intx_update(irqs);
	} else if (vector->pending && !vector->masked) {
		vector_signal(vector);
		vector->pending = false;
	}
	spin_unlock(&irqs->lock);
	if (eventfd)
		eventfd_ctx_put(eventfd);
}

static void index_disable(struct tranche_irqs *irqs, u32 index)
{
	u32 i;

	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		vfio_virqfd_disable(&irqs->unmask);
	for (i = 0; i < irqs->count[index]; i++)
		vector_set(irqs, index, i, NULL);
}

/**
 * tranche_irqs_clear() - forget all eventfds
 * @irqs: the interrupts
 */
void tranche_irqs_clear(struct tranche_irqs *irqs)
{
	u32 i;

	guard(mutex)(&irqs->set_mutex);
	for (i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		index_disable(irqs, i);
	irqs->intx_level = false;
}

/* Masks, unmasks or triggers one vector: @action is VFIO_IRQ_SET_ACTION_*. */
static void vector_act(struct tranche_irqs *irqs, u32 index, u32 i, u32 action)
{
	struct tranche_vector *vector = vector_of(irqs, index, i);

	spin_lock(&irqs->lock);
	if (action == VFIO_IRQ_SET_ACTION_TRIGGER) {
		vector_signal(vector);
	} else if (action == VFIO_IRQ_SET_ACTION_MASK) {
		vector->masked = true;
	} else {
		vector->masked = false;
		if (index == VFIO_PCI_INTX_IRQ_INDEX)
			intx_update(irqs);
		else if (vector->pending)
			vector_signal(vector);
		vector->pending = false;
	}
	spin_unlock(&irqs->lock);
}

/* Not where the eventfd was signalled: that is atomic, with the eventfd locked. */
static void unmask_thread(void *opaque, void *data)
{
	vector_act(opaque, VFIO_PCI_INTX_IRQ_INDEX, 0,
		   VFIO_IRQ_SET_ACTION_UNMASK);
}

static int intx_set_unmask(struct tranche_irqs *irqs,
			   const struct vfio_irq_set *set, const s32 *fds)
{
	if (set->index != VFIO_PCI_INTX_IRQ_INDEX || set->count != 1)
		return -EINVAL;
	if (fds[0] >= 0)
		return vfio_virqfd_enable(irqs, NULL, unmask_thread, NULL,
					  &irqs->unmask, fds[0]);
	vfio_virqfd_disable(&irqs->unmask);
	return 0;
}

static int vectors_set(struct tranche_irqs *irqs,
		       const struct vfio_irq_set *set, const s32 *fds)
{
	struct eventfd_ctx *eventfd;
	u32 i;

	for (i = 0; i < set->count; i++) {
		eventfd = fds[i] < 0 ? NULL : eventfd_ctx_fdget(fds[i]);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
		vector_set(irqs, set->index, set->start + i, eventfd);
	}
	return 0;
}

/* @data is NULL (all), an array of bool, or an array of eventfds. */
static int set_apply(struct tranche_irqs *irqs, const struct vfio_irq_set *set,
		     const void *data)
{
	u32 action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	bool trigger = action == VFIO_IRQ_SET_ACTION_TRIGGER;
	const u8 *chosen = data;
	u32 i;

	if (hweight32(action) != 1 ||
	    (!trigger && set->index > VFIO_PCI_MSIX_IRQ_INDEX))
		return -ENOTTY;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD) {
		if (trigger)
			return vectors_set(irqs, set, data);
		return action == VFIO_IRQ_SET_ACTION_UNMASK
			       ? intx_set_unmask(irqs, set, data)
			       : -ENOTTY;
	}
	if (!set->count) {
		if (!trigger)
			return -EINVAL;
		index_disable(irqs, set->index);
	}
	for (i = 0; i < set->count; i++)
		if (!chosen || chosen[i])
			vector_act(irqs, set->index, set->start + i, action);
	return 0;
}

/**
 * tranche_irqs_set() - VFIO_DEVICE_SET_IRQS
 * @irqs: the interrupts
 * @arg: struct vfio_irq_set of user space
 */
long tranche_irqs_set(struct tranche_irqs *irqs, void __user *arg)
{
	void *data __free(kvfree) = NULL;
	const size_t minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set set;
	size_t size = 0;
	long ret;

	if (copy_from_user(&set, arg, minsz))
		return -EFAULT;
	if (set.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	ret = vfio_set_irqs_validate_and_prepare(&set, irqs->count[set.index],
						 VFIO_PCI_NUM_IRQS, &size);
	if (ret)
		return ret;
	if (size) {
		data = vmemdup_user(arg + minsz, size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	guard(mutex)(&irqs->set_mutex);
	return set_apply(irqs, &set, data);
}
