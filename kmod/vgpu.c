// SPDX-License-Identifier: GPL-2.0-only
/*
 * vgpu.c - the mediated device: VFIO on one side, a session on the other
 *
 * States, of which user space sees TRANCHE_STATE_*:
 *
 *   closed   no VMM; @session may come and go
 *   open     a VMM, and a session that serves it
 *   broken   a VMM, and no session or one that has not reset the vGPU yet:
 *	      registers read all-ones, the window shows zeros
 *
 *	closed -> open	  open_device, which waits for a session
 *	open -> broken	  tranche_vgpu_break: the session ends, for whatever
 *			  reason. The VMM gets the ERR interrupt.
 *	broken -> open	  VFIO_DEVICE_RESET that a new session has answered
 *	any -> closed	  close_device
 *
 * The generation grows with each opening and when an open vGPU breaks: nothing
 * that a session has left counts for the next one.
 *
 * Lifetime: VFIO's reference count. Held by the mdev device from probe to
 * remove, by each session, and by VFIO while a VMM has it.
 *
 * Locks: vgpu->lock protects the state. It nests inside every lock but those of
 * a session. VFIO serialises open_device and close_device.
 */
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "region.h"
#include "session.h"
#include "vgpu.h"

/**
 * tranche_vgpu_state() - TRANCHE_STATE_* of a vGPU
 * @vgpu: the vGPU
 * @gen: gets its generation
 */
u32 tranche_vgpu_state(struct tranche_vgpu *vgpu, u32 *gen)
{
	u32 state = 0;

	spin_lock(&vgpu->lock);
	if (vgpu->session)
		state |= TRANCHE_STATE_SERVED;
	if (vgpu->open)
		state |= TRANCHE_STATE_OPEN;
	if (vgpu->broken)
		state |= TRANCHE_STATE_BROKEN;
	*gen = vgpu->gen;
	spin_unlock(&vgpu->lock);
	return state;
}

/**
 * tranche_vgpu_is_current() - may a session act for this generation?
 * @vgpu: the vGPU
 * @session: who acts
 * @gen: generation
 *
 * Call it under the lock that closing and breaking take after the state has
 * changed: the answer then holds until that lock is released.
 */
bool tranche_vgpu_is_current(struct tranche_vgpu *vgpu,
			     struct tranche_session *session, u32 gen)
{
	scoped_guard(spinlock, &vgpu->lock)
		return vgpu->open && vgpu->session == session &&
		       vgpu->gen == gen;
}

/**
 * tranche_vgpu_session() - who serves the VMM
 * @vgpu: the vGPU
 * @broken: also while the vGPU is broken
 * @gen: gets its generation
 *
 * Return: the session, with a reference, or NULL
 */
struct tranche_session *tranche_vgpu_session(struct tranche_vgpu *vgpu,
					     bool broken, u32 *gen)
{
	scoped_guard(spinlock, &vgpu->lock) {
		*gen = vgpu->gen;
		if (vgpu->session && vgpu->open && (broken || !vgpu->broken))
			return tranche_session_get(vgpu->session);
	}
	return NULL;
}

static int session_enter(struct tranche_vgpu *vgpu,
			 struct tranche_session *session)
{
	scoped_guard(spinlock, &vgpu->lock) {
		if (vgpu->removed)
			return -ENOENT;
		if (vgpu->session)
			return -EBUSY;
		vgpu->session = tranche_session_get(session);
	}
	return 0;
}

/**
 * tranche_vgpu_set_session() - let a session serve a vGPU
 * @vgpu: the vGPU
 * @session: a new session of it
 * @replace: end the one before
 *
 * Return: 0, -EBUSY if another one serves it, -ENOENT if it is removed
 */
int tranche_vgpu_set_session(struct tranche_vgpu *vgpu,
			     struct tranche_session *session, bool replace)
{
	int ret;

	/* Another one may enter between the two. */
	do {
		if (replace)
			tranche_vgpu_break(vgpu, NULL);
		ret = session_enter(vgpu, session);
	} while (replace && ret == -EBUSY);
	if (!ret) {
		wake_up_all(&vgpu->served);
		tranche_parent_tell(vgpu);
	}
	return ret;
}

/**
 * tranche_vgpu_break() - a session does not serve its vGPU any more
 * @vgpu: the vGPU
 * @session: its session, or NULL for whichever that is; nothing happens if it
 *	     is not
 *
 * May sleep. When it returns the VMM reaches nothing of the device process.
 */
void tranche_vgpu_break(struct tranche_vgpu *vgpu,
			struct tranche_session *session)
{
	bool open;

