/* SPDX-License-Identifier: MIT */
/*
 * VK_LAYER_TRANCHE_exportable: exportable memory for a driver without it.
 *
 * Enabled by name, as every explicit layer: VK_LAYER_PATH is the folder of its
 * manifest (vulkan/explicit_layer.d in a build tree), VK_INSTANCE_LAYERS has
 * its name. It belongs into the environment of the process that starts
 * virgl_render_server; guests cannot name layers.
 *
 * Only the plumbing is here: which function the loader finds under which name,
 * and which state belongs to which handle. What is done with memory is in
 * exportable_physical.h and exportable_memory.h.
 *
 * Ownership: an instance owns its physical devices, a device its records. Both
 * are in a map from the moment the next layer made them until just before the
 * next layer destroys them.
 *
 * Locking: each map has a lock of its own; `lock` of an instance guards its
 * list of physical devices, which only grows.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_layer.h>

#include "scheduler/gate/chain.h"
#include "scheduler/gate/dispatch.h"
#include "scheduler/gate/exportable/exportable_memory.h"
#include "scheduler/gate/exportable/exportable_physical.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define LAYER_NAME "VK_LAYER_TRANCHE_exportable"
#define LAYER_EXPORT __attribute__((visibility("default")))

struct physical {
	struct exportable_physical exportable;
	struct physical *next;
};

struct instance {
	struct dispatch_node node;
	VkInstance handle;
	PFN_vkGetInstanceProcAddr get_proc;
	PFN_vkDestroyInstance destroy;
	PFN_vkGetPhysicalDeviceFormatProperties2 get_format;
	struct exportable_physical_ops ops;
	/* Can the application ask about external memory at all? */
	bool capable;
	pthread_mutex_t lock;
	struct physical *physicals;
};

struct device {
	struct dispatch_node node;
	PFN_vkGetDeviceProcAddr get_proc;
	PFN_vkDestroyDevice destroy;
	struct exportable_device_ops ops;
	struct exportable_device exportable;
};

static struct dispatch_map instances = DISPATCH_MAP_INITIALIZER;
static struct dispatch_map devices = DISPATCH_MAP_INITIALIZER;

/* ------------------------------------------------------------------------
 * State
 * ------------------------------------------------------------------------ */

static struct instance *instance_of(const void *object)
{
	struct dispatch_node *node =
		dispatch_map_find(&instances, dispatch_key(object));

	return node ? dispatch_entry(node, struct instance, node) : NULL;
}

static struct device *device_of(const void *object)
{
	struct dispatch_node *node =
		dispatch_map_find(&devices, dispatch_key(object));

	return node ? dispatch_entry(node, struct device, node) : NULL;
}

static void instance_free(struct instance *instance)
{
	while (instance->physicals) {
		struct physical *physical = instance->physicals;

		instance->physicals = physical->next;
		free(physical);
	}
	pthread_mutex_destroy(&instance->lock);
	free(instance);
}

/* Called with the instance's lock held. */
static struct physical *physical_new(struct instance *instance,
				     VkPhysicalDevice handle)
{
	struct physical *physical = calloc(1, sizeof(*physical));

	if (!physical)
		return NULL;
	exportable_physical_init(&physical->exportable, &instance->ops, handle);
	physical->next = instance->physicals;
	instance->physicals = physical;
	return physical;
}

/* What is known of a physical device, or NULL without memory to note it. */
static const struct exportable_physical *physical_of(struct instance *instance,
						     VkPhysicalDevice handle)
{
	struct physical *physical;

	pthread_mutex_lock(&instance->lock);
	physical = instance->physicals;
	while (physical && physical->exportable.handle != handle)
		physical = physical->next;
	if (!physical)
		physical = physical_new(instance, handle);
	pthread_mutex_unlock(&instance->lock);
	return physical ? &physical->exportable : NULL;
}

/*
 * Where the application has no way to ask about external memory, there is
 * nothing to answer, and asking the driver would break the rules ourselves.
 */
