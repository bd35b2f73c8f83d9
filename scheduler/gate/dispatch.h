/* SPDX-License-Identifier: MIT */
/*
 * Plumbing of a Vulkan layer: from a handle to what the layer keeps for it.
 *
 * The loader puts a pointer at the start of every dispatchable object, the
 * same one in all children of an instance (its physical devices) or of a
 * device (its queues and command buffers). That pointer is the key under which
 * a layer finds its own state.
 *
 * States of a node: outside a map (the caller's, free to do anything) or
 * inserted (the map links it; only dispatch_map_remove() may end that).
 *
 * Ownership: nodes are embedded in the caller's objects and stay the caller's.
 * The map allocates nothing.
 *
 * Locking: the map's own rwlock guards its links only. What is found stays
 * valid for as long as its owner lets it; Vulkan forbids an application to
 * destroy an object that another thread is using.
 */
#ifndef TRANCHE_GATE_DISPATCH_H
#define TRANCHE_GATE_DISPATCH_H

#include <pthread.h>
#include <stddef.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

#define DISPATCH_BUCKETS 64

#define dispatch_entry(node, type, member) \
	((type *)((char *)(node) - offsetof(type, member)))

struct dispatch_node {
	const void *key;
	struct dispatch_node *next;
};

struct dispatch_map {
	pthread_rwlock_t lock;
	struct dispatch_node *buckets[DISPATCH_BUCKETS];
};

/* For a map of static storage; its buckets are empty. */
#define DISPATCH_MAP_INITIALIZER {.lock = PTHREAD_RWLOCK_INITIALIZER}

/**
 * dispatch_key() - The key shared by a dispatchable object and its children
 * @object:	a VkInstance, VkPhysicalDevice, VkDevice, VkQueue or
 *		VkCommandBuffer, not NULL
 */
static inline const void *dispatch_key(const void *object)
{
	return *(const void *const *)object;
}

/**
 * dispatch_map_insert() - Add a node
 * @map:	the map
 * @key:	from dispatch_key(), not yet in @map
 * @node:	the caller's node, in no map
 */
void dispatch_map_insert(struct dispatch_map *map, const void *key,
			 struct dispatch_node *node);

/**
 * dispatch_map_find() - Look a key up
 * @map:	the map
 * @key:	from dispatch_key()
 *
 * Return: the node, or NULL when the key is not there.
 */
struct dispatch_node *dispatch_map_find(struct dispatch_map *map,
					const void *key);

/**
 * dispatch_map_remove() - Take a node out
 * @map:	the map
 * @key:	from dispatch_key()
 *
 * Return: the node, the caller's again, or NULL when the key is not there.
 */
struct dispatch_node *dispatch_map_remove(struct dispatch_map *map,
					  const void *key);

/**
 * dispatch_map_init() - An empty map of other than static storage
 * @map:	to be initialised
 *
 * Also for a map in the child of a fork(), where its lock may be held by
 * a thread that is not there; the nodes stay the caller's.
 */
void dispatch_map_init(struct dispatch_map *map);

/**
 * dispatch_map_pop() - Take any node out
 * @map:	the map
 *
 * Return: the node, the caller's again, or NULL when the map is empty.
 */
struct dispatch_node *dispatch_map_pop(struct dispatch_map *map);

/**
 * dispatch_instance_link() - The loader's chain link of vkCreateInstance
 * @info:	what the layer's vkCreateInstance was given
 *
 * The link names the next layer's vkGetInstanceProcAddr. The caller advances
 * u.pLayerInfo to its pNext before it calls the next layer, as the "Loader and
 * Layer Interface" asks; that is why the result is not const.
 *
 * Return: the link, or NULL when the loader gave none.
 */
VkLayerInstanceCreateInfo *
dispatch_instance_link(const VkInstanceCreateInfo *info);

/**
 * dispatch_device_link() - The loader's chain link of vkCreateDevice
 * @info:	what the layer's vkCreateDevice was given
 *
 * As dispatch_instance_link().
 *
 * Return: the link, or NULL when the loader gave none.
 */
VkLayerDeviceCreateInfo *dispatch_device_link(const VkDeviceCreateInfo *info);

/**
 * dispatch_device_adopt() - What makes a layer's own objects the loader's
 * @info:	what the layer's vkCreateDevice was given
 *
 * A dispatchable object that a layer creates has no key until it was given to
 * this function; the layers below look it up by that.
 *
 * Return: NULL when the loader gave none.
 */
PFN_vkSetDeviceLoaderData dispatch_device_adopt(const VkDeviceCreateInfo *info);

#endif