	scoped_guard(spinlock, &vgpu->lock) {
		if (!vgpu->session || (session && session != vgpu->session))
			return;
		session = vgpu->session;
		vgpu->session = NULL;
		open = vgpu->open;
		vgpu->broken = open;
		vgpu->gen += open;
	}
	tranche_calls_end(&session->calls);
	tranche_window_clear(&vgpu->window);
	if (open)
		tranche_irqs_signal(&vgpu->irqs, VFIO_PCI_ERR_IRQ_INDEX);
	tranche_parent_tell(vgpu);
	tranche_session_put(session);
}

/**
 * tranche_vgpu_kill() - break a vGPU and let no session start again
 * @vgpu: the vGPU
 */
void tranche_vgpu_kill(struct tranche_vgpu *vgpu)
{
	scoped_guard(spinlock, &vgpu->lock)
		WRITE_ONCE(vgpu->removed, true);
	wake_up_all(&vgpu->served);
	tranche_vgpu_break(vgpu, NULL);
}

static bool vgpu_settled(struct tranche_vgpu *vgpu)
{
	scoped_guard(spinlock, &vgpu->lock)
		return vgpu->session || vgpu->removed;
}

/* Gives the broker time to start a device process for a vGPU that needs one. */
static int vgpu_wait_served(struct tranche_vgpu *vgpu)
{
	long left = msecs_to_jiffies(vgpu->parent->access_timeout_ms);

	if (!vgpu_settled(vgpu)) {
		if (!tranche_parent_tell(vgpu))
			return -ENODEV;
		left = wait_event_killable_timeout(vgpu->served,
						   vgpu_settled(vgpu), left);
	}
	return left < 0 ? -EINTR : 0;
}

/*
 * VFIO's side.
 */

/* Returns after copies that saw the one before have ended. */
static void vgpu_set_mm(struct tranche_vgpu *vgpu, struct mm_struct *mm)
{
	if (mm)
		mmgrab(mm);
	scoped_guard(rwsem_write, &vgpu->memory_sem)
		swap(vgpu->mm, mm);
	if (mm)
		mmdrop(mm);
}

static int vgpu_open(struct vfio_device *vdev)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);
	int ret;

	vgpu_set_mm(vgpu, current->mm);
	spin_lock(&vgpu->lock);
	vgpu->gen++;
	vgpu->open = true;
	vgpu->broken = true;
	spin_unlock(&vgpu->lock);

	tranche_window_clear(&vgpu->window);
	ret = vgpu_wait_served(vgpu);
	spin_lock(&vgpu->lock);
	if (!ret && !vgpu->session)
		ret = -ENODEV;
	vgpu->open = !ret;
	vgpu->broken = false;
	if (!ret)
		tranche_calls_post_open(&vgpu->session->calls, vgpu->gen);
	spin_unlock(&vgpu->lock);
	if (ret)
		vgpu_set_mm(vgpu, NULL);
	tranche_parent_tell(vgpu);
	return ret;
}

static void vgpu_close(struct vfio_device *vdev)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);

	spin_lock(&vgpu->lock);
	if (vgpu->session && !vgpu->broken)
		tranche_calls_post_close(&vgpu->session->calls, vgpu->gen);
	vgpu->open = false;
	vgpu->broken = false;
	spin_unlock(&vgpu->lock);

	tranche_ioevents_clear(vgpu);
	tranche_irqs_clear(&vgpu->irqs);
	tranche_window_clear(&vgpu->window);
	/* Copies that saw the vGPU open end before VFIO takes memory away. */
	vgpu_set_mm(vgpu, NULL);
	tranche_parent_tell(vgpu);
}

static int vgpu_reset_locked(struct tranche_vgpu *vgpu)
{
	struct tranche_message message = {.op = TRANCHE_OP_RESET};
	int ret;

	lockdep_assert_held(&vgpu->reset_mutex);
	ret = vgpu_wait_served(vgpu);
	if (ret)
		return ret;
	/* What a session before this one copies has to end first. */
	ret = down_write_killable(&vgpu->memory_sem);
	if (ret)
		return ret;
	up_write(&vgpu->memory_sem);
	ret = tranche_region_send(vgpu, &message,
				  vgpu->parent->access_timeout_ms);
	if (ret)
		return ret == -ESHUTDOWN ? -EIO : ret;
	scoped_guard(spinlock, &vgpu->lock) {
		/* It broke again, and whoever serves it now was not asked. */
		if (vgpu->gen != message.gen)
			return -EIO;
		vgpu->broken = false;
	}
	tranche_parent_tell(vgpu);
	return 0;
}

