/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_CALL_H
#define TRANCHE_CALL_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "uapi/tranche.h"

/**
 * struct tranche_call - a message to the device process
 * @entry: in the list of its state
 * @done: it was answered, or the calls ended
 * @message: what is said; @data of a read is filled by the answer
 * @error: outcome
 * @answered: @error counts
 * @taken: the device process has received it
 * @abandoned: nobody waits; whoever takes it off its list frees it
 * @fixed: part of struct tranche_calls: never freed
 */
struct tranche_call {
	struct list_head entry;
	struct completion done;
	struct tranche_message message;
	int error;
	bool answered;
	bool taken;
	bool abandoned;
	bool fixed;
};

/**
 * struct tranche_calls - the messages of one session
 * @lock: protects all that follows
 * @wait: threads of the device process
 * @queued: to be received, in order
 * @taken: received and to be answered
 * @next_seq: for the next call
 * @count: calls in both lists
 * @dead: no more calls
 * @open: the message that the VMM has opened the vGPU
 * @close: the message that it has closed it
 */
struct tranche_calls {
	spinlock_t lock;
	wait_queue_head_t wait;
	struct list_head queued;
	struct list_head taken;
	u64 next_seq;
	u32 count;
	bool dead;
	struct tranche_call open;
	struct tranche_call close;
};

void tranche_calls_init(struct tranche_calls *calls);
void tranche_calls_end(struct tranche_calls *calls);

int tranche_call_make(struct tranche_calls *calls,
		      struct tranche_message *message, unsigned int timeout_ms);
void tranche_call_post(struct tranche_calls *calls,
		       const struct tranche_message *message);

void tranche_calls_post_open(struct tranche_calls *calls, u32 gen);
void tranche_calls_post_close(struct tranche_calls *calls, u32 gen);

long tranche_calls_serve(struct tranche_calls *calls, bool nonblock,
			 struct tranche_serve __user *user);
__poll_t tranche_calls_poll(struct tranche_calls *calls, struct file *file,
			    poll_table *wait);

#endif /* TRANCHE_CALL_H */
