/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/memory.h"

#include <stdlib.h>

#include "scheduler/gate/chain.h"
#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/instance.h"

struct allocation {
	struct dispatch_node node;
	uint64_t bytes;
};

static const void *memory_key(VkDeviceMemory memory)
{
	return (const void *)(uintptr_t)memory;
}

/* ------------------------------------------------------------------------
 * What is shown
 * ------------------------------------------------------------------------ */

static bool heap_counts(const VkPhysicalDeviceMemoryProperties *memory,
			uint32_t heap)
{
	if (memory->memoryHeapCount == 1)
		return true;
	return memory->memoryHeaps[heap].flags &
	       VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
}

static VkDeviceSize smaller(VkDeviceSize a, VkDeviceSize b)
{
	return a < b ? a : b;
}

static void heaps_shrink(VkPhysicalDeviceMemoryProperties *memory)
{
	uint64_t limit = lane_vram_limit(connection_lane());

	for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
		if (heap_counts(memory, i))
			memory->memoryHeaps[i].size =
				smaller(memory->memoryHeaps[i].size, limit);
	}
}

/*
 * A budget is what this process may have in all: what it has, and what is left
 * of the quota that it may share with others.
 */
static void budget_shrink(const VkPhysicalDeviceMemoryProperties *memory,
			  VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget)
{
	const struct lane *lane = connection_lane();
	uint64_t limit = lane_vram_limit(lane), used = lane_vram_used(lane);
	uint64_t own = connection_charged();
	uint64_t left = used < limit ? limit - used : 0;

	for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
		if (!heap_counts(memory, i))
			continue;
		budget->heapBudget[i] = smaller(budget->heapBudget[i],
						smaller(own + left, limit));
		budget->heapUsage[i] = own;
	}
}

VKAPI_ATTR void VKAPI_CALL gate_GetPhysicalDeviceMemoryProperties(
	VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties *memory)
{
	struct physical *physical = physical_find(handle);

	*memory = (VkPhysicalDeviceMemoryProperties){};
	if (!physical)
		return;
	physical->instance->next.get_memory(handle, memory);
	heaps_shrink(memory);
}

VKAPI_ATTR void VKAPI_CALL gate_GetPhysicalDeviceMemoryProperties2(
	VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties2 *memory)
{
	struct physical *physical = physical_find(handle);
	const VkPhysicalDeviceMemoryBudgetPropertiesEXT *budget = chain_find(
		memory->pNext,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);

	memory->memoryProperties = (VkPhysicalDeviceMemoryProperties){};
	if (!physical)
		return;
	physical->instance->next.get_memory2(handle, memory);
	heaps_shrink(&memory->memoryProperties);
	if (budget)
		budget_shrink(
			&memory->memoryProperties,
			(VkPhysicalDeviceMemoryBudgetPropertiesEXT *)budget);
}

/* ------------------------------------------------------------------------
 * What is charged
 * ------------------------------------------------------------------------ */

static bool is_import(const VkMemoryAllocateInfo *info)
{
	const VkImportMemoryFdInfoKHR *import = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);

	return import && import->handleType;
}

static uint64_t charge_of(const struct device *device,
			  const VkMemoryAllocateInfo *info)
{
	const VkPhysicalDeviceMemoryProperties *memory =
		&device->physical->memory;

	if (info->memoryTypeIndex >= memory->memoryTypeCount || is_import(info))
		return 0;
	if (!heap_counts(memory,
			 memory->memoryTypes[info->memoryTypeIndex].heapIndex))
		return 0;
	return info->allocationSize;
}

static VkResult allocate_charged(struct device *device, uint64_t bytes,
				 const VkMemoryAllocateInfo *info,
				 const VkAllocationCallbacks *allocator,
				 VkDeviceMemory *memory)
{
	struct allocation *allocation = malloc(sizeof(*allocation));
	VkResult result;

	if (!allocation)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (connection_charge(bytes) < 0) {
		free(allocation);
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	}
	result = device->next.allocate(device->handle, info, allocator, memory);
	if (result != VK_SUCCESS) {
		connection_release(bytes);
		free(allocation);
		return result;
	}
	allocation->bytes = bytes;
	dispatch_map_insert(&device->memory, memory_key(*memory),
			    &allocation->node);
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL gate_AllocateMemory(
	VkDevice handle, const VkMemoryAllocateInfo *info,
	const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
	struct device *device = device_find(handle);
	uint64_t bytes;

	if (!device)
		return VK_ERROR_DEVICE_LOST;
	bytes = charge_of(device, info);
	if (!bytes)
		return device->next.allocate(handle, info, allocator, memory);
	return allocate_charged(device, bytes, info, allocator, memory);
}

static void allocation_release(struct dispatch_node *node)
{
	struct allocation *allocation =
		dispatch_entry(node, struct allocation, node);

	connection_release(allocation->bytes);
	free(allocation);
}

VKAPI_ATTR void VKAPI_CALL
gate_FreeMemory(VkDevice handle, VkDeviceMemory memory,
		const VkAllocationCallbacks *allocator)
{
	struct device *device = device_find(handle);
	struct dispatch_node *node;

	if (!device || !memory)
		return;
	node = dispatch_map_remove(&device->memory, memory_key(memory));
	device->next.free(handle, memory, allocator);
	if (node)
		allocation_release(node);
}

void memory_forget(struct device *device)
{
	struct dispatch_node *node;

	while ((node = dispatch_map_pop(&device->memory)))
		allocation_release(node);
}
