// SPDX-License-Identifier: GPL-2.0-only
/*
 * call.c - messages to a device process, and its answers
 *
 * States of a call:
 *
 *   queued    in calls->queued; next: taken, or gone if nobody waits for it
 *   taken     in calls->taken: the device process has it; answering is next
 *   answered  in no list: the thread that waits frees it
 *   abandoned flag beside queued or taken: the thread that waited was killed or
 *	       gave up, or there never was one; freed where it leaves its list
 *
 * A VMM's thread waits killable, not interruptible: VMMs kick their threads by
 * signals, and a register write that is restarted would happen twice.
 *
 * The messages open and close are part of struct tranche_calls, so that neither
 * can fail nor pile up: an open that was not received when the VMM closes again
 * is taken back.
 *
 * Locks: calls->lock protects everything here and nests inside the vGPU's lock.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call.h"

/* More than any number of virtual processors needs. */
#define CALLS_MAX 1024

static void fixed_init(struct tranche_call *call, u16 op)
{
	*call = (struct tranche_call){
		.message.op = op,
		.abandoned = true,
		.fixed = true,
	};
	INIT_LIST_HEAD(&call->entry);
}

/**
 * tranche_calls_init() - start with no messages
 * @calls: the calls
 */
void tranche_calls_init(struct tranche_calls *calls)
{
	spin_lock_init(&calls->lock);
	init_waitqueue_head(&calls->wait);
	INIT_LIST_HEAD(&calls->queued);
	INIT_LIST_HEAD(&calls->taken);
	fixed_init(&calls->open, TRANCHE_OP_OPEN);
	fixed_init(&calls->close, TRANCHE_OP_CLOSE);
}

static struct tranche_call *call_alloc(const struct tranche_message *message)
{
	struct tranche_call *call = kzalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);

	if (!call)
		return NULL;
	init_completion(&call->done);
	call->message = *message;
	return call;
}

/* Takes a call off its list and gives it to whoever waits for it, if any. */
static void call_end(struct tranche_calls *calls, struct tranche_call *call,
		     int error)
{
	lockdep_assert_held(&calls->lock);
	list_del_init(&call->entry);
	if (call->fixed)
		return;
	calls->count--;
	if (call->abandoned) {
		kfree(call);
		return;
	}
	call->error = error;
	call->answered = true;
	complete(&call->done);
}

/**
 * tranche_calls_end() - fail every call, now and from now on
 * @calls: the calls
 */
void tranche_calls_end(struct tranche_calls *calls)
{
	struct tranche_call *call, *next;

	spin_lock(&calls->lock);
	calls->dead = true;
	list_for_each_entry_safe(call, next, &calls->queued, entry)
		call_end(calls, call, -ESHUTDOWN);
	list_for_each_entry_safe(call, next, &calls->taken, entry)
		call_end(calls, call, -ESHUTDOWN);
	spin_unlock(&calls->lock);
	wake_up_all(&calls->wait);
}

static int call_queue(struct tranche_calls *calls, struct tranche_call *call)
{
	scoped_guard(spinlock, &calls->lock) {
		if (calls->dead)
			return -ESHUTDOWN;
		if (calls->count >= CALLS_MAX)
			return -EBUSY;
		calls->count++;
		call->message.seq = ++calls->next_seq;
		list_add_tail(&call->entry, &calls->queued);
	}
	wake_up_interruptible_poll(&calls->wait, EPOLLIN);
	return 0;
}

/* Nobody waits for @call any more; false if it was answered meanwhile. */
static bool call_abandon(struct tranche_calls *calls, struct tranche_call *call)
{
	scoped_guard(spinlock, &calls->lock) {
		if (call->answered)
			return false;
		call->abandoned = true;
		if (!call->taken)
			call_end(calls, call, 0);
	}
	return true;
}

/**
 * tranche_call_make() - send a message and wait for the answer
 * @calls: the calls
 * @message: what is said; gets the data of the answer to a read
 * @timeout_ms: how long to wait
 *
 * Return: the answer's 0 or negative errno; -EINTR if the caller is killed,
 * -ETIMEDOUT, -ESHUTDOWN if the calls end, -EBUSY if there are too many
 */
int tranche_call_make(struct tranche_calls *calls,
		      struct tranche_message *message, unsigned int timeout_ms)
{
	struct tranche_call *call = call_alloc(message);
	long left;
	int ret;

	if (!call)
		return -ENOMEM;
	call->message.flags = TRANCHE_MESSAGE_ANSWER;
	ret = call_queue(calls, call);
	if (ret)
		goto out;
	left = wait_for_completion_killable_timeout(
		&call->done, msecs_to_jiffies(timeout_ms));
	if (left <= 0 && call_abandon(calls, call))
		return left ? -EINTR : -ETIMEDOUT;
	/* Whoever answered may still hold the lock. */
	scoped_guard(spinlock, &calls->lock)
		ret = call->error;
	if (!ret)
		memcpy(message->data, call->message.data, message->length);
out:
	kfree(call);
	return ret;
}

/**
 * tranche_call_post() - send a message that wants no answer
 * @calls: the calls
 * @message: what is said; lost if it cannot be queued
 */
void tranche_call_post(struct tranche_calls *calls,
		       const struct tranche_message *message)
{
	struct tranche_call *call = call_alloc(message);

	if (!call)
		return;
	call->abandoned = true;
	if (call_queue(calls, call))
		kfree(call);
}

static void fixed_queue(struct tranche_calls *calls, struct tranche_call *call,
			u32 gen)
{
	lockdep_assert_held(&calls->lock);
	if (calls->dead)
		return;
	call->message.gen = gen;
	call->message.seq = ++calls->next_seq;
	list_move_tail(&call->entry, &calls->queued);
}

