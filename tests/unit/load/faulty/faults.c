// SPDX-License-Identifier: MIT
/*
 * Vulkan calls that fail when the environment asks for it, linked into
 * tranche-load-faulty in front of the loader's:
 *   FAULT=lost    the 20th submission loses the device
 *   FAULT=memory  allocations of 32 MiB and more fail
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>

#define FAULT_SUBMISSION 20
#define FAULT_SIZE (32u << 20)

static int fault_is(const char *name)
{
	const char *fault = getenv("FAULT");

	return fault && strcmp(fault, name) == 0;
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkQueueSubmit(VkQueue queue, uint32_t count, const VkSubmitInfo *submits,
	      VkFence fence)
{
	static int submissions;
	PFN_vkQueueSubmit real;

	if (fault_is("lost") && ++submissions >= FAULT_SUBMISSION)
		return VK_ERROR_DEVICE_LOST;
	real = (PFN_vkQueueSubmit)dlsym(RTLD_NEXT, "vkQueueSubmit");
	return real(queue, count, submits, fence);
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkAllocateMemory(VkDevice device, const VkMemoryAllocateInfo *info,
		 const VkAllocationCallbacks *callbacks, VkDeviceMemory *memory)
{
	PFN_vkAllocateMemory real;

	if (fault_is("memory") && info->allocationSize >= FAULT_SIZE)
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	real = (PFN_vkAllocateMemory)dlsym(RTLD_NEXT, "vkAllocateMemory");
	return real(device, info, callbacks, memory);
}
