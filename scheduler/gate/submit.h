/* SPDX-License-Identifier: MIT */
/*
 * Submissions: at once while the lane lets them, held otherwise.
 *
 * An application's call is cut into *segments*, each of which can end by itself
 * once it entered: a new one begins at a batch that waits for a timeline value
 * which nothing that entered will signal. Each segment that has work enters the
 * lane for itself.
 *
 * A segment that may not enter is held: the driver's queue gets it behind
 * a wait for the gate's timeline, and the caller goes on. A driver may refuse
 * to be given a wait for a binary semaphore whose signal is held like that;
 * unless it is known to bear it, the caller of the wait waits until the signal
 * is promised. A device without timeline semaphores has its callers wait until
 * the grant comes. Neither can last for ever while there is an arbiter: what is
 * in flight ends by itself and then the grant goes round.
 *
 * Ownership and locking: as in queue.h.
 */
#ifndef TRANCHE_GATE_SUBMIT_H
#define TRANCHE_GATE_SUBMIT_H

#include <vulkan/vulkan.h>

VKAPI_ATTR VkResult VKAPI_CALL gate_QueueSubmit(VkQueue handle, uint32_t count,
						const VkSubmitInfo *infos,
						VkFence fence);
VKAPI_ATTR VkResult VKAPI_CALL gate_QueueSubmit2(VkQueue handle, uint32_t count,
						 const VkSubmitInfo2 *infos,
						 VkFence fence);
VKAPI_ATTR VkResult VKAPI_CALL
gate_QueueBindSparse(VkQueue handle, uint32_t count,
		     const VkBindSparseInfo *infos, VkFence fence);
VKAPI_ATTR VkResult VKAPI_CALL
gate_QueuePresentKHR(VkQueue handle, const VkPresentInfoKHR *info);

/* A payload that is given out has to be on its way. */
VKAPI_ATTR VkResult VKAPI_CALL gate_GetSemaphoreFdKHR(
	VkDevice handle, const VkSemaphoreGetFdInfoKHR *info, int *fdp);
VKAPI_ATTR VkResult VKAPI_CALL
gate_GetFenceFdKHR(VkDevice handle, const VkFenceGetFdInfoKHR *info, int *fdp);

#endif
