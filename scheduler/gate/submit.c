/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/submit.h"

#include "scheduler/gate/batch.h"
#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/hold.h"
#include "scheduler/gate/queue.h"
#include "scheduler/gate/slack.h"
#include "scheduler/gate/thread.h"

#define NS_PER_MS UINT64_C(1000000)
/* How long a present waits for its grant. */
#define PRESENT_WAIT_NS (20 * NS_PER_MS)

/* Some batches of a call, and whether they need the grant. */
struct segment {
	const struct batch_call *call;
	uint32_t first;
	uint32_t end;
	bool works;
	bool ready; /* all that it waits for is promised */
};

/* ------------------------------------------------------------------------
 * Cutting
 * ------------------------------------------------------------------------ */

/* Whether the batches [first, i) of a call signal what one behind waits for. */
static bool signalled_before(struct semaphore_map *map,
			     const struct batch_call *call, uint32_t first,
			     uint32_t i, struct batch_semaphore wait)
{
	bool timeline = semaphore_is_timeline(map, wait.handle);

	while (i-- > first) {
		for (uint32_t k = 0; k < batch_signal_count(call, i); k++) {
			struct batch_semaphore signal =
				batch_signal(call, i, k);

			if (signal.handle == wait.handle &&
			    (!timeline || signal.value >= wait.value))
				return true;
		}
	}
	return false;
}

static bool batch_promised(struct semaphore_map *map,
			   const struct batch_call *call, uint32_t first,
			   uint32_t i)
{
	for (uint32_t k = 0; k < batch_wait_count(call, i); k++) {
		struct batch_semaphore wait = batch_wait(call, i, k);

		semaphore_resolve(map, &wait);
		if (!semaphore_promised(map, wait) &&
		    !signalled_before(map, call, first, i, wait))
			return false;
	}
	return true;
}

static struct segment segment_cut(struct queue *queue,
				  const struct batch_call *call, uint32_t first)
{
	struct semaphore_map *map = &queue->device->semaphores;
	struct segment segment = {
		.call = call,
		.first = first,
		.ready = batch_promised(map, call, first, first),
	};
	uint32_t i = first;

	do
		segment.works |= batch_works(call, i);
	while (++i < call->count && batch_promised(map, call, first, i));
	segment.end = i;
	return segment;
}

static void segment_promise(struct queue *queue, const struct segment *segment)
{
	const struct batch_call *call = segment->call;

	for (uint32_t i = segment->first; i < segment->end; i++) {
		for (uint32_t k = 0; k < batch_signal_count(call, i); k++)
			semaphore_promise(&queue->device->semaphores,
					  batch_signal(call, i, k));
	}
}

/* ------------------------------------------------------------------------
 * Sending
 * ------------------------------------------------------------------------ */

static struct batch_stamps segment_stamps(struct queue *queue,
					  const struct segment *segment,
					  struct submission *submission,
					  bool passes)
{
	if (!queue->stamps ||
	    !batch_may_stamp(segment->call, segment->first, segment->end))
		return (struct batch_stamps){};
	return stamps_begin(queue->stamps, &submission->stamp, passes);
}

/* Hands a segment on, with the mark that tells its end. @passes: it entered. */
static VkResult segment_send(struct queue *queue, const struct segment *segment,
			     struct submission *submission, bool passes)
{
	const struct next_device *next = &queue->device->next;
	struct batch_semaphore mark = queue_mark(submission);
	struct batch_stamps stamps =
		segment_stamps(queue, segment, submission, passes);
	VkResult result;

	queue_marking_begin(queue);
	result = batch_send(next, segment->call, segment->first, segment->end,
			    mark, stamps);
	queue_marking_end(queue);
	if (result != VK_SUCCESS || queue->device->timeline)
		return result;
	return next->submit(queue->handle, 0, NULL, submission->fence);
}

static VkResult segment_send_plain(struct queue *queue,
				   const struct segment *segment)
{
	return batch_send(&queue->device->next, segment->call, segment->first,
			  segment->end, (struct batch_semaphore){},
			  (struct batch_stamps){});
}

/* Whether a submission of this queue would overtake a held one. */
static bool would_overtake(const struct queue *queue)
{
	return hold_waiting() || atomic_load(&queue->held);
}

static bool lane_try(struct queue *queue, uint64_t now_ns)
{
	struct lane *lane = connection_lane();

	if (lane_enter(lane, now_ns))
		return true;
	/* What was not looked at yet may have been the last in flight. */
	completion_harvest(queue);
	return lane_enter(lane, now_ns);
}

