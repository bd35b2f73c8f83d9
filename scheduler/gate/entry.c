/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/entry.h"

#include <string.h>

#include "scheduler/gate/device.h"
#include "scheduler/gate/instance.h"
#include "scheduler/gate/memory.h"
#include "scheduler/gate/submit.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define SAME(name) ENTRY("vk" #name, gate_##name)
#define EXTENSION(name) ENTRY("vk" #name "KHR", gate_##name)

static const struct entry instance_entries[] = {
	SAME(DestroyInstance),
	SAME(EnumeratePhysicalDevices),
	SAME(EnumeratePhysicalDeviceGroups),
	EXTENSION(EnumeratePhysicalDeviceGroups),
	SAME(GetDeviceProcAddr),
};

static const struct entry physical_entries[] = {
	SAME(GetPhysicalDeviceMemoryProperties),
	SAME(GetPhysicalDeviceMemoryProperties2),
	EXTENSION(GetPhysicalDeviceMemoryProperties2),
};

static const struct entry device_entries[] = {
	SAME(GetDeviceProcAddr),    SAME(DestroyDevice),
	SAME(GetDeviceQueue),	    SAME(GetDeviceQueue2),
	SAME(QueueSubmit),	    SAME(QueueSubmit2),
	EXTENSION(QueueSubmit2),    SAME(QueueBindSparse),
	SAME(QueuePresentKHR),	    SAME(AllocateMemory),
	SAME(FreeMemory),	    SAME(CreateSemaphore),
	SAME(DestroySemaphore),	    SAME(SignalSemaphore),
	EXTENSION(SignalSemaphore), SAME(GetSemaphoreFdKHR),
	SAME(GetFenceFdKHR),
};

PFN_vkVoidFunction entry_find(const struct entry *entries, size_t count,
			      const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(entries[i].name, name))
			return entries[i].function;
	}
	return NULL;
}

PFN_vkVoidFunction entry_physical(const char *name)
{
	return entry_find(physical_entries, ARRAY_SIZE(physical_entries), name);
}

PFN_vkVoidFunction entry_device(const char *name)
{
	return entry_find(device_entries, ARRAY_SIZE(device_entries), name);
}

PFN_vkVoidFunction entry_instance(const char *name)
{
	PFN_vkVoidFunction function = entry_find(
		instance_entries, ARRAY_SIZE(instance_entries), name);

	if (!function)
		function = entry_physical(name);
	return function ? function : entry_device(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
gate_GetDeviceProcAddr(VkDevice handle, const char *name)
{
	struct device *device = device_find(handle);
	PFN_vkVoidFunction next, own;

	if (!device)
		return NULL;
	next = device->get_proc(handle, name);
	own = next ? entry_device(name) : NULL;
	return own ? own : next;
}
