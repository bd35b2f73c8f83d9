/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/hold.h"
#include "scheduler/gate/physical.h"
#include "scheduler/lane/door.h"

static struct dispatch_map instances = DISPATCH_MAP_INITIALIZER;
static struct dispatch_map physicals = DISPATCH_MAP_INITIALIZER;

struct instance *instance_find(VkInstance handle)
{
	struct dispatch_node *node = dispatch_map_find(&instances, handle);

	return node ? dispatch_entry(node, struct instance, node) : NULL;
}

struct physical *physical_find(VkPhysicalDevice handle)
{
	struct dispatch_node *node = dispatch_map_find(&physicals, handle);

	return node ? dispatch_entry(node, struct physical, node) : NULL;
}

/* ------------------------------------------------------------------------
 * Coming and going
 * ------------------------------------------------------------------------ */

static void forked(void)
{
	connection_forked();
	hold_forked();
	device_forked();
	dispatch_map_init(&instances);
	dispatch_map_init(&physicals);
}

static void fork_prepare(void)
{
	pthread_atfork(NULL, NULL, forked);
}

static void refusal_tell(int error)
{
	const char *door = secure_getenv(DOOR_ENVIRONMENT);

	if (error == -ENOENT && (!door || !*door))
		fprintf(stderr,
			"tranche-gate: no Vulkan: " DOOR_ENVIRONMENT
			" names no door; start this program with 'tranche run'\n");
	else if (error == -EACCES)
		fprintf(stderr,
			"tranche-gate: no Vulkan: the arbiter at %s refuses this program; is its account stopped?\n",
			door);
	else
		fprintf(stderr,
			"tranche-gate: no Vulkan: no arbiter at %s (%s); is tranched running?\n",
			door, strerror(-error));
}

static int arbiter_ask(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int r;

	pthread_once(&once, fork_prepare);
	r = connection_open();
	if (r < 0)
		refusal_tell(r);
	return r;
}

static uint32_t info_version(const VkInstanceCreateInfo *info)
{
	const VkApplicationInfo *application = info->pApplicationInfo;

	if (!application || !application->apiVersion)
		return VK_API_VERSION_1_0;
	return application->apiVersion;
}

static bool info_enables(const VkInstanceCreateInfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
		if (!strcmp(info->ppEnabledExtensionNames[i], name))
			return true;
	}
	return false;
}

/* With one extension more, or VK_ERROR_EXTENSION_NOT_PRESENT. */
static VkResult create_extended(PFN_vkCreateInstance create,
				const VkInstanceCreateInfo *info,
				const char *extension,
				const VkAllocationCallbacks *allocator,
				VkInstance *handle)
{
	uint32_t count = info->enabledExtensionCount;
	const char **names = malloc((count + 1) * sizeof(*names));
	VkInstanceCreateInfo extended = *info;
	VkResult result;

	if (!names)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (count)
		memcpy(names, info->ppEnabledExtensionNames,
		       count * sizeof(*names));
	names[count] = extension;
	extended.ppEnabledExtensionNames = names;
	extended.enabledExtensionCount = count + 1;
	result = create(&extended, allocator, handle);
	free(names);
	return result;
}

/* The gate has to ask what an old application has no need to ask for. */
static VkResult create_next(PFN_vkCreateInstance create,
			    const VkInstanceCreateInfo *info,
			    const VkAllocationCallbacks *allocator,
			    VkInstance *handle)
{
	const char *needed =
		VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME;
	VkResult result;

	if (info_version(info) < VK_API_VERSION_1_1 &&
	    !info_enables(info, needed)) {
		result = create_extended(create, info, needed, allocator,
					 handle);
		if (result != VK_ERROR_EXTENSION_NOT_PRESENT)
			return result;
	}
	return create(info, allocator, handle);
}

/* What is at @handle before is the loader's business: a layer has to keep it. */
static VkResult instance_make(struct instance *instance,
			      const VkInstanceCreateInfo *info,
			      const VkAllocationCallbacks *allocator,
			      VkInstance *handle)
{
	PFN_vkCreateInstance create = (PFN_vkCreateInstance)instance->get_proc(
		NULL, "vkCreateInstance");
	VkResult result;

	if (!create)
		return VK_ERROR_INITIALIZATION_FAILED;
	result = create_next(create, info, allocator, handle);
	if (result != VK_SUCCESS)
		return result;
	instance->handle = *handle;
	instance->api_version = info_version(info);
	pthread_mutex_init(&instance->lock, NULL);
	next_instance_load(&instance->next, instance->get_proc,
			   instance->handle);
	dispatch_map_insert(&instances, instance->handle, &instance->node);
	return VK_SUCCESS;
}

VkResult instance_create(PFN_vkGetInstanceProcAddr get,
			 const VkInstanceCreateInfo *info,
			 const VkAllocationCallbacks *allocator,
			 VkInstance *handle)
{
	struct instance *instance;
	VkResult result;

	if (arbiter_ask() < 0)
		return VK_ERROR_INITIALIZATION_FAILED;
	instance = calloc(1, sizeof(*instance));
	result = VK_ERROR_OUT_OF_HOST_MEMORY;
	if (instance) {
		instance->get_proc = get;
		result = instance_make(instance, info, allocator, handle);
	}
	if (result != VK_SUCCESS) {
		free(instance);
		connection_close();
		return result;
	}
	return VK_SUCCESS;
}

