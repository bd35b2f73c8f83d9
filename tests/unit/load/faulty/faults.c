// SPDX-License-Identifier: MIT
/*
 * Vulkan calls that fail when the environment asks for it, linked into
 * tranche-load-faulty in front of the loader's:
 *   FAULT=lost    the 20th submission loses the device
 *   FAULT=memory  allocations of 32 MiB and more fail
 *   FAULT=drain   waiting for the latest submission while more than one other is
 *                 under way, which drains the queue, fails
 *
 * Locking: none, for one thread that submits.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>

#define FAULT_SUBMISSION 20
#define FAULT_SIZE (32u << 20)
#define EXPORT __attribute__((visibility("default")))
#define FENCES 128

/* The fences of the last submissions, by number; the first is 1. */
static VkFence fences[FENCES];
static unsigned int submitted;

static int fault_is(const char *name)
{
	const char *fault = getenv("FAULT");

	return fault && strcmp(fault, name) == 0;
}

static bool is_under_way(VkDevice device, VkFence fence)
{
	return fence && vkGetFenceStatus(device, fence) == VK_NOT_READY;
}

/* Fences are used again. Return: the number of the last use; 0 without any. */
static unsigned int last_use(VkFence fence)
{
	unsigned int n = submitted;

	while (n && submitted - n < FENCES && fences[n % FENCES] != fence)
		n--;
	return submitted - n < FENCES ? n : 0;
}

static unsigned int older_under_way(VkDevice device)
{
	unsigned int count = 0;

	for (unsigned int n = submitted; n > 1 && submitted - n < FENCES - 1;) {
		VkFence older = fences[--n % FENCES];

		count += last_use(older) == n && is_under_way(device, older);
	}
	return count;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue,
						    uint32_t count,
						    const VkSubmitInfo *submits,
						    VkFence fence)
{
	PFN_vkQueueSubmit real;

	fences[++submitted % FENCES] = fence;
	if (fault_is("lost") && submitted >= FAULT_SUBMISSION)
		return VK_ERROR_DEVICE_LOST;
	real = (PFN_vkQueueSubmit)dlsym(RTLD_NEXT, "vkQueueSubmit");
	return real(queue, count, submits, fence);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice device,
						      uint32_t count,
						      const VkFence *waited,
						      VkBool32 all, uint64_t ns)
{
	PFN_vkWaitForFences real;

	if (fault_is("drain") && last_use(waited[0]) == submitted &&
	    older_under_way(device) > 1)
		return VK_ERROR_DEVICE_LOST;
	real = (PFN_vkWaitForFences)dlsym(RTLD_NEXT, "vkWaitForFences");
	return real(device, count, waited, all, ns);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
		 const VkAllocationCallbacks *callbacks, VkDeviceMemory *memory)
{
	PFN_vkAllocateMemory real;

	if (fault_is("memory") && info->allocationSize >= FAULT_SIZE)
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	real = (PFN_vkAllocateMemory)dlsym(RTLD_NEXT, "vkAllocateMemory");
	return real(device, info, callbacks, memory);
}
