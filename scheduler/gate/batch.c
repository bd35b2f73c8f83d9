/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/batch.h"

#include <stdlib.h>
#include <string.h>

#include "scheduler/gate/chain.h"

/* Calls with more batches or semaphores than these need allocations. */
#define INLINE_BATCHES 8
#define INLINE_SEMAPHORES 16
/* Batches with more command buffers than these are not stamped. */
#define INLINE_COMMANDS 14

bool batch_works(const struct batch_call *call, uint32_t i)
{
	if (call->kind == BATCH_SUBMIT)
		return call->submit[i].commandBufferCount;
	if (call->kind == BATCH_SUBMIT2)
		return call->submit2[i].commandBufferInfoCount;
	return call->sparse[i].bufferBindCount ||
	       call->sparse[i].imageOpaqueBindCount ||
	       call->sparse[i].imageBindCount;
}

uint32_t batch_wait_count(const struct batch_call *call, uint32_t i)
{
	if (call->kind == BATCH_SUBMIT)
		return call->submit[i].waitSemaphoreCount;
	if (call->kind == BATCH_SUBMIT2)
		return call->submit2[i].waitSemaphoreInfoCount;
	return call->sparse[i].waitSemaphoreCount;
}

uint32_t batch_signal_count(const struct batch_call *call, uint32_t i)
{
	if (call->kind == BATCH_SUBMIT)
		return call->submit[i].signalSemaphoreCount;
	if (call->kind == BATCH_SUBMIT2)
		return call->submit2[i].signalSemaphoreInfoCount;
	return call->sparse[i].signalSemaphoreCount;
}