static void instance_free(struct instance *instance)
{
	struct physical *physical;

	while ((physical = instance->physicals)) {
		instance->physicals = physical->next;
		dispatch_map_remove(&physicals, physical->handle);
		physical_free(physical);
	}
	pthread_mutex_destroy(&instance->lock);
	free(instance);
}

VKAPI_ATTR void VKAPI_CALL
gate_DestroyInstance(VkInstance handle, const VkAllocationCallbacks *allocator)
{
	struct dispatch_node *node;
	PFN_vkDestroyInstance destroy;
	struct instance *instance;

	if (!handle)
		return;
	node = dispatch_map_remove(&instances, handle);
	if (!node)
		return;
	instance = dispatch_entry(node, struct instance, node);
	destroy = instance->next.destroy;
	instance_free(instance);
	destroy(handle, allocator);
	connection_close();
}

/* ------------------------------------------------------------------------
 * Physical devices
 * ------------------------------------------------------------------------ */

static struct physical *physical_get(struct instance *instance,
				     VkPhysicalDevice handle)
{
	struct physical *physical;

	pthread_mutex_lock(&instance->lock);
	physical = physical_find(handle);
	if (!physical)
		physical = physical_new(instance, handle);
	if (physical && !physical->node.key) {
		physical->next = instance->physicals;
		instance->physicals = physical;
		dispatch_map_insert(&physicals, handle, &physical->node);
	}
	pthread_mutex_unlock(&instance->lock);
	return physical;
}

/* What is not known because memory ran out is not shown. */
static bool handle_visible(struct instance *instance, VkPhysicalDevice handle)
{
	struct physical *physical = physical_get(instance, handle);

	return physical && physical->visible;
}

static VkResult devices_list(struct instance *instance,
			     VkPhysicalDevice **listp, uint32_t *countp)
{
	uint32_t count = 0, kept = 0;
	VkPhysicalDevice *list;
	VkResult result;

	result = instance->next.enumerate_devices(instance->handle, &count,
						  NULL);
	if (result != VK_SUCCESS)
		return result;
	list = calloc(count ? count : 1, sizeof(VkPhysicalDevice));
	if (!list)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = instance->next.enumerate_devices(instance->handle, &count,
						  list);
	if (result < 0) {
		free(list);
		return result;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (handle_visible(instance, list[i]))
			list[kept++] = list[i];
	}
	*listp = list;
	*countp = kept;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL gate_EnumeratePhysicalDevices(
	VkInstance handle, uint32_t *count, VkPhysicalDevice *devices)
{
	struct instance *instance = instance_find(handle);
	VkPhysicalDevice *list;
	uint32_t total, room;
	VkResult result;

	if (!instance)
		return VK_ERROR_INITIALIZATION_FAILED;
	result = devices_list(instance, &list, &total);
	if (result != VK_SUCCESS)
		return result;
	room = devices && *count < total ? *count : total;
	if (devices && room)
		memcpy(devices, list, room * sizeof(VkPhysicalDevice));
	free(list);
	*count = room;
	return room < total ? VK_INCOMPLETE : VK_SUCCESS;
}

/* Return: false when nothing visible is left in the group. */
static bool group_filter(struct instance *instance,
			 VkPhysicalDeviceGroupProperties *group)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < group->physicalDeviceCount; i++) {
		if (handle_visible(instance, group->physicalDevices[i]))
			group->physicalDevices[kept++] =
				group->physicalDevices[i];
	}
	group->physicalDeviceCount = kept;
	return kept;
}

static VkResult groups_list(struct instance *instance,
			    VkPhysicalDeviceGroupProperties **listp,
			    uint32_t *countp)
{
	VkPhysicalDeviceGroupProperties *list;
	uint32_t count = 0, kept = 0;
	VkResult result;

	result =
		instance->next.enumerate_groups(instance->handle, &count, NULL);
	if (result != VK_SUCCESS)
		return result;
	list = calloc(count ? count : 1, sizeof(*list));
	if (!list)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		list[i].sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GROUP_PROPERTIES;
	result =
		instance->next.enumerate_groups(instance->handle, &count, list);
	if (result < 0) {
		free(list);
		return result;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (group_filter(instance, &list[i]))
			list[kept++] = list[i];
	}
	*listp = list;
	*countp = kept;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL
gate_EnumeratePhysicalDeviceGroups(VkInstance handle, uint32_t *count,
				   VkPhysicalDeviceGroupProperties *groups)
{
	struct instance *instance = instance_find(handle);
	VkPhysicalDeviceGroupProperties *list;
	uint32_t total, room;
	VkResult result;

	if (!instance)
		return VK_ERROR_INITIALIZATION_FAILED;
	result = groups_list(instance, &list, &total);
	if (result != VK_SUCCESS)
		return result;
	room = groups && *count < total ? *count : total;
	for (uint32_t i = 0; groups && i < room; i++) {
		list[i].pNext = groups[i].pNext;
		groups[i] = list[i];
	}
	free(list);
	*count = room;
	return room < total ? VK_INCOMPLETE : VK_SUCCESS;
}