/**
 * tranche_calls_post_open() - say that the VMM has opened the vGPU
 * @calls: the calls
 * @gen: its new generation
 */
void tranche_calls_post_open(struct tranche_calls *calls, u32 gen)
{
	scoped_guard(spinlock, &calls->lock)
		fixed_queue(calls, &calls->open, gen);
	wake_up_interruptible_poll(&calls->wait, EPOLLIN);
}

/**
 * tranche_calls_post_close() - say that the VMM has closed the vGPU
 * @calls: the calls
 * @gen: the generation that has ended
 */
void tranche_calls_post_close(struct tranche_calls *calls, u32 gen)
{
	spin_lock(&calls->lock);
	if (list_empty(&calls->open.entry))
		fixed_queue(calls, &calls->close, gen);
	else
		list_del_init(&calls->open.entry);
	spin_unlock(&calls->lock);
	wake_up_interruptible_poll(&calls->wait, EPOLLIN);
}

/*
 * The device process's side.
 */

/* Copies the next message out; false if there is none yet. */
static bool message_take(struct tranche_calls *calls,
			 struct tranche_message *message, bool *dead)
{
	struct tranche_call *call;

	spin_lock(&calls->lock);
	*dead = calls->dead;
	call = list_first_entry_or_null(&calls->queued, struct tranche_call,
					entry);
	if (call) {
		*message = call->message;
		if (message->flags & TRANCHE_MESSAGE_ANSWER) {
			call->taken = true;
			list_move_tail(&call->entry, &calls->taken);
		} else {
			call_end(calls, call, 0);
		}
	}
	spin_unlock(&calls->lock);
	return call || *dead;
}

static long message_receive(struct tranche_calls *calls, bool nonblock,
			    struct tranche_message __user *user)
{
	struct tranche_message message;
	size_t size = offsetof(struct tranche_message, data);
	bool dead;

	if (nonblock) {
		if (!message_take(calls, &message, &dead))
			return -EAGAIN;
	} else if (wait_event_interruptible_exclusive(
			   calls->wait, message_take(calls, &message, &dead))) {
		return -ERESTARTSYS;
	}
	if (dead)
		return -ESHUTDOWN;
	if (message.op == TRANCHE_OP_WRITE)
		size += message.length;
	return copy_to_user(user, &message, size) ? -EFAULT : 0;
}

/* The length that the answer to @call has to have. */
static u32 answer_length(const struct tranche_call *call,
			 const struct tranche_answer *answer)
{
	if (call->message.op != TRANCHE_OP_READ || answer->error)
		return 0;
	return call->message.length;
}

static long answer_take(struct tranche_calls *calls,
			const struct tranche_answer *answer)
{
	struct tranche_call *call;

	scoped_guard(spinlock, &calls->lock) {
		if (calls->dead)
			return -ESHUTDOWN;
		list_for_each_entry(call, &calls->taken, entry) {
			if (call->message.seq != answer->seq)
				continue;
			if (answer->length != answer_length(call, answer))
				break;
			memcpy(call->message.data, answer->data,
			       answer->length);
			call_end(calls, call, -(int)answer->error);
			return 0;
		}
	}
	return -EPROTO;
}

static long answer_receive(struct tranche_calls *calls,
			   const struct tranche_answer __user *user)
{
	struct tranche_answer answer;

	if (copy_from_user(&answer, user, offsetof(typeof(answer), data)))
		return -EFAULT;
	if (answer.length > sizeof(answer.data) || answer.error > MAX_ERRNO)
		return -EPROTO;
	if (copy_from_user(answer.data, user->data, answer.length))
		return -EFAULT;
	return answer_take(calls, &answer);
}

/**
 * tranche_calls_serve() - TRANCHE_VGPU_SERVE
 * @calls: the calls
 * @nonblock: do not wait for a message
 * @user: struct tranche_serve of user space
 *
 * Return: as the request; after -EPROTO the caller breaks the vGPU
 */
long tranche_calls_serve(struct tranche_calls *calls, bool nonblock,
			 struct tranche_serve __user *user)
{
	const u32 known = TRANCHE_SERVE_ANSWER | TRANCHE_SERVE_RECEIVE |
			  TRANCHE_SERVE_NOWAIT;
	u32 flags, reserved;
	long ret;

	if (get_user(flags, &user->flags) ||
	    get_user(reserved, &user->reserved))
		return -EFAULT;
	if (flags & ~known || reserved)
		return -EINVAL;
	if (flags & TRANCHE_SERVE_ANSWER) {
		ret = answer_receive(calls, &user->answer);
		if (ret)
			return ret;
		if (put_user(flags & ~TRANCHE_SERVE_ANSWER, &user->flags))
			return -EFAULT;
	}
	if (!(flags & TRANCHE_SERVE_RECEIVE))
		return 0;
	nonblock = nonblock || flags & TRANCHE_SERVE_NOWAIT;
	return message_receive(calls, nonblock, &user->message);
}

/**
 * tranche_calls_poll() - poll()
 * @calls: the calls
 * @file: the descriptor
 * @wait: as given by the kernel
 */
__poll_t tranche_calls_poll(struct tranche_calls *calls, struct file *file,
			    poll_table *wait)
{
	__poll_t ret = 0;

	poll_wait(file, &calls->wait, wait);
	spin_lock(&calls->lock);
	if (!list_empty(&calls->queued))
		ret |= EPOLLIN | EPOLLRDNORM;
	if (calls->dead)
		ret |= EPOLLHUP;
	spin_unlock(&calls->lock);
	return ret;
}
