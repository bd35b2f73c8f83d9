/* SPDX-License-Identifier: MIT */
/*
 * The batches of a submission, seen alike through vkQueueSubmit,
 * vkQueueSubmit2 and vkQueueBindSparse, and how to hand them on with one more
 * semaphore signalled at their end.
 *
 * Ownership: a call points to what the application passed; nothing outlives
 * the application's call. Locking: none; a call belongs to one thread.
 */
#ifndef TRANCHE_GATE_BATCH_H
#define TRANCHE_GATE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#include "scheduler/gate/next.h"

enum batch_kind {
	BATCH_SUBMIT,
	BATCH_SUBMIT2,
	BATCH_SPARSE,
};

struct batch_call {
	enum batch_kind kind;
	VkQueue queue;
	VkFence fence;
	uint32_t count;
	union {
		const VkSubmitInfo *submit;
		const VkSubmitInfo2 *submit2;
		const VkBindSparseInfo *sparse;
	};
};

/* A semaphore to wait for or to signal; the value is a timeline's. */
struct batch_semaphore {
	VkSemaphore handle;
	uint64_t value;
};

/* Command buffers of the gate's around the application's; NULL handles: none. */
struct batch_stamps {
	VkCommandBuffer before;
	VkCommandBuffer behind;
};

/* batch_works() - Whether batch @i occupies the GPU */
bool batch_works(const struct batch_call *call, uint32_t i);

uint32_t batch_wait_count(const struct batch_call *call, uint32_t i);
uint32_t batch_signal_count(const struct batch_call *call, uint32_t i);
struct batch_semaphore batch_wait(const struct batch_call *call, uint32_t i,
				  uint32_t which);
struct batch_semaphore batch_signal(const struct batch_call *call, uint32_t i,
				    uint32_t which);

/**
 * batch_may_stamp() - Whether batch_send() can put command buffers around some
 * @call:	all batches
 * @first:	the first of them
 * @end:	the one behind the last of them
 *
 * Not around several batches, which may wait for something in between; nor what
 * has no command buffers, or very many; nor where the batch says more of how it is
 * to be run, as protected ones do and those for some devices of a group.
 */
bool batch_may_stamp(const struct batch_call *call, uint32_t first,
		     uint32_t end);

/**
 * batch_send() - Hand on some of the batches
 * @next:	whom to
 * @call:	all batches
 * @first:	the first to send
 * @end:	the one behind the last to send; @end > @first
 * @mark:	a timeline semaphore to be signalled when they are complete;
 *		its handle may be VK_NULL_HANDLE
 * @stamps:	with handles only if batch_may_stamp() allows it, and with @mark
 *
 * The fence goes with the last batch of the call.
 *
 * Return: what the next function returned, or VK_ERROR_OUT_OF_HOST_MEMORY.
 */
VkResult batch_send(const struct next_device *next,
		    const struct batch_call *call, uint32_t first, uint32_t end,
		    struct batch_semaphore mark, struct batch_stamps stamps);

/**
 * batch_send_wait() - Let a queue wait for a timeline semaphore
 * @next:	whom to tell
 * @queue:	the queue
 * @wait:	what to wait for
 */
VkResult batch_send_wait(const struct next_device *next, VkQueue queue,
			 struct batch_semaphore wait);

/**
 * batch_send_mark() - Signal a timeline semaphore behind what a queue has
 * @next:	whom to tell
 * @queue:	the queue
 * @mark:	what to signal
 * @fence:	may be VK_NULL_HANDLE
 */
VkResult batch_send_mark(const struct next_device *next, VkQueue queue,
			 struct batch_semaphore mark, VkFence fence);

#endif
