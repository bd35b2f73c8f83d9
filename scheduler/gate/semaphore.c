/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/semaphore.h"

#include <stdlib.h>

#include "scheduler/gate/chain.h"

static const void *semaphore_key(VkSemaphore handle)
{
	return (const void *)(uintptr_t)handle;
}

static struct semaphore *semaphore_find(struct semaphore_map *map,
					VkSemaphore handle)
{
	struct dispatch_node *node =
		dispatch_map_find(&map->map, semaphore_key(handle));

	return node ? dispatch_entry(node, struct semaphore, node) : NULL;
}

void semaphore_map_init(struct semaphore_map *map,
			const struct next_device *next, VkDevice device)
{
	map->next = next;
	map->device = device;
	dispatch_map_init(&map->map);
}

void semaphore_map_deinit(struct semaphore_map *map)
{
	struct dispatch_node *node;

	while ((node = dispatch_map_pop(&map->map)))
		free(dispatch_entry(node, struct semaphore, node));
}

VkResult semaphore_create(struct semaphore_map *map,
			  const VkSemaphoreCreateInfo *info,
			  const VkAllocationCallbacks *allocator,
			  VkSemaphore *handle)
{
	const VkSemaphoreTypeCreateInfo *type = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
	struct semaphore *semaphore = calloc(1, sizeof(*semaphore));
	VkResult result;

	if (!semaphore)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = map->next->create_semaphore(map->device, info, allocator,
					     handle);
	if (result != VK_SUCCESS) {
		free(semaphore);
		return result;
	}
	semaphore->timeline =
		type && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
	if (semaphore->timeline)
		atomic_init(&semaphore->promised, type->initialValue);
	dispatch_map_insert(&map->map, semaphore_key(*handle),
			    &semaphore->node);
	return VK_SUCCESS;
}

void semaphore_destroy(struct semaphore_map *map, VkSemaphore handle,
		       const VkAllocationCallbacks *allocator)
{
	struct dispatch_node *node;

	node = dispatch_map_remove(&map->map, semaphore_key(handle));
	map->next->destroy_semaphore(map->device, handle, allocator);
	if (node)
		free(dispatch_entry(node, struct semaphore, node));
}

static void promise_value(struct semaphore *semaphore, uint64_t value)
{
	uint_fast64_t known = atomic_load(&semaphore->promised);

	while (known < value && !atomic_compare_exchange_weak(
					&semaphore->promised, &known, value))
		;
}

static bool timeline_promised(struct semaphore_map *map,
			      struct semaphore *semaphore,
			      struct batch_semaphore wait)
{
	uint64_t value;

	if (wait.value <= atomic_load(&semaphore->promised))
		return true;
	if (!map->next->get_counter ||
	    map->next->get_counter(map->device, wait.handle, &value) !=
		    VK_SUCCESS)
		return true;
	promise_value(semaphore, value);
	return wait.value <= value;
}

void semaphore_resolve(struct semaphore_map *map, struct batch_semaphore *wait)
{
	struct semaphore *semaphore = semaphore_find(map, wait->handle);

	if (semaphore && !semaphore->timeline)
		wait->value = atomic_load(&semaphore->submitted);
}

bool semaphore_promised(struct semaphore_map *map, struct batch_semaphore wait)
{
	struct semaphore *semaphore = semaphore_find(map, wait.handle);

	if (!semaphore)
		return true;
	if (semaphore->timeline)
		return timeline_promised(map, semaphore, wait);
	return wait.value <= atomic_load(&semaphore->promised);
}

void semaphore_hold(struct semaphore_map *map, struct batch_semaphore signal)
{
	struct semaphore *semaphore = semaphore_find(map, signal.handle);

	if (semaphore && !semaphore->timeline)
		atomic_fetch_add(&semaphore->submitted, 1);
}

void semaphore_enter(struct semaphore_map *map, struct batch_semaphore signal)
{
	struct semaphore *semaphore = semaphore_find(map, signal.handle);

	if (!semaphore)
		return;
	if (semaphore->timeline)
		promise_value(semaphore, signal.value);
	else
		atomic_fetch_add(&semaphore->promised, 1);
}

void semaphore_promise(struct semaphore_map *map, struct batch_semaphore signal)
{
	semaphore_hold(map, signal);
	semaphore_enter(map, signal);
}

bool semaphore_is_timeline(struct semaphore_map *map, VkSemaphore handle)
{
	struct semaphore *semaphore = semaphore_find(map, handle);

	return semaphore && semaphore->timeline;
}
