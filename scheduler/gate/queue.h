/* SPDX-License-Identifier: MIT */
/*
 * A queue of the driver and what the gate let go to it or holds back from it.
 *
 * States of a submission:
 *
 *   blank    on the queue's list of spares
 *   held     in the gate's order of entry (hold.h) and at the end of the
 *            queue's pending list; not counted by the lane
 *   entered  counted as in flight by the lane; pending until its mark is seen
 *            -> blank
 *
 * The order of the pending list is the order of the queue, so a held submission
 * is followed by held ones only.
 *
 * Completion is told by a *mark*: a value of the queue's timeline semaphore
 * `done`, or a fence of the submission's own on a device without timelines.
 *
 * Ownership: a device owns its queues, a queue its submissions and its thread.
 *
 * Locking: `lock` guards what is marked (lock). The lock of hold.h is taken
 * before it, never while it is held. `marking` is held while the driver is given
 * a mark or asked for one, if it can't do both at once; `lock` is taken before
 * it. Vulkan has the application serialise the submissions of one queue: members
 * marked (submitter) are its alone.
 */
#ifndef TRANCHE_GATE_QUEUE_H
#define TRANCHE_GATE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#include "scheduler/gate/batch.h"
#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/stamps.h"
#include "scheduler/lane/lane.h"

struct device;
struct queue;

struct submission {
	struct submission *next; /* (lock) pending or spare */
	struct queue *queue;
	VkFence fence; /* without timelines; kept while spare */
	uint64_t done; /* value of the queue's timeline */
	uint64_t id; /* of the lane */
	uint64_t submit_ns;
	struct stamp stamp;
	bool entered; /* (lock) */
	bool sent; /* (lock) the driver has it */

	/* The rest is for held submissions: (lock of hold.h). */
	struct submission *held_next;
	bool works; /* needs the grant */
	uint64_t gate; /* value of the queue's timeline `gate` */
	bool gated; /* the driver's queue waits for `gate` */
	struct batch_semaphore *semaphores; /* waits, then signals */
	uint32_t waits;
	uint32_t signals;
};

/* What the thread of a queue does. */
enum queue_watch {
	QUEUE_WATCHING, /* waits for a mark, or looks around */
	QUEUE_TICKING, /* looks every now and then */
	QUEUE_ASLEEP,
};

struct queue {
	struct dispatch_node node;
	struct queue *next; /* in its device */
	struct device *device;
	VkQueue handle;
	enum lane_engine engine;
	struct stamps *stamps; /* or NULL */
	VkSemaphore done;
	VkSemaphore gate;
	VkSemaphore nudge; /* a timeline that nobody waits for, or none */
	uint64_t nudges; /* (its thread) its value */
	uint64_t done_last; /* (submitter) */
	uint64_t gate_last; /* (submitter) */
	atomic_uint held; /* changed under the lock of hold.h */
	uint64_t passed_by; /* (lock of hold.h) pass that found it blocked */

	pthread_mutex_t marking;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct submission *pending; /* (lock) oldest first */
	struct submission **pending_tail; /* (lock) */
	uint32_t pending_count; /* (lock) */
	struct submission *spare; /* (lock) */

	/* How completion is watched: (lock). */
	pthread_t thread;
	bool running;
	bool stop;
	enum queue_watch watch;
	bool lazy;
	uint32_t idle_ticks;
	uint64_t job_ns; /* moving average of jobs seen on time */
	uint32_t jobs_seen;
	uint32_t unwatched; /* submissions since one was last watched */
	uint64_t complete_ns; /* of the last one */
};

/**
 * queue_new() - Begin to look after a queue
 * @queuep:	the new one
 * @device:	whose
 * @handle:	the driver's
 * @family:	which family it is of; known to the physical device
 *
 * Return: VK_SUCCESS or an error.
 */
VkResult queue_new(struct queue **queuep, struct device *device, VkQueue handle,
		   uint32_t family);

/* queue_free() - Its submissions are complete, or given up */
void queue_free(struct queue *queue);

/**
 * queue_take() - A blank submission
 * @queue:	of which
 *
 * Return: NULL without memory.
 */
struct submission *queue_take(struct queue *queue);

/* queue_give() - Return a submission that is not pending */
void queue_give(struct submission *submission);

/* queue_append() - Make a submission the last pending one */
void queue_append(struct submission *submission);

/* queue_remove() - Take a submission back that did not reach the driver */
void queue_remove(struct submission *submission);

/* queue_sent() - A pending submission reached the driver */
void queue_sent(struct submission *submission);

/**
 * queue_entered() - A held, pending submission was counted by the lane
 * @submission:	it
 * @id:		its number in the lane
 * @now_ns:	CLOCK_MONOTONIC
 */
void queue_entered(struct submission *submission, uint64_t id, uint64_t now_ns);

/* queue_job_ns() - How long its jobs run, by the last ones; 0: unknown */
uint64_t queue_job_ns(struct queue *queue);

/* queue_mark() - The mark to be signalled by a submission's last batch */
struct batch_semaphore queue_mark(const struct submission *submission);

/* queue_marking_begin(), queue_marking_end() - Around the driver's calls that
 * signal the queue's timeline `done` or ask for its value */
void queue_marking_begin(struct queue *queue);
void queue_marking_end(struct queue *queue);

/* How long a submission ran, as well as is known. */
struct run_time {
	uint64_t gpu_ns;
	uint64_t late_ns; /* it may have been over for so long */
	bool on_time; /* it ended when that was seen */
	bool exact; /* by stamps */
};

/**
 * queue_leave() - Tell the lane that a submission is over
 * @submission:	entered
 * @now_ns:	CLOCK_MONOTONIC
 * @time:	how long it ran; zeroed if it did not
 */
void queue_leave(const struct submission *submission, uint64_t now_ns,
		 struct run_time time);

/*
 * Completion: completion.c.
 */

/**
 * completion_harvest() - Look what is complete, late
 * @queue:	where
 *
 * A fence of the application's may be signalled a little before the gate's
 * mark: if the jobs are short and one should have ended, it is waited for,
 * a tenth of a millisecond at most.
 *
 * Return: how many submissions left the lane.
 */
uint32_t completion_harvest(struct queue *queue);

/**
 * completion_expect() - A submission became pending: see to it that somebody
 * will notice its end
 * @submission:	it; its queue is locked
 */
void completion_expect(const struct submission *submission);

/**
 * completion_hurry() - Somebody waits for the end of what is out
 * @device:	whose queues are watched closely from now on; called without the
 *		lock of a queue
 */
void completion_hurry(struct device *device);

/* completion_start(), completion_stop() - The thread of a queue */
int completion_start(struct queue *queue);
void completion_stop(struct queue *queue);

#endif