static long vgpu_reset(struct tranche_vgpu *vgpu)
{
	long ret = mutex_lock_killable(&vgpu->reset_mutex);

	if (ret)
		return ret;
	ret = vgpu_reset_locked(vgpu);
	mutex_unlock(&vgpu->reset_mutex);
	return ret;
}

static long vgpu_info(void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long vgpu_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return vgpu_info(user);
	case VFIO_DEVICE_GET_REGION_INFO:
		return tranche_compat_region_info(vdev, arg,
						  tranche_region_info);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return tranche_irqs_info(&vgpu->irqs, user);
	case VFIO_DEVICE_SET_IRQS:
		return tranche_irqs_set(&vgpu->irqs, user);
	case VFIO_DEVICE_IOEVENTFD:
		return tranche_ioevent_set(vgpu, user);
	case VFIO_DEVICE_RESET:
		return vgpu_reset(vgpu);
	default:
		return -ENOTTY;
	}
}

/* Somebody removes the vGPU: VFIO asks again until the VMM has let go. */
static void vgpu_request(struct vfio_device *vdev, unsigned int count)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);

	if (!tranche_irqs_signal(&vgpu->irqs, VFIO_PCI_REQ_IRQ_INDEX) && !count)
		dev_notice(vdev->dev, "removal waits for the VMM\n");
}

static int vgpu_init(struct vfio_device *vdev)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);

	spin_lock_init(&vgpu->lock);
	init_waitqueue_head(&vgpu->served);
	init_rwsem(&vgpu->memory_sem);
	mutex_init(&vgpu->reset_mutex);
	mutex_init(&vgpu->ioevents_mutex);
	INIT_LIST_HEAD(&vgpu->ioevents);
	INIT_LIST_HEAD(&vgpu->entry);
	tranche_notice_init(&vgpu->state_notice, TRANCHE_EVENT_STATE);
	return 0;
}

/* Also of a vGPU that was not made whole. */
static void vgpu_release(struct vfio_device *vdev)
{
	struct tranche_vgpu *vgpu = tranche_vgpu_of(vdev);

	if (vgpu->memory_queue)
		destroy_workqueue(vgpu->memory_queue);
	tranche_window_uninit(&vgpu->window);
	tranche_irqs_uninit(&vgpu->irqs);
	kfree(vgpu->removed_notice);
	tranche_parent_put(vgpu->parent);
}

static const struct vfio_device_ops vgpu_ops = {
	.name = "tranche",
	.init = vgpu_init,
	.release = vgpu_release,
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
	.open_device = vgpu_open,
	.close_device = vgpu_close,
	.read = tranche_region_read,
	.write = tranche_region_write,
	.mmap = tranche_window_mmap,
	.ioctl = vgpu_ioctl,
	.request = vgpu_request,
	TRANCHE_REGION_INFO_OP};

static int vgpu_setup(struct tranche_vgpu *vgpu)
{
	int ret;

	memcpy(vgpu->values, vgpu->mtype->type.values, sizeof(vgpu->values));
	vgpu->removed_notice = tranche_notice_last(TRANCHE_EVENT_REMOVED);
	vgpu->memory_queue = alloc_workqueue(
		"tranche-%.8s", WQ_UNBOUND | WQ_HIGHPRI, 0, vgpu->uuid);
	if (!vgpu->removed_notice || !vgpu->memory_queue)
		return -ENOMEM;
	ret = tranche_irqs_init(&vgpu->irqs, tranche_vgpu_layout(vgpu));
	if (ret)
		return ret;
	return tranche_window_init(&vgpu->window, tranche_vgpu_layout(vgpu),
				   vgpu->vdev.inode->i_mapping);
}

/**
 * tranche_vgpu_create() - make a vGPU that nobody can open yet
 * @mdev: its device
 * @parent: its GPU
 * @mtype: its type
 *
 * Return: the vGPU, with the reference that the mdev device holds, or an error
 */
struct tranche_vgpu *tranche_vgpu_create(struct mdev_device *mdev,
					 struct tranche_parent *parent,
					 struct tranche_mtype *mtype)
{
	struct tranche_vgpu *vgpu;
	int ret;

	vgpu = vfio_alloc_device(tranche_vgpu, vdev, mdev_dev(mdev), &vgpu_ops);
	if (IS_ERR(vgpu))
		return vgpu;
	kref_get(&parent->ref);
	vgpu->parent = parent;
	vgpu->mtype = mtype;
	strscpy(vgpu->uuid, dev_name(mdev_dev(mdev)), sizeof(vgpu->uuid));
	ret = vgpu_setup(vgpu);
	if (ret) {
		tranche_vgpu_put(vgpu);
		return ERR_PTR(ret);
	}
	return vgpu;
}
