/* SPDX-License-Identifier: MIT */
/*
 * gate-memory: fills video memory and prints what it finds, one line each:
 *
 *   heap BYTES, budget BYTES   as shown before anything is allocated
 *   blocks N                   of MIB each, until the driver says no
 *   refused RESULT             what it said then
 *   again RESULT               after one block was given back
 *   small RESULT               64 KiB beyond it all
 *   idle                       all is freed; with --stay it waits for its end
 *
 *   gate-memory [--stay|--leave|--churn] MIB
 *
 * --leave: ends without freeing anything. --churn: prints "churns" when it has
 * the first block, and allocates and frees blocks until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/gate/rig.h"

#define BLOCKS_MAX 4096
#define CHURN_BLOCKS 16

static void heap_print(const struct rig *rig)
{
	VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
	};
	VkPhysicalDeviceMemoryProperties2 memory = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
		.pNext = &budget,
	};
	VkPhysicalDeviceMemoryProperties old;

	vkGetPhysicalDeviceMemoryProperties(rig->physical, &old);
	vkGetPhysicalDeviceMemoryProperties2(rig->physical, &memory);
	printf("heap %llu %llu\n", (unsigned long long)old.memoryHeaps[0].size,
	       (unsigned long long)memory.memoryProperties.memoryHeaps[0].size);
	printf("budget %llu\n", (unsigned long long)budget.heapBudget[0]);
}

static VkResult allocate(const struct rig *rig, VkDeviceSize bytes,
			 VkDeviceMemory *memory)
{
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
		.allocationSize = bytes,
	};

	return vkAllocateMemory(rig->device, &info, NULL, memory);
}

/* As many as the driver gives, then none, and so on. */
static void churn(const struct rig *rig, VkDeviceSize size)
{
	VkDeviceMemory blocks[CHURN_BLOCKS];
	size_t count = 0;

	for (bool told = false;; told = true) {
		while (count < CHURN_BLOCKS &&
		       allocate(rig, size, &blocks[count]) == VK_SUCCESS) {
			count++;
			if (!told)
				printf("churns\n");
			told = true;
		}
		while (count)
			vkFreeMemory(rig->device, blocks[--count], NULL);
	}
}

int main(int argc, char **argv)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_2,
	};
	static VkDeviceMemory blocks[BLOCKS_MAX];
	VkDeviceSize size = strtoull(argv[argc - 1], NULL, 0) << 20;
	VkDeviceMemory small;
	VkResult result = VK_SUCCESS;
	struct rig rig;
	size_t count = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	rig_open(&rig, &options);
	if (!strcmp(argv[1], "--churn"))
		churn(&rig, size);
	heap_print(&rig);
	while (count < BLOCKS_MAX &&
	       (result = allocate(&rig, size, &blocks[count])) == VK_SUCCESS)
		count++;
	printf("blocks %zu\nrefused %d\n", count, result);
	if (count) {
		vkFreeMemory(rig.device, blocks[count - 1], NULL);
		printf("again %d\n", allocate(&rig, size, &blocks[count - 1]));
	}
	result = allocate(&rig, 64 << 10, &small);
	printf("small %d\n", result);
	if (!strcmp(argv[1], "--leave"))
		_exit(0);
	if (result == VK_SUCCESS)
		vkFreeMemory(rig.device, small, NULL);
	while (count)
		vkFreeMemory(rig.device, blocks[--count], NULL);
	printf("idle\n");
	if (!strcmp(argv[1], "--stay"))
		pause();
	rig_close(&rig);
	return 0;
}