/* Gives back what was entered, which did not reach the driver. */
static void submission_undo(struct submission *submission)
{
	queue_leave(submission, submission->submit_ns, (struct run_time){});
	queue_give(submission);
}

/* The lane has let it pass. */
static VkResult segment_pass(struct queue *queue, const struct segment *segment,
			     uint64_t now_ns)
{
	struct submission *submission = queue_take(queue);
	VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;

	if (!submission) {
		lane_leave(connection_lane(), &(struct lane_job){});
		return result;
	}
	slack_fit(lane_crowd(connection_lane()), 0, 0);
	submission->submit_ns = now_ns;
	submission->id =
		lane_submitted(connection_lane(), queue->engine, now_ns);
	submission->entered = true;
	submission->sent = true;
	result = segment_send(queue, segment, submission, true);
	if (result != VK_SUCCESS) {
		submission_undo(submission);
		return result;
	}
	if (submission->stamp.probed)
		submission->stamp.call_ns = thread_now() - now_ns;
	segment_promise(queue, segment);
	queue_append(submission);
	return VK_SUCCESS;
}

/* Whether the driver may be given a wait whose signal is still held. */
static bool waits_may_be_held(const struct device *device)
{
	return device->physical->holds_binary;
}

static void batch_settle(struct queue *queue, const struct batch_call *call,
			 uint32_t i)
{
	struct semaphore_map *map = &queue->device->semaphores;

	for (uint32_t k = 0; k < batch_wait_count(call, i); k++) {
		struct batch_semaphore wait = batch_wait(call, i, k);

		if (!semaphore_is_timeline(map, wait.handle))
			hold_wait_promised(map, wait.handle);
	}
}

static VkResult segment_send_held(struct queue *queue,
				  const struct segment *segment,
				  struct submission *submission)
{
	struct batch_semaphore gate = {queue->gate, submission->gate};
	VkResult result;

	if (queue->device->timeline && hold_gate(submission)) {
		result = batch_send_wait(&queue->device->next, queue->handle,
					 gate);
		if (result != VK_SUCCESS)
			return result;
	}
	return segment_send(queue, segment, submission, false);
}

static VkResult segment_hold(struct queue *queue, const struct segment *segment)
{
	struct submission *submission = queue_take(queue);
	VkResult result;

	if (!submission)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hold_add(submission, segment->call, segment->first, segment->end,
		     segment->works) < 0) {
		queue_give(submission);
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	}
	if (!segment->works)
		return segment_send_plain(queue, segment);
	slack_fit(lane_crowd(connection_lane()), atomic_load(&queue->held),
		  queue_job_ns(queue));
	if (!queue->device->timeline)
		hold_wait(submission, UINT64_MAX);
	result = segment_send_held(queue, segment, submission);
	if (result == VK_SUCCESS)
		queue_sent(submission);
	else
		hold_cancel(submission);
	return result;
}

static VkResult segment_submit(struct queue *queue,
			       const struct segment *segment)
{
	uint64_t now_ns;
	VkResult result;

	if (segment->works) {
		now_ns = thread_now();
		if (segment->ready && !would_overtake(queue) &&
		    lane_try(queue, now_ns))
			return segment_pass(queue, segment, now_ns);
		return segment_hold(queue, segment);
	}
	if (!segment->ready || atomic_load(&queue->held))
		return segment_hold(queue, segment);
	result = segment_send_plain(queue, segment);
	if (result == VK_SUCCESS)
		segment_promise(queue, segment);
	return result;
}

static VkResult call_submit(const struct batch_call *call)
{
	struct queue *queue = queue_find(call->queue);
	VkResult result = VK_SUCCESS;
	uint32_t first = 0;

	if (!queue)
		return VK_ERROR_DEVICE_LOST;
	if (!call->count)
		return queue->device->next.submit(call->queue, 0, NULL,
						  call->fence);
	while (result == VK_SUCCESS && first < call->count) {
		struct segment segment;

		if (!waits_may_be_held(queue->device))
			batch_settle(queue, call, first);
		segment = segment_cut(queue, call, first);
		result = segment_submit(queue, &segment);
		first = segment.end;
	}
	return result;
}

/* ------------------------------------------------------------------------
 * The calls of the application
 * ------------------------------------------------------------------------ */

