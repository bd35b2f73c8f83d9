// SPDX-License-Identifier: GPL-2.0-only
/*
 * broker.c - the control descriptor
 *
 * A broker is one open /dev/tranche. It has parents (see parent.c), and a queue
 * of events in the order in which they happened:
 *
 *   notice   nobody waits. Belongs to a vGPU or parent, which queues it at most
 *	      once at a time; the last one of each is handed over and freed here.
 *   request  on the stack of a thread that waits for the verdict. Moves from
 *	      the queue to the list of taken ones when the broker reads it, and
 *	      leaves only by its own thread.
 *
 * Lifetime: one reference by the file, one by each thread that waits. When the
 * file closes the broker is dead: requests end with -ENOTCONN, notices are
 * dropped, and nothing new gets in.
 *
 * Locks: broker->lock protects the lists, the identities and @dead. It is taken
 * inside the lock of the parents and holds nothing else.
 */
#include <linux/kref.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "broker.h"
#include "main.h"
#include "parent.h"
#include "session.h"
#include "vgpu.h"

struct tranche_broker {
	struct kref ref;
	spinlock_t lock;
	wait_queue_head_t wait;
	struct list_head queue;
	struct list_head taken;
	u64 next_id;
	bool dead;
};

/* A notice whose event has an identity: somebody waits. */
struct request {
	struct tranche_notice notice;
	struct completion done;
	bool answered;
	int error;
};

/**
 * tranche_notice_init() - prepare a notice for its first use
 * @notice: the notice
 * @kind: enum tranche_event_kind
 */
void tranche_notice_init(struct tranche_notice *notice, u32 kind)
{
	*notice = (struct tranche_notice){.event.kind = kind};
	INIT_LIST_HEAD(&notice->entry);
}

/**
 * tranche_notice_last() - make a notice that outlives its owner
 * @kind: enum tranche_event_kind
 */
struct tranche_notice *tranche_notice_last(u32 kind)
{
	struct tranche_notice *notice =
		kmalloc(sizeof(*notice), GFP_KERNEL_ACCOUNT);

	if (!notice)
		return NULL;
	tranche_notice_init(notice, kind);
	notice->last = true;
	return notice;
}

static void broker_release(struct kref *ref)
{
	kfree(container_of(ref, struct tranche_broker, ref));
}

/**
 * tranche_broker_get() - take a reference
 * @broker: the broker
 */
struct tranche_broker *tranche_broker_get(struct tranche_broker *broker)
{
	kref_get(&broker->ref);
	return broker;
}

/**
 * tranche_broker_put() - drop a reference
 * @broker: the broker
 */
void tranche_broker_put(struct tranche_broker *broker)
{
	kref_put(&broker->ref, broker_release);
}

/* Takes a notice off the queue; the last one of its owner ends here. */
static void notice_drop(struct tranche_notice *notice)
{
	list_del_init(&notice->entry);
	if (notice->last)
		kfree(notice);
}

/**
 * tranche_broker_tell() - queue a notice
 * @broker: the broker
 * @notice: with an event that is up to date; kept where it is if it is queued
 */
void tranche_broker_tell(struct tranche_broker *broker,
			 struct tranche_notice *notice)
{
	spin_lock(&broker->lock);
	if (list_empty(&notice->entry))
		list_add_tail(&notice->entry, &broker->queue);
	if (broker->dead)
		notice_drop(notice);
	spin_unlock(&broker->lock);
	wake_up_interruptible(&broker->wait);
}

/**
 * tranche_broker_forget() - take a notice back
 * @broker: the broker
 * @notice: not its owner's last one
 */
void tranche_broker_forget(struct tranche_broker *broker,
			   struct tranche_notice *notice)
{
	scoped_guard(spinlock, &broker->lock)
		list_del_init(&notice->entry);
}

static int request_queue(struct tranche_broker *broker, struct request *request)
{
	scoped_guard(spinlock, &broker->lock) {
		if (broker->dead)
			return -ENOTCONN;
		request->notice.event.id = ++broker->next_id;
		list_add_tail(&request->notice.entry, &broker->queue);
	}
	wake_up_interruptible(&broker->wait);
	return 0;
}

/**
 * tranche_broker_ask() - wait for the broker's verdict
 * @broker: the broker; the caller holds a reference
 * @event: what happens
 * @timeout_ms: how long to wait
 *
 * Return: the verdict as 0 or a negative errno, -ENOTCONN if the broker dies,
 * -ETIMEDOUT, or -EINTR if the caller is killed.
 */
int tranche_broker_ask(struct tranche_broker *broker,
		       const struct tranche_event *event,
		       unsigned int timeout_ms)
{
	struct request request = {.notice.event = *event};
	long left;
	int ret;

	init_completion(&request.done);
	ret = request_queue(broker, &request);
	if (ret)
		return ret;
	left = wait_for_completion_killable_timeout(
		&request.done, msecs_to_jiffies(timeout_ms));

	scoped_guard(spinlock, &broker->lock) {
		list_del(&request.notice.entry);
		/* The verdict may have come after the wait ended. */
		if (request.answered)
			return request.error;
	}
	return left ? -EINTR : -ETIMEDOUT;
}

/* Copies the next event out of the queue; false if there is none. */
static bool event_take(struct tranche_broker *broker,
		       struct tranche_event *event)
{
	struct tranche_notice *notice;

