// SPDX-License-Identifier: GPL-2.0-only
/*
 * doorbell.c - register writes that are no messages
 *
 * A doorbell belongs to the device process: an eventfd that is signalled when
 * the VMM writes a register. An ioevent belongs to the VMM: an eventfd that
 * stands for such a write, so that KVM can signal it without a system call; it
 * rings the doorbell of that register, or sends the write as a message if there
 * is none.
 *
 * Lifetime: doorbells until they are removed or the session ends; ioevents
 * until they are removed, their eventfd closes or the VMM closes the vGPU.
 *
 * Locks: doorbells->lock protects the doorbells of a session; they are rung
 * under it, so that none rings after it was removed. vgpu->ioevents_mutex
 * protects the ioevents of a vGPU.
 */
#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "call.h"
#include "doorbell.h"
#include "region.h"
#include "session.h"
#include "vgpu.h"

#define IOEVENTS_MAX 1024

struct doorbell {
	struct list_head entry;
	struct tranche_doorbell key;
	struct eventfd_ctx *eventfd;
};

struct ioevent {
	struct list_head entry;
	struct tranche_vgpu *vgpu;
	struct virqfd *virqfd;
	struct tranche_doorbell key;
};

/**
 * tranche_doorbells_init() - start without doorbells
 * @doorbells: the doorbells
 */
void tranche_doorbells_init(struct tranche_doorbells *doorbells)
{
	spin_lock_init(&doorbells->lock);
	INIT_LIST_HEAD(&doorbells->list);
}

static void doorbell_free(struct doorbell *doorbell)
{
	if (doorbell && doorbell->eventfd)
		eventfd_ctx_put(doorbell->eventfd);
	kfree(doorbell);
}

/**
 * tranche_doorbells_uninit() - remove all
 * @doorbells: which nobody can ring any more
 */
void tranche_doorbells_uninit(struct tranche_doorbells *doorbells)
{
	struct doorbell *doorbell, *next;

	list_for_each_entry_safe(doorbell, next, &doorbells->list, entry)
		doorbell_free(doorbell);
}

static bool key_equal(const struct tranche_doorbell *a,
		      const struct tranche_doorbell *b)
{
	return !memcmp(a, b, offsetof(typeof(*a), fd));
}

static bool key_ok(const struct tranche_doorbell *key,
		   const struct tranche_layout *layout)
{
	u32 last = max(key->length, 1U);

	if (key->region > VFIO_PCI_BAR5_REGION_INDEX ||
	    key->flags & ~TRANCHE_DOORBELL_MATCH || key->fd < -1)
		return false;
	if (!(key->flags & TRANCHE_DOORBELL_MATCH) && key->value)
		return false;
	if (key->length > 8 || hweight32(key->length) > 1)
		return false;
	return key->offset <= U64_MAX - last &&
	       key->offset + last <= layout->regions[key->region].size;
}

static struct doorbell *doorbell_find(struct tranche_doorbells *doorbells,
				      const struct tranche_doorbell *key)
{
	struct doorbell *doorbell;

	lockdep_assert_held(&doorbells->lock);
	list_for_each_entry(doorbell, &doorbells->list, entry)
		if (key_equal(&doorbell->key, key))
			return doorbell;
	return NULL;
}

static long doorbell_remove(struct tranche_doorbells *doorbells,
			    const struct tranche_doorbell *key)
{
	struct doorbell *doorbell;

	scoped_guard(spinlock, &doorbells->lock) {
		doorbell = doorbell_find(doorbells, key);
		if (!doorbell)
			return -ENOENT;
		list_del(&doorbell->entry);
		doorbells->count--;
	}
	doorbell_free(doorbell);
	return 0;
}

static long doorbell_insert(struct tranche_doorbells *doorbells,
			    struct doorbell *doorbell)
{
	scoped_guard(spinlock, &doorbells->lock) {
		if (doorbell_find(doorbells, &doorbell->key))
			return -EEXIST;
		if (doorbells->count >= TRANCHE_DOORBELLS_MAX)
			return -ENOSPC;
		list_add_tail(&doorbell->entry, &doorbells->list);
		doorbells->count++;
	}
	return 0;
}

static long doorbell_add(struct tranche_doorbells *doorbells,
			 const struct tranche_doorbell *key)
{
	struct doorbell *doorbell =
		kzalloc(sizeof(*doorbell), GFP_KERNEL_ACCOUNT);
	struct eventfd_ctx *eventfd;
	long ret;

	if (!doorbell)
		return -ENOMEM;
	eventfd = eventfd_ctx_fdget(key->fd);
	if (IS_ERR(eventfd)) {
		doorbell_free(doorbell);
		return PTR_ERR(eventfd);
	}
	doorbell->key = *key;
	doorbell->eventfd = eventfd;
	ret = doorbell_insert(doorbells, doorbell);
	if (ret)
		doorbell_free(doorbell);
	return ret;
}

/**
 * tranche_doorbells_set() - TRANCHE_VGPU_DOORBELL
 * @doorbells: of the caller's session
 * @layout: of the vGPU
 * @arg: struct tranche_doorbell of user space
 */
long tranche_doorbells_set(struct tranche_doorbells *doorbells,
			   const struct tranche_layout *layout,
			   void __user *arg)
{
	struct tranche_doorbell key;

	if (copy_from_user(&key, arg, sizeof(key)))
		return -EFAULT;
	if (!key_ok(&key, layout))
		return -EINVAL;
	return key.fd < 0 ? doorbell_remove(doorbells, &key)
			  : doorbell_add(doorbells, &key);
}

