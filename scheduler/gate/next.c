/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/next.h"

#define LOAD(member, name, extension)                         \
	next->member = (PFN_vk##name)get(handle, "vk" #name); \
	if (!next->member)                                    \
		next->member = (PFN_vk##name)get(handle, "vk" #extension);

void next_instance_load(struct next_instance *next,
			PFN_vkGetInstanceProcAddr get, VkInstance handle)
{
	NEXT_INSTANCE_FUNCTIONS(LOAD)
}

void next_device_load(struct next_device *next, PFN_vkGetDeviceProcAddr get,
		      VkDevice handle)
{
	NEXT_DEVICE_FUNCTIONS(LOAD)
}