VKAPI_ATTR VkResult VKAPI_CALL gate_QueueSubmit(VkQueue handle, uint32_t count,
						const VkSubmitInfo *infos,
						VkFence fence)
{
	struct batch_call call = {
		.kind = BATCH_SUBMIT,
		.queue = handle,
		.fence = fence,
		.count = count,
		.submit = infos,
	};

	return call_submit(&call);
}

VKAPI_ATTR VkResult VKAPI_CALL gate_QueueSubmit2(VkQueue handle, uint32_t count,
						 const VkSubmitInfo2 *infos,
						 VkFence fence)
{
	struct batch_call call = {
		.kind = BATCH_SUBMIT2,
		.queue = handle,
		.fence = fence,
		.count = count,
		.submit2 = infos,
	};

	return call_submit(&call);
}

VKAPI_ATTR VkResult VKAPI_CALL
gate_QueueBindSparse(VkQueue handle, uint32_t count,
		     const VkBindSparseInfo *infos, VkFence fence)
{
	struct batch_call call = {
		.kind = BATCH_SPARSE,
		.queue = handle,
		.fence = fence,
		.count = count,
		.sparse = infos,
	};

	return call_submit(&call);
}

/* ------------------------------------------------------------------------
 * Present
 *
 * A present may copy, so it needs the grant as work does. It can't be held: its
 * caller waits, for a bounded time, since the work that it shows was granted.
 * Without an arbiter the bound does not count: nothing may pass then.
 * ------------------------------------------------------------------------ */

/* Presents, and marks the end of what that submitted. */
static VkResult present_send(struct queue *queue, const VkPresentInfoKHR *info,
			     struct submission *submission)
{
	const struct next_device *next = &queue->device->next;
	VkResult presented = next->present(queue->handle, info), result;

	queue_marking_begin(queue);
	if (queue->device->timeline)
		result =
			batch_send_mark(next, queue->handle,
					queue_mark(submission), VK_NULL_HANDLE);
	else
		result =
			next->submit(queue->handle, 0, NULL, submission->fence);
	queue_marking_end(queue);
	if (result == VK_SUCCESS)
		queue_sent(submission);
	else
		hold_cancel(submission);
	return presented;
}

static bool present_wait(struct submission *submission)
{
	do {
		if (hold_wait(submission, thread_now() + PRESENT_WAIT_NS))
			return true;
	} while (!connection_alive());
	return false;
}

VKAPI_ATTR VkResult VKAPI_CALL
gate_QueuePresentKHR(VkQueue handle, const VkPresentInfoKHR *info)
{
	VkSubmitInfo waits = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.waitSemaphoreCount = info->waitSemaphoreCount,
		.pWaitSemaphores = info->pWaitSemaphores,
	};
	struct batch_call call = {
		.kind = BATCH_SUBMIT,
		.queue = handle,
		.count = 1,
		.submit = &waits,
	};
	struct queue *queue = queue_find(handle);
	struct submission *submission;

	if (!queue)
		return VK_ERROR_DEVICE_LOST;
	submission = queue_take(queue);
	if (!submission)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hold_add(submission, &call, 0, 1, true) < 0) {
		queue_give(submission);
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	}
	if (present_wait(submission))
		return present_send(queue, info, submission);
	hold_cancel(submission);
	if (!waits_may_be_held(queue->device))
		batch_settle(queue, &call, 0);
	return queue->device->next.present(handle, info);
}

/* ------------------------------------------------------------------------
 * Payloads given out
 * ------------------------------------------------------------------------ */

VKAPI_ATTR VkResult VKAPI_CALL gate_GetSemaphoreFdKHR(
	VkDevice handle, const VkSemaphoreGetFdInfoKHR *info, int *fdp)
{
	struct device *device = device_find(handle);

	if (!device)
		return VK_ERROR_DEVICE_LOST;
	if (info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT &&
	    !waits_may_be_held(device))
		hold_wait_promised(&device->semaphores, info->semaphore);
	return device->next.get_semaphore_fd(handle, info, fdp);
}

/* Which submission a fence belongs to is not known: all have to be through. */
VKAPI_ATTR VkResult VKAPI_CALL
gate_GetFenceFdKHR(VkDevice handle, const VkFenceGetFdInfoKHR *info, int *fdp)
{
	struct device *device = device_find(handle);

	if (!device)
		return VK_ERROR_DEVICE_LOST;
	if (info->handleType == VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT &&
	    !waits_may_be_held(device))
		hold_wait_device(device);
	return device->next.get_fence_fd(handle, info, fdp);
}
