/* SPDX-License-Identifier: MIT */
/*
 * Submissions that may not go yet, of all queues of this process, in the order
 * in which they came.
 *
 * A held submission *enters* when the lane lets it (lane_enter()), all its
 * waits are promised (semaphore.h) and nothing of its queue is held before it.
 * Of the driver's queue it is already part, behind a batch that waits for the
 * queue's timeline `gate`; or its caller waits, where that is not allowed.
 * Submissions without work are held too when others stand before them, but
 * only for the order of promises: the driver has them, and they need no grant.
 *
 * Ownership: submissions are their queues'; this module only links them.
 *
 * Locking: one lock for the process, taken before those of the queues. Its
 * thread lives from the first hold_start() to the last hold_stop() and lets
 * submissions enter as the lane opens; so does who sees a submission complete.
 */
#ifndef TRANCHE_GATE_HOLD_H
#define TRANCHE_GATE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/gate/batch.h"
#include "scheduler/gate/queue.h"
#include "scheduler/gate/semaphore.h"

/* hold_start() - Another device; 0 or a negative errno */
int hold_start(void);

/* hold_stop() - One device less */
void hold_stop(void);

/* hold_forked() - In the child of a fork(): nothing is held */
void hold_forked(void);

/**
 * hold_waiting() - Whether anything is held that could go
 *
 * Then nothing may overtake it.
 */
bool hold_waiting(void);

/**
 * hold_add() - Hold a submission
 * @submission:	blank, its queue set; pending from now on if it works
 * @call:	what it submits; copied as far as it is needed later
 * @first:	first of its batches
 * @end:	the one behind the last
 * @works:	whether it needs the grant
 *
 * One that does not work belongs to this module from now on.
 *
 * Return: 0, or -ENOMEM and nothing is held.
 */
int hold_add(struct submission *submission, const struct batch_call *call,
	     uint32_t first, uint32_t end, bool works);

/**
 * hold_gate() - Whether the driver's queue has to wait
 * @submission:	held by hold_add()
 *
 * Return: false when it entered meanwhile; true: the caller makes the driver's
 * queue wait for the value `gate`, which is signalled as it enters.
 */
bool hold_gate(struct submission *submission);

/**
 * hold_wait() - Wait until a submission enters
 * @submission:	held by hold_add()
 * @until_ns:	CLOCK_MONOTONIC, UINT64_MAX for no limit
 *
 * Return: true when it entered.
 */
bool hold_wait(struct submission *submission, uint64_t until_ns);

/**
 * hold_wait_promised() - Wait until the last signal of a semaphore is promised
 * @map:	of its device
 * @handle:	a binary semaphore
 *
 * As long as something only lacks the grant; and a bounded time beyond that,
 * in which the application may signal what is waited for.
 */
void hold_wait_promised(struct semaphore_map *map, VkSemaphore handle);

/* hold_wait_device() - Likewise, until nothing of a device is held */
void hold_wait_device(struct device *device);

/**
 * hold_cancel() - A held or entered submission failed to reach the driver
 * @submission:	of hold_add(), works; the caller's again
 */
void hold_cancel(struct submission *submission);

/* hold_pass() - Let enter what may */
void hold_pass(void);

/* hold_drop() - Forget what is held of a queue, which is about to be freed */
void hold_drop(struct queue *queue);

#endif