static bool key_matches(const struct tranche_doorbell *key,
			const struct tranche_message *message, u64 value)
{
	if (key->region != message->region || key->offset != message->offset)
		return false;
	if (key->length && key->length != message->length)
		return false;
	return !(key->flags & TRANCHE_DOORBELL_MATCH) || key->value == value;
}

/**
 * tranche_doorbells_ring() - signal the doorbells behind a register write
 * @doorbells: of the session
 * @message: to be sent if it is no write that rings
 *
 * Return: whether there was one
 */
bool tranche_doorbells_ring(struct tranche_doorbells *doorbells,
			    const struct tranche_message *message)
{
	struct doorbell *doorbell;
	__le64 value = 0;
	bool ret = false;

	if (message->op != TRANCHE_OP_WRITE || message->length > sizeof(value))
		return false;
	memcpy(&value, message->data, message->length);
	spin_lock(&doorbells->lock);
	list_for_each_entry(doorbell, &doorbells->list, entry) {
		if (!key_matches(&doorbell->key, message, le64_to_cpu(value)))
			continue;
		eventfd_signal(doorbell->eventfd);
		ret = true;
	}
	spin_unlock(&doorbells->lock);
	return ret;
}

/*
 * Ioevents.
 */

/* Not where the eventfd was signalled: that is atomic, with the eventfd locked. */
static void ioevent_thread(void *opaque, void *data)
{
	const struct ioevent *ioevent = opaque;
	struct tranche_message message = {
		.op = TRANCHE_OP_WRITE,
		.region = ioevent->key.region,
		.offset = ioevent->key.offset,
		.length = ioevent->key.length,
	};

	put_unaligned_le64(ioevent->key.value, message.data);
	/* Nobody can be told if it does not work. */
	tranche_region_send(ioevent->vgpu, &message, 0);
}

static struct ioevent *ioevent_find(struct tranche_vgpu *vgpu,
				    const struct tranche_doorbell *key)
{
	struct ioevent *ioevent;

	lockdep_assert_held(&vgpu->ioevents_mutex);
	list_for_each_entry(ioevent, &vgpu->ioevents, entry)
		if (key_equal(&ioevent->key, key))
			return ioevent;
	return NULL;
}

static void ioevent_remove(struct tranche_vgpu *vgpu, struct ioevent *ioevent)
{
	vfio_virqfd_disable(&ioevent->virqfd);
	list_del(&ioevent->entry);
	vgpu->nr_ioevents--;
	kfree(ioevent);
}

static long ioevent_add(struct tranche_vgpu *vgpu,
			const struct tranche_doorbell *key)
{
	struct ioevent *ioevent;
	long ret;

	if (vgpu->nr_ioevents >= IOEVENTS_MAX)
		return -ENOSPC;
	ioevent = kzalloc(sizeof(*ioevent), GFP_KERNEL_ACCOUNT);
	if (!ioevent)
		return -ENOMEM;
	ioevent->vgpu = vgpu;
	ioevent->key = *key;
	ret = vfio_virqfd_enable(ioevent, NULL, ioevent_thread, NULL,
				 &ioevent->virqfd, key->fd);
	if (ret) {
		kfree(ioevent);
		return ret;
	}
	list_add_tail(&ioevent->entry, &vgpu->ioevents);
	vgpu->nr_ioevents++;
	return 0;
}

static long ioevent_change(struct tranche_vgpu *vgpu,
			   const struct tranche_doorbell *key)
{
	struct ioevent *ioevent = ioevent_find(vgpu, key);

	if (key->fd >= 0)
		return ioevent ? -EEXIST : ioevent_add(vgpu, key);
	if (!ioevent)
		return -ENODEV;
	ioevent_remove(vgpu, ioevent);
	return 0;
}

/**
 * tranche_ioevent_set() - VFIO_DEVICE_IOEVENTFD
 * @vgpu: the vGPU
 * @arg: struct vfio_device_ioeventfd of user space
 */
long tranche_ioevent_set(struct tranche_vgpu *vgpu, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_device_ioeventfd, fd);
	struct vfio_device_ioeventfd args;
	struct tranche_doorbell key;

	if (copy_from_user(&args, arg, minsz))
		return -EFAULT;
	/* The flags are the sizes 1, 2, 4 and 8. */
	key = (struct tranche_doorbell){
		.region = tranche_region_index(args.offset),
		.length = args.flags,
		.offset = tranche_region_offset(args.offset),
		.value = args.data,
		.flags = TRANCHE_DOORBELL_MATCH,
		.fd = args.fd,
	};
	if (args.argsz < minsz || !key.length || key.offset % key.length ||
	    !key_ok(&key, tranche_vgpu_layout(vgpu)))
		return -EINVAL;
	guard(mutex)(&vgpu->ioevents_mutex);
	return ioevent_change(vgpu, &key);
}

/**
 * tranche_ioevents_clear() - remove all
 * @vgpu: the vGPU
 */
void tranche_ioevents_clear(struct tranche_vgpu *vgpu)
{
	struct ioevent *ioevent, *next;

	guard(mutex)(&vgpu->ioevents_mutex);
	list_for_each_entry_safe(ioevent, next, &vgpu->ioevents, entry)
		ioevent_remove(vgpu, ioevent);
}