	spin_lock(&broker->lock);
	notice = list_first_entry_or_null(&broker->queue, struct tranche_notice,
					  entry);
	if (notice) {
		*event = notice->event;
		notice->event.flags = 0;
		if (event->id)
			list_move_tail(&notice->entry, &broker->taken);
		else
			notice_drop(notice);
	}
	spin_unlock(&broker->lock);
	return notice;
}

static long event_receive(struct file *file, void __user *arg)
{
	struct tranche_broker *broker = file->private_data;
	struct tranche_event event;

	if (file->f_flags & O_NONBLOCK) {
		if (!event_take(broker, &event))
			return -EAGAIN;
	} else if (wait_event_interruptible(broker->wait,
					    event_take(broker, &event))) {
		return -ERESTARTSYS;
	}
	return copy_to_user(arg, &event, sizeof(event)) ? -EFAULT : 0;
}

/* Called with the broker locked; a verdict that was given stands. */
static bool request_end(struct tranche_notice *notice, int error)
{
	struct request *request = container_of(notice, struct request, notice);

	if (request->answered)
		return false;
	request->answered = true;
	request->error = error;
	complete(&request->done);
	return true;
}

static long event_answer(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_verdict verdict;
	struct tranche_notice *notice;

	if (copy_from_user(&verdict, arg, sizeof(verdict)))
		return -EFAULT;
	if (verdict.reserved || verdict.error > MAX_ERRNO)
		return -EINVAL;
	scoped_guard(spinlock, &broker->lock)
		list_for_each_entry(notice, &broker->taken, entry)
			if (notice->event.id == verdict.id &&
			    request_end(notice, -(int)verdict.error))
				return 0;
	return -ENOENT;
}

static long vgpu_attach(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_vgpu_attach attach;
	struct tranche_vgpu *vgpu;
	long ret;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	if (attach.flags & ~TRANCHE_ATTACH_REPLACE)
		return -EINVAL;
	vgpu = tranche_parent_find_vgpu(broker, attach.uuid);
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	ret = tranche_session_open(
		vgpu, attach.flags & TRANCHE_ATTACH_REPLACE,
		&((struct tranche_vgpu_attach __user *)arg)->fd);
	tranche_vgpu_put(vgpu);
	return ret;
}

static long vgpu_query(struct tranche_broker *broker, void __user *arg)
{
	struct tranche_vgpu_query *query __free(kfree) =
		kzalloc(sizeof(*query), GFP_KERNEL);
	struct tranche_vgpu *vgpu;

	if (!query)
		return -ENOMEM;
	if (copy_from_user(query->uuid, arg, sizeof(query->uuid)))
		return -EFAULT;
	vgpu = tranche_parent_find_vgpu(broker, query->uuid);
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);
	tranche_parent_query_vgpu(vgpu, query);
	tranche_vgpu_put(vgpu);
	return copy_to_user(arg, query, sizeof(*query)) ? -EFAULT : 0;
}

static long broker_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tranche_broker *broker = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case TRANCHE_GET_FEATURES:
		return tranche_features_get(user);
	case TRANCHE_PARENT_REGISTER:
		return tranche_parent_register(broker, user);
	case TRANCHE_PARENT_ATTACH:
		return tranche_parent_attach(broker, user);
	case TRANCHE_PARENT_UNREGISTER:
		return tranche_parent_unregister(broker, user);
	case TRANCHE_EVENT_RECEIVE:
		return event_receive(file, user);
	case TRANCHE_EVENT_ANSWER:
		return event_answer(broker, user);
	case TRANCHE_VGPU_ATTACH:
		return vgpu_attach(broker, user);
	case TRANCHE_VGPU_QUERY:
		return vgpu_query(broker, user);
	default:
		return -ENOTTY;
	}
}

static __poll_t broker_poll(struct file *file, poll_table *wait)
{
	struct tranche_broker *broker = file->private_data;

	poll_wait(file, &broker->wait, wait);
	scoped_guard(spinlock, &broker->lock)
		if (list_empty(&broker->queue))
			return 0;
	return EPOLLIN | EPOLLRDNORM;
}

static int broker_open(struct inode *inode, struct file *file)
{
	struct tranche_broker *broker =
		kzalloc(sizeof(*broker), GFP_KERNEL_ACCOUNT);

	if (!broker)
		return -ENOMEM;
	kref_init(&broker->ref);
	spin_lock_init(&broker->lock);
	init_waitqueue_head(&broker->wait);
	INIT_LIST_HEAD(&broker->queue);
	INIT_LIST_HEAD(&broker->taken);
	file->private_data = broker;
	return nonseekable_open(inode, file);
}

/* Ends every request of @list; notices are dropped. */
static void queue_end(struct list_head *list)
{
	struct tranche_notice *notice, *next;

	list_for_each_entry_safe(notice, next, list, entry) {
		if (notice->event.id)
			request_end(notice, -ENOTCONN);
		else
			notice_drop(notice);
	}
}

static int broker_close(struct inode *inode, struct file *file)
{
	struct tranche_broker *broker = file->private_data;

	/* Dead first: its parents then leave nothing in the queue any more. */
	scoped_guard(spinlock, &broker->lock) {
		broker->dead = true;
		queue_end(&broker->queue);
		queue_end(&broker->taken);
	}
	tranche_parent_detach_all(broker);
	tranche_broker_put(broker);
	return 0;
}

const struct file_operations tranche_broker_fops = {
	.owner = THIS_MODULE,
	.open = broker_open,
	.release = broker_close,
	.poll = broker_poll,
	.unlocked_ioctl = broker_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