static const VkTimelineSemaphoreSubmitInfo *values_find(const void *chain)
{
	return chain_find(chain,
			  VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
}

static const VkTimelineSemaphoreSubmitInfo *
batch_values(const struct batch_call *call, uint32_t i)
{
	return values_find(call->kind == BATCH_SUBMIT ? call->submit[i].pNext
						      : call->sparse[i].pNext);
}

struct batch_semaphore batch_wait(const struct batch_call *call, uint32_t i,
				  uint32_t which)
{
	const VkTimelineSemaphoreSubmitInfo *values;
	struct batch_semaphore wait = {};

	if (call->kind == BATCH_SUBMIT2) {
		wait.handle =
			call->submit2[i].pWaitSemaphoreInfos[which].semaphore;
		wait.value = call->submit2[i].pWaitSemaphoreInfos[which].value;
		return wait;
	}
	wait.handle = call->kind == BATCH_SUBMIT
			      ? call->submit[i].pWaitSemaphores[which]
			      : call->sparse[i].pWaitSemaphores[which];
	values = batch_values(call, i);
	if (values && which < values->waitSemaphoreValueCount)
		wait.value = values->pWaitSemaphoreValues[which];
	return wait;
}

struct batch_semaphore batch_signal(const struct batch_call *call, uint32_t i,
				    uint32_t which)
{
	const VkTimelineSemaphoreSubmitInfo *values;
	struct batch_semaphore signal = {};

	if (call->kind == BATCH_SUBMIT2) {
		signal.handle =
			call->submit2[i].pSignalSemaphoreInfos[which].semaphore;
		signal.value =
			call->submit2[i].pSignalSemaphoreInfos[which].value;
		return signal;
	}
	signal.handle = call->kind == BATCH_SUBMIT
				? call->submit[i].pSignalSemaphores[which]
				: call->sparse[i].pSignalSemaphores[which];
	values = batch_values(call, i);
	if (values && which < values->signalSemaphoreValueCount)
		signal.value = values->pSignalSemaphoreValues[which];
	return signal;
}

/* ------------------------------------------------------------------------
 * Merging one signal, and stamps, into a batch
 * ------------------------------------------------------------------------ */

/* A batch with one signal more than the application's, and stamps around. */
struct merged {
	union {
		VkSubmitInfo submit;
		VkSubmitInfo2 submit2;
		VkBindSparseInfo sparse;
	};
	VkTimelineSemaphoreSubmitInfo values;
	union {
		VkSemaphore handles[INLINE_SEMAPHORES];
		VkSemaphoreSubmitInfo infos[INLINE_SEMAPHORES];
	};
	uint64_t counts[INLINE_SEMAPHORES];
	union {
		VkCommandBuffer commands[INLINE_COMMANDS + 2];
		VkCommandBufferSubmitInfo command_infos[INLINE_COMMANDS + 2];
	};
};

/*
 * Whether a chain may get a changed VkTimelineSemaphoreSubmitInfo. One that is
 * not at its front can't be taken out without copying what is before it; and
 * device indices are counted along with the semaphores.
 */
static bool chain_mergeable(const void *chain)
{
	const VkTimelineSemaphoreSubmitInfo *values = values_find(chain);

	if (values && (const void *)values != chain)
		return false;
	return !chain_find(chain, VK_STRUCTURE_TYPE_DEVICE_GROUP_SUBMIT_INFO);
}

/* The signals of a VkSubmitInfo or VkBindSparseInfo, and one more. */
static const void *merge_values(struct merged *merged, const void *chain,
				const VkSemaphore *signals, uint32_t count,
				struct batch_semaphore mark)
{
	const VkTimelineSemaphoreSubmitInfo *values = values_find(chain);
	uint32_t valued = values ? values->signalSemaphoreValueCount : 0;

	if (valued > count)
		valued = count;
	if (count)
		memcpy(merged->handles, signals, count * sizeof(*signals));
	memset(merged->counts, 0, sizeof(merged->counts));
	if (valued)
		memcpy(merged->counts, values->pSignalSemaphoreValues,
		       valued * sizeof(merged->counts[0]));
	merged->handles[count] = mark.handle;
	merged->counts[count] = mark.value;
	if (values)
		merged->values = *values;
	else
		merged->values = (VkTimelineSemaphoreSubmitInfo){
			.sType =
				VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
			.pNext = chain,
		};
	merged->values.signalSemaphoreValueCount = count + 1;
	merged->values.pSignalSemaphoreValues = merged->counts;
	return &merged->values;
}

static void merge_submit(struct merged *merged, const VkSubmitInfo *info,
			 struct batch_semaphore mark)
{
	merged->submit = *info;
	merged->submit.pNext =
		merge_values(merged, info->pNext, info->pSignalSemaphores,
			     info->signalSemaphoreCount, mark);
	merged->submit.pSignalSemaphores = merged->handles;
	merged->submit.signalSemaphoreCount++;
}

static void merge_sparse(struct merged *merged, const VkBindSparseInfo *info,
			 struct batch_semaphore mark)
{
	merged->sparse = *info;
	merged->sparse.pNext =
		merge_values(merged, info->pNext, info->pSignalSemaphores,
			     info->signalSemaphoreCount, mark);
	merged->sparse.pSignalSemaphores = merged->handles;
	merged->sparse.signalSemaphoreCount++;
}

static void merge_submit2(struct merged *merged, const VkSubmitInfo2 *info,
			  struct batch_semaphore mark)
{
	uint32_t count = info->signalSemaphoreInfoCount;

	if (count)
		memcpy(merged->infos, info->pSignalSemaphoreInfos,
		       count * sizeof(merged->infos[0]));
	merged->infos[count] = (VkSemaphoreSubmitInfo){
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
		.semaphore = mark.handle,
		.value = mark.value,
		.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
	};
	merged->submit2 = *info;
	merged->submit2.pSignalSemaphoreInfos = merged->infos;
	merged->submit2.signalSemaphoreInfoCount++;
}

static void stamp_submit(struct merged *merged, struct batch_stamps stamps)
{
	uint32_t count = merged->submit.commandBufferCount;

	merged->commands[0] = stamps.before;
	memcpy(merged->commands + 1, merged->submit.pCommandBuffers,
	       count * sizeof(merged->commands[0]));
	merged->commands[count + 1] = stamps.behind;
	merged->submit.pCommandBuffers = merged->commands;
	merged->submit.commandBufferCount += 2;
}

static VkCommandBufferSubmitInfo command_info(VkCommandBuffer commands)
{
	return (VkCommandBufferSubmitInfo){
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
		.commandBuffer = commands,
	};
}

static void stamp_submit2(struct merged *merged, struct batch_stamps stamps)
{
	uint32_t count = merged->submit2.commandBufferInfoCount;

	merged->command_infos[0] = command_info(stamps.before);
	memcpy(merged->command_infos + 1, merged->submit2.pCommandBufferInfos,
	       count * sizeof(merged->command_infos[0]));
	merged->command_infos[count + 1] = command_info(stamps.behind);
	merged->submit2.pCommandBufferInfos = merged->command_infos;
	merged->submit2.commandBufferInfoCount += 2;
}

static void merge_stamps(struct merged *merged, const struct batch_call *call,
			 struct batch_stamps stamps)
{
	if (!stamps.before)
		return;
	if (call->kind == BATCH_SUBMIT2)
		stamp_submit2(merged, stamps);
	else
		stamp_submit(merged, stamps);
}

/* Return: whether nothing but values of timelines comes with a batch. */
static bool submit_is_plain(const VkSubmitInfo *info)
{
	const VkBaseInStructure *extra = info->pNext;

	return !extra ||
	       (extra->sType ==
			VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO &&
		!extra->pNext);
}

static uint32_t command_count(const struct batch_call *call, uint32_t i)
{
	if (call->kind == BATCH_SUBMIT2)
		return call->submit2[i].commandBufferInfoCount;
	return call->submit[i].commandBufferCount;
}

bool batch_may_stamp(const struct batch_call *call, uint32_t first,
		     uint32_t end)
{
	uint32_t count;

	if (end - first != 1 || call->kind == BATCH_SPARSE ||
	    batch_signal_count(call, first) >= INLINE_SEMAPHORES)
		return false;
	count = command_count(call, first);
	if (!count || count > INLINE_COMMANDS)
		return false;
	if (call->kind == BATCH_SUBMIT)
		return submit_is_plain(&call->submit[first]);
	return !call->submit2[first].pNext && !call->submit2[first].flags;
}

/* Return: false when the signal needs a batch of its own. */
static bool merge(struct merged *merged, const struct batch_call *call,
		  uint32_t i, struct batch_semaphore mark)
{
	if (batch_signal_count(call, i) >= INLINE_SEMAPHORES)
		return false;
	if (call->kind == BATCH_SUBMIT2) {
		merge_submit2(merged, &call->submit2[i], mark);
		return true;
	}
	if (!chain_mergeable(call->kind == BATCH_SUBMIT
				     ? call->submit[i].pNext
				     : call->sparse[i].pNext))
		return false;
	if (call->kind == BATCH_SUBMIT)
		merge_submit(merged, &call->submit[i], mark);
	else
		merge_sparse(merged, &call->sparse[i], mark);
	return true;
}

/* ------------------------------------------------------------------------
 * Sending
 * ------------------------------------------------------------------------ */

static VkResult send_infos(const struct next_device *next,
			   const struct batch_call *call, const void *infos,
			   uint32_t count, VkFence fence)
{
	if (call->kind == BATCH_SUBMIT)
		return next->submit(call->queue, count, infos, fence);
	if (call->kind == BATCH_SUBMIT2)
		return next->submit2(call->queue, count, infos, fence);
	return next->bind_sparse(call->queue, count, infos, fence);
}

static size_t info_size(const struct batch_call *call)
{
	if (call->kind == BATCH_SUBMIT)
		return sizeof(VkSubmitInfo);
	if (call->kind == BATCH_SUBMIT2)
		return sizeof(VkSubmitInfo2);
	return sizeof(VkBindSparseInfo);
}

static const char *info_at(const struct batch_call *call, uint32_t i)
{
	return (const char *)call->submit + i * info_size(call);
}

/* Several batches, the last of them changed. */
static VkResult send_replaced(const struct next_device *next,
			      const struct batch_call *call, uint32_t first,
			      uint32_t end, const struct merged *last,
			      VkFence fence)
{
	size_t size = info_size(call);
	uint32_t count = end - first;
	union {
		VkSubmitInfo submit[INLINE_BATCHES];
		VkSubmitInfo2 submit2[INLINE_BATCHES];
		VkBindSparseInfo sparse[INLINE_BATCHES];
	} space;
	char *infos = (char *)&space;
	VkResult result;

	if (count > INLINE_BATCHES)
		infos = malloc(count * size);
	if (!infos)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	memcpy(infos, info_at(call, first), (count - 1) * size);
	memcpy(infos + (count - 1) * size, last, size);
	result = send_infos(next, call, infos, count, fence);
	if (infos != (char *)&space)
		free(infos);
	return result;
}

VkResult batch_send(const struct next_device *next,
		    const struct batch_call *call, uint32_t first, uint32_t end,
		    struct batch_semaphore mark, struct batch_stamps stamps)
{
	VkFence fence = end == call->count ? call->fence : VK_NULL_HANDLE;
	struct merged merged;
	VkResult result;

	if (!mark.handle)
		return send_infos(next, call, info_at(call, first), end - first,
				  fence);
	if (merge(&merged, call, end - 1, mark)) {
		merge_stamps(&merged, call, stamps);
		if (end - first == 1)
			return send_infos(next, call, &merged, 1, fence);
		return send_replaced(next, call, first, end, &merged, fence);
	}
	result = send_infos(next, call, info_at(call, first), end - first,
			    VK_NULL_HANDLE);
	if (result != VK_SUCCESS)
		return result;
	return batch_send_mark(next, call->queue, mark, fence);
}

VkResult batch_send_wait(const struct next_device *next, VkQueue queue,
			 struct batch_semaphore wait)
{
	const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.waitSemaphoreValueCount = 1,
		.pWaitSemaphoreValues = &wait.value,
	};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.pNext = &values,
		.waitSemaphoreCount = 1,
		.pWaitSemaphores = &wait.handle,
		.pWaitDstStageMask = &stage,
	};

	return next->submit(queue, 1, &info, VK_NULL_HANDLE);
}

VkResult batch_send_mark(const struct next_device *next, VkQueue queue,
			 struct batch_semaphore mark, VkFence fence)
{
	VkTimelineSemaphoreSubmitInfo values = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.signalSemaphoreValueCount = 1,
		.pSignalSemaphoreValues = &mark.value,
	};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.pNext = &values,
		.signalSemaphoreCount = 1,
		.pSignalSemaphores = &mark.handle,
	};

	return next->submit(queue, 1, &info, fence);
}