static const struct exportable_physical *
physical_capable(struct instance *instance, VkPhysicalDevice handle)
{
	return instance->capable ? physical_of(instance, handle) : NULL;
}

/* ------------------------------------------------------------------------
 * Instances
 * ------------------------------------------------------------------------ */

/* A function by its core name, else by the name it had as an extension. */
static PFN_vkVoidFunction instance_proc(const struct instance *instance,
					const char *core, const char *khr)
{
	PFN_vkVoidFunction function =
		instance->get_proc(instance->handle, core);

	return function ? function : instance->get_proc(instance->handle, khr);
}

static bool info_enables(const VkInstanceCreateInfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
		if (!strcmp(info->ppEnabledExtensionNames[i], name))
			return true;
	}
	return false;
}

static bool info_capable(const VkInstanceCreateInfo *info)
{
	const VkApplicationInfo *application = info->pApplicationInfo;

	if (application && application->apiVersion >= VK_API_VERSION_1_1)
		return true;
	return info_enables(info,
			    VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME);
}

static void instance_load(struct instance *instance)
{
	const struct instance *i = instance;

	instance->destroy = (PFN_vkDestroyInstance)i->get_proc(
		i->handle, "vkDestroyInstance");
	instance->get_format =
		(PFN_vkGetPhysicalDeviceFormatProperties2)instance_proc(
			i, "vkGetPhysicalDeviceFormatProperties2",
			"vkGetPhysicalDeviceFormatProperties2KHR");
	instance->ops = (struct exportable_physical_ops){
		.enumerate_extensions =
			(PFN_vkEnumerateDeviceExtensionProperties)i->get_proc(
				i->handle,
				"vkEnumerateDeviceExtensionProperties"),
		.get_memory_properties =
			(PFN_vkGetPhysicalDeviceMemoryProperties)i->get_proc(
				i->handle,
				"vkGetPhysicalDeviceMemoryProperties"),
		.get_properties =
			(PFN_vkGetPhysicalDeviceProperties2)instance_proc(
				i, "vkGetPhysicalDeviceProperties2",
				"vkGetPhysicalDeviceProperties2KHR"),
		.get_buffer_properties =
			(PFN_vkGetPhysicalDeviceExternalBufferProperties)instance_proc(
				i,
				"vkGetPhysicalDeviceExternalBufferProperties",
				"vkGetPhysicalDeviceExternalBufferPropertiesKHR"),
		.get_image_properties =
			(PFN_vkGetPhysicalDeviceImageFormatProperties2)instance_proc(
				i, "vkGetPhysicalDeviceImageFormatProperties2",
				"vkGetPhysicalDeviceImageFormatProperties2KHR"),
	};
	instance->capable = instance->capable && instance->get_format &&
			    instance->ops.get_properties &&
			    instance->ops.get_buffer_properties &&
			    instance->ops.get_image_properties;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance(const VkInstanceCreateInfo *info,
		const VkAllocationCallbacks *allocator, VkInstance *handle)
{
	VkLayerInstanceCreateInfo *link = dispatch_instance_link(info);
	PFN_vkGetInstanceProcAddr get_proc;
	PFN_vkCreateInstance create;
	struct instance *instance;
	VkResult result;

	if (!link)
		return VK_ERROR_INITIALIZATION_FAILED;
	get_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
	create = (PFN_vkCreateInstance)get_proc(NULL, "vkCreateInstance");
	if (!create)
		return VK_ERROR_INITIALIZATION_FAILED;
	instance = calloc(1, sizeof(*instance));
	if (!instance)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	result = create(info, allocator, handle);
	if (result != VK_SUCCESS) {
		free(instance);
		return result;
	}
	instance->handle = *handle;
	instance->get_proc = get_proc;
	instance->capable = info_capable(info);
	pthread_mutex_init(&instance->lock, NULL);
	instance_load(instance);
	dispatch_map_insert(&instances, dispatch_key(*handle), &instance->node);
	return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_instance(VkInstance handle, const VkAllocationCallbacks *allocator)
{
	struct dispatch_node *node;
	struct instance *instance;

	if (!handle)
		return;
	node = dispatch_map_remove(&instances, dispatch_key(handle));
	if (!node)
		return;
	instance = dispatch_entry(node, struct instance, node);
	instance->destroy(handle, allocator);
	instance_free(instance);
}

/* ------------------------------------------------------------------------
 * Physical devices
 * ------------------------------------------------------------------------ */

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_device_extensions(VkPhysicalDevice handle, const char *layer,
			    uint32_t *count, VkExtensionProperties *properties)
{
	struct instance *instance = instance_of(handle);
	const struct exportable_physical *physical;

	if (layer && !strcmp(layer, LAYER_NAME)) {
		*count = 0;
		return VK_SUCCESS;
	}
	physical = layer ? NULL : physical_capable(instance, handle);
	if (!physical)
		return instance->ops.enumerate_extensions(handle, layer, count,
							  properties);
	return exportable_physical_enumerate(physical, count, properties);
}

static VKAPI_ATTR void VKAPI_CALL get_external_buffer_properties(
	VkPhysicalDevice handle, const VkPhysicalDeviceExternalBufferInfo *info,
	VkExternalBufferProperties *properties)
{
	struct instance *instance = instance_of(handle);
	const struct exportable_physical *physical =
		physical_capable(instance, handle);

	if (physical)
		exportable_physical_buffer(physical, info, properties);
	else
		instance->ops.get_buffer_properties(handle, info, properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_image_format_properties(
	VkPhysicalDevice handle, const VkPhysicalDeviceImageFormatInfo2 *info,
	VkImageFormatProperties2 *properties)
{
	struct instance *instance = instance_of(handle);
	const struct exportable_physical *physical =
		physical_capable(instance, handle);

	if (physical)
		return exportable_physical_image(physical, info, properties);
	return instance->ops.get_image_properties(handle, info, properties);
}

static VKAPI_ATTR void VKAPI_CALL
get_format_properties(VkPhysicalDevice handle, VkFormat format,
		      VkFormatProperties2 *properties)
{
	struct instance *instance = instance_of(handle);
	const struct exportable_physical *physical =
		physical_capable(instance, handle);

	instance->get_format(handle, format, properties);
	if (physical)
		exportable_physical_format(physical, properties);
}

/* ------------------------------------------------------------------------
 * Devices
 * ------------------------------------------------------------------------ */

static const struct exportable_physical plain_physical;

static void device_load(struct device *device, VkDevice handle)
{
	PFN_vkGetDeviceProcAddr get = device->get_proc;

	device->destroy = (PFN_vkDestroyDevice)get(handle, "vkDestroyDevice");
	device->ops = (struct exportable_device_ops){
		.allocate =
			(PFN_vkAllocateMemory)get(handle, "vkAllocateMemory"),
		.free = (PFN_vkFreeMemory)get(handle, "vkFreeMemory"),
		.get_fd = (PFN_vkGetMemoryFdKHR)get(handle, "vkGetMemoryFdKHR"),
		.get_fd_properties = (PFN_vkGetMemoryFdPropertiesKHR)get(
			handle, "vkGetMemoryFdPropertiesKHR"),
		.get_host_properties =
			(PFN_vkGetMemoryHostPointerPropertiesEXT)get(
				handle, "vkGetMemoryHostPointerPropertiesEXT"),
		.create_buffer =
			(PFN_vkCreateBuffer)get(handle, "vkCreateBuffer"),
		.create_image = (PFN_vkCreateImage)get(handle, "vkCreateImage"),
	};
}

/* Calls the next layer with the extensions that it has. */
static VkResult device_create_next(PFN_vkCreateDevice create,
				   const struct exportable_physical *physical,
				   VkPhysicalDevice handle,
				   const VkDeviceCreateInfo *info,
				   const VkAllocationCallbacks *allocator,
				   VkDevice *device)
{
	_cleanup_device_info_ struct exportable_device_info request = {};
	VkResult result = exportable_device_info_init(&request, physical, info);

	if (result != VK_SUCCESS)
		return result;
	return create(handle, &request.info, allocator, device);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device(VkPhysicalDevice handle, const VkDeviceCreateInfo *info,
	      const VkAllocationCallbacks *allocator, VkDevice *result_handle)
{
	VkLayerDeviceCreateInfo *link = dispatch_device_link(info);
	struct instance *instance = instance_of(handle);
	const struct exportable_physical *physical;
	PFN_vkCreateDevice create;
	struct device *device;
	VkResult result;

	if (!link || !instance)
		return VK_ERROR_INITIALIZATION_FAILED;
	create = (PFN_vkCreateDevice)
			 link->u.pLayerInfo->pfnNextGetInstanceProcAddr(
				 instance->handle, "vkCreateDevice");
	physical = physical_capable(instance, handle);
	if (!physical)
		physical = &plain_physical;
	device = calloc(1, sizeof(*device));
	if (!create || !device) {
		free(device);
		return VK_ERROR_INITIALIZATION_FAILED;
	}
	device->get_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
	link->u.pLayerInfo = link->u.pLayerInfo->pNext;
	result = device_create_next(create, physical, handle, info, allocator,
				    result_handle);
	if (result != VK_SUCCESS) {
		free(device);
		return result;
	}
	device_load(device, *result_handle);
	exportable_device_init(&device->exportable, physical, &device->ops,
			       *result_handle);
	dispatch_map_insert(&devices, dispatch_key(*result_handle),
			    &device->node);
	return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_device(VkDevice handle, const VkAllocationCallbacks *allocator)
{
	struct dispatch_node *node;
	struct device *device;

	if (!handle)
		return;
	node = dispatch_map_remove(&devices, dispatch_key(handle));
	if (!node)
		return;
	device = dispatch_entry(node, struct device, node);
	device->destroy(handle, allocator);
	exportable_device_deinit(&device->exportable);
	free(device);
}

static VKAPI_ATTR VkResult VKAPI_CALL
allocate_memory(VkDevice handle, const VkMemoryAllocateInfo *info,
		const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
	return exportable_memory_allocate(&device_of(handle)->exportable, info,
					  allocator, memory);
}

static VKAPI_ATTR void VKAPI_CALL
free_memory(VkDevice handle, VkDeviceMemory memory,
	    const VkAllocationCallbacks *allocator)
{
	exportable_memory_free(&device_of(handle)->exportable, memory,
			       allocator);
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_memory_fd(VkDevice handle, const VkMemoryGetFdInfoKHR *info, int *fdp)
{
	return exportable_memory_get_fd(&device_of(handle)->exportable, info,
					fdp);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_memory_fd_properties(
	VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, int fd,
	VkMemoryFdPropertiesKHR *properties)
{
	return exportable_memory_fd_properties(&device_of(handle)->exportable,
					       type, fd, properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_buffer(VkDevice handle, const VkBufferCreateInfo *info,
	      const VkAllocationCallbacks *allocator, VkBuffer *buffer)
{
	return exportable_buffer_create(&device_of(handle)->exportable, info,
					allocator, buffer);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_image(VkDevice handle, const VkImageCreateInfo *info,
	     const VkAllocationCallbacks *allocator, VkImage *image)
{
	return exportable_image_create(&device_of(handle)->exportable, info,
				       allocator, image);
}

/* No image with a modifier can be made, so there is none to ask about. */
static VKAPI_ATTR VkResult VKAPI_CALL
get_image_modifier(VkDevice handle, VkImage image,
		   VkImageDrmFormatModifierPropertiesEXT *properties)
{
	(void)handle;
	(void)image;
	properties->drmFormatModifier = UINT64_C(0x00ffffffffffffff);
	return VK_SUCCESS;
}

/* ------------------------------------------------------------------------
 * Names
 * ------------------------------------------------------------------------ */

struct name {
	const char *name;
	PFN_vkVoidFunction function;
};

static PFN_vkVoidFunction name_find(const struct name *names, size_t count,
				    const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i].name, name))
			return names[i].function;
	}
	return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc(VkInstance handle, const char *name);
static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc(VkDevice handle, const char *name);

#define NAME(name, function) {name, (PFN_vkVoidFunction)(function)}

static const struct name instance_names[] = {
	NAME("vkGetInstanceProcAddr", get_instance_proc),
	NAME("vkCreateInstance", create_instance),
	NAME("vkDestroyInstance", destroy_instance),
	NAME("vkCreateDevice", create_device),
	NAME("vkEnumerateDeviceExtensionProperties",
	     enumerate_device_extensions),
	NAME("vkGetPhysicalDeviceExternalBufferProperties",
	     get_external_buffer_properties),
	NAME("vkGetPhysicalDeviceExternalBufferPropertiesKHR",
	     get_external_buffer_properties),
	NAME("vkGetPhysicalDeviceImageFormatProperties2",
	     get_image_format_properties),
	NAME("vkGetPhysicalDeviceImageFormatProperties2KHR",
	     get_image_format_properties),
	NAME("vkGetPhysicalDeviceFormatProperties2", get_format_properties),
	NAME("vkGetPhysicalDeviceFormatProperties2KHR", get_format_properties),
};

static const struct name device_names[] = {
	NAME("vkGetDeviceProcAddr", get_device_proc),
	NAME("vkDestroyDevice", destroy_device),
	NAME("vkAllocateMemory", allocate_memory),
	NAME("vkFreeMemory", free_memory),
	NAME("vkGetMemoryFdKHR", get_memory_fd),
	NAME("vkGetMemoryFdPropertiesKHR", get_memory_fd_properties),
	NAME("vkCreateBuffer", create_buffer),
	NAME("vkCreateImage", create_image),
};

/* What is always ours, and what only where the driver needs help. */
#define DEVICE_NAMES_ALWAYS 2

static PFN_vkVoidFunction device_name_find(const struct device *device,
					   const char *name)
{
	PFN_vkVoidFunction next =
		device->get_proc(device->exportable.handle, name);
	PFN_vkVoidFunction ours;

	if (!device->exportable.physical->needed)
		ours = name_find(device_names, DEVICE_NAMES_ALWAYS, name);
	else
		ours = name_find(device_names, ARRAY_SIZE(device_names), name);
	if (!ours && !next && device->exportable.physical->needed &&
	    !strcmp(name, "vkGetImageDrmFormatModifierPropertiesEXT"))
		ours = (PFN_vkVoidFunction)get_image_modifier;
	return ours ? ours : next;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc(VkDevice handle, const char *name)
{
	struct device *device = device_of(handle);

	return device ? device_name_find(device, name) : NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc(VkInstance handle, const char *name)
{
	struct instance *instance;
	PFN_vkVoidFunction function;

	function = name_find(instance_names, ARRAY_SIZE(instance_names), name);
	if (!function)
		function =
			name_find(device_names, ARRAY_SIZE(device_names), name);
	if (function || !handle)
		return function;
	instance = instance_of(handle);
	return instance ? instance->get_proc(instance->handle, name) : NULL;
}

LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface);

/**
 * vkNegotiateLoaderLayerInterfaceVersion() - Where the loader comes in
 * @interface:	the loader's version in, ours and our entry points out
 *
 * Return: VK_SUCCESS, or VK_ERROR_INITIALIZATION_FAILED for a loader older
 * than version 2 of the interface, which does not use this function.
 */
LAYER_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface)
{
	if (interface->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT ||
	    interface->loaderLayerInterfaceVersion < 2)
		return VK_ERROR_INITIALIZATION_FAILED;
	interface->loaderLayerInterfaceVersion = 2;
	interface->pfnGetInstanceProcAddr = get_instance_proc;
	interface->pfnGetDeviceProcAddr = get_device_proc;
	interface->pfnGetPhysicalDeviceProcAddr = NULL;
	return VK_SUCCESS;
}
