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
 * a wait for the gate's timeline, and the caller goes on. Where a driver is not
 * known to bear that (a binary semaphore's signal behind a timeline that is not
 * submitted yet), the caller waits first, for a bounded time. A device without
 * timeline semaphores has its callers wait until the grant comes: that needs
 * nothing from them, since what is in flight ends by itself.
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
VKAPI_ATTR VkResult VKAPI_CALL gate_QueuePresentKHR(
	VkQueue handle, const VkPresentInfoKHR *info);

#endif
