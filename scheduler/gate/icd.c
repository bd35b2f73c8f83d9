/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/icd.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#include "scheduler/gate/device.h"
#include "scheduler/gate/entry.h"
#include "scheduler/gate/instance.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

typedef PFN_vkVoidFunction(VKAPI_PTR *get_proc)(VkInstance, const char *);

/* The real driver; all NULL without one. */
static struct {
	pthread_once_t once;
	atomic_bool used;
	get_proc get;
	get_proc get_physical;
	PFN_vkNegotiateLoaderICDInterfaceVersion negotiate;
} driver = {.once = PTHREAD_ONCE_INIT};

bool icd_is_used(void)
{
	return atomic_load(&driver.used);
}

/* ------------------------------------------------------------------------
 * The real driver
 * ------------------------------------------------------------------------ */

static void *driver_open(void)
{
	const char *path = secure_getenv(ICD_DRIVER_ENVIRONMENT);
	void *library;

	if (!path || !*path) {
		fprintf(stderr,
			"tranche-gate: no Vulkan: %s names no driver's library; start this program with 'tranche run'\n",
			ICD_DRIVER_ENVIRONMENT);
		return NULL;
	}
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fprintf(stderr, "tranche-gate: no Vulkan: %s; check %s\n",
			dlerror(), ICD_DRIVER_ENVIRONMENT);
	return library;
}

/* What an ICD has to export grew less with time; the rest may be asked for. */
static void *driver_symbol(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (!symbol && driver.get)
		symbol = (void *)driver.get(NULL, name);
	return symbol;
}

static void driver_load(void)
{
	void *library = driver_open();

	if (!library)
		return;
	driver.get = (get_proc)dlsym(library, "vk_icdGetInstanceProcAddr");
	if (!driver.get) {
		fprintf(stderr,
			"tranche-gate: no Vulkan: %s is no Vulkan driver; check %s\n",
			secure_getenv(ICD_DRIVER_ENVIRONMENT),
			ICD_DRIVER_ENVIRONMENT);
		return;
	}
	driver.get_physical = (get_proc)driver_symbol(
		library, "vk_icdGetPhysicalDeviceProcAddr");
	driver.negotiate =
		(PFN_vkNegotiateLoaderICDInterfaceVersion)driver_symbol(
			library, "vk_icdNegotiateLoaderICDInterfaceVersion");
}

static bool driver_ready(void)
{
	atomic_store(&driver.used, true);
	pthread_once(&driver.once, driver_load);
	return driver.get;
}

/* ------------------------------------------------------------------------
 * What an ICD exports
 * ------------------------------------------------------------------------ */

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance(const VkInstanceCreateInfo *info,
		const VkAllocationCallbacks *allocator, VkInstance *handle)
{
	return instance_create(driver.get, info, allocator, handle);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device(VkPhysicalDevice handle, const VkDeviceCreateInfo *info,
	      const VkAllocationCallbacks *allocator, VkDevice *device)
{
	const struct physical *physical = physical_find(handle);
	const struct next_instance *next;

	if (!physical || !physical->visible)
		return VK_ERROR_INITIALIZATION_FAILED;
	next = &physical->instance->next;
	return device_create(next->create_device, next->get_device_proc, NULL,
			     physical, info, allocator, device);
}

ENTRY_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance handle, const char *name);
ENTRY_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance handle, const char *name);
ENTRY_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);

static const struct entry entries[] = {
	ENTRY("vkGetInstanceProcAddr", vk_icdGetInstanceProcAddr),
	ENTRY("vkCreateInstance", create_instance),
	ENTRY("vkCreateDevice", create_device),
	ENTRY("vk_icdGetInstanceProcAddr", vk_icdGetInstanceProcAddr),
	ENTRY("vk_icdGetPhysicalDeviceProcAddr",
	      vk_icdGetPhysicalDeviceProcAddr),
	ENTRY("vk_icdNegotiateLoaderICDInterfaceVersion",
	      vk_icdNegotiateLoaderICDInterfaceVersion),
};

/**
 * vk_icdGetInstanceProcAddr() - A function of the gate or the real driver
 * @handle:	NULL for those that need no instance
 * @name:	of the function
 *
 * Return: NULL when the real driver has none of that name, or is missing.
 */
ENTRY_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance handle, const char *name)
{
	PFN_vkVoidFunction next, own;

	if (!driver_ready())
		return NULL;
	own = entry_find(entries, ARRAY_SIZE(entries), name);
	if (own)
		return own;
	next = driver.get(handle, name);
	own = next && handle ? entry_instance(name) : NULL;
	return own ? own : next;
}

/**
 * vk_icdGetPhysicalDeviceProcAddr() - One that takes a physical device
 * @handle:	the instance
 * @name:	of the function
 *
 * Return: NULL when the real driver has none of that name.
 */
ENTRY_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance handle, const char *name)
{
	PFN_vkVoidFunction next, own;

	if (!driver_ready() || !driver.get_physical)
		return NULL;
	if (!strcmp(name, "vkCreateDevice"))
		return (PFN_vkVoidFunction)create_device;
	next = driver.get_physical(handle, name);
	own = next ? entry_physical(name) : NULL;
	return own ? own : next;
}

/**
 * vk_icdNegotiateLoaderICDInterfaceVersion() - Where the loader comes in
 * @version:	the loader's in, the real driver's out
 *
 * Return: VK_ERROR_INCOMPATIBLE_DRIVER without the real driver.
 */
ENTRY_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
	if (!driver_ready())
		return VK_ERROR_INCOMPATIBLE_DRIVER;
	if (driver.negotiate)
		return driver.negotiate(version);
	/* The version before there was this function. */
	if (*version > 1)
		*version = 1;
	return VK_SUCCESS;
}
