/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/dispatch.h"

#include <stdint.h>

static struct dispatch_node **bucket(struct dispatch_map *map, const void *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;

	return &map->buckets[hash >> 58];
}

/* The link that leads to the node of @key, or the NULL link at the end. */
static struct dispatch_node **bucket_seek(struct dispatch_map *map,
					  const void *key)
{
	struct dispatch_node **link = bucket(map, key);

	while (*link && (*link)->key != key)
		link = &(*link)->next;
	return link;
}

void dispatch_map_insert(struct dispatch_map *map, const void *key,
			 struct dispatch_node *node)
{
	struct dispatch_node **head = bucket(map, key);

	node->key = key;
	pthread_rwlock_wrlock(&map->lock);
	node->next = *head;
	*head = node;
	pthread_rwlock_unlock(&map->lock);
}

struct dispatch_node *dispatch_map_find(struct dispatch_map *map,
					const void *key)
{
	struct dispatch_node *node;

	pthread_rwlock_rdlock(&map->lock);
	node = *bucket_seek(map, key);
	pthread_rwlock_unlock(&map->lock);
	return node;
}

struct dispatch_node *dispatch_map_remove(struct dispatch_map *map,
					  const void *key)
{
	struct dispatch_node **link, *node;

	pthread_rwlock_wrlock(&map->lock);
	link = bucket_seek(map, key);
	node = *link;
	if (node)
		*link = node->next;
	pthread_rwlock_unlock(&map->lock);
	return node;
}

void dispatch_map_init(struct dispatch_map *map)
{
	*map = (struct dispatch_map)DISPATCH_MAP_INITIALIZER;
}

struct dispatch_node *dispatch_map_pop(struct dispatch_map *map)
{
	struct dispatch_node *node = NULL;

	pthread_rwlock_wrlock(&map->lock);
	for (size_t i = 0; !node && i < DISPATCH_BUCKETS; i++) {
		node = map->buckets[i];
		if (node)
			map->buckets[i] = node->next;
	}
	pthread_rwlock_unlock(&map->lock);
	return node;
}

VkLayerInstanceCreateInfo *
dispatch_instance_link(const VkInstanceCreateInfo *info)
{
	VkLayerInstanceCreateInfo *link;

	for (link = (VkLayerInstanceCreateInfo *)info->pNext; link;
	     link = (VkLayerInstanceCreateInfo *)link->pNext) {
		if (link->sType ==
			    VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO &&
		    link->function == VK_LAYER_LINK_INFO)
			return link->u.pLayerInfo ? link : NULL;
	}
	return NULL;
}

static VkLayerDeviceCreateInfo *device_info_find(const VkDeviceCreateInfo *info,
						 VkLayerFunction function)
{
	VkLayerDeviceCreateInfo *link;

	for (link = (VkLayerDeviceCreateInfo *)info->pNext; link;
	     link = (VkLayerDeviceCreateInfo *)link->pNext) {
		if (link->sType ==
			    VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO &&
		    link->function == function)
			return link;
	}
	return NULL;
}

VkLayerDeviceCreateInfo *dispatch_device_link(const VkDeviceCreateInfo *info)
{
	VkLayerDeviceCreateInfo *link =
		device_info_find(info, VK_LAYER_LINK_INFO);

	return link && link->u.pLayerInfo ? link : NULL;
}

PFN_vkSetDeviceLoaderData dispatch_device_adopt(const VkDeviceCreateInfo *info)
{
	const VkLayerDeviceCreateInfo *link =
		device_info_find(info, VK_LOADER_DATA_CALLBACK);

	return link ? link->u.pfnSetDeviceLoaderData : NULL;
}
