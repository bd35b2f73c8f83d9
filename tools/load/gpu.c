// SPDX-License-Identifier: MIT
#include "gpu.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "units/units.h"
#include "vulkan_error.h"

static int instance_new(VkInstance *instancep)
{
	const VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.pApplicationName = "tranche-load",
		.apiVersion = VK_API_VERSION_1_1,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &application,
	};
	VkResult result;

	result = vkCreateInstance(&info, NULL, instancep);
	if (result == VK_SUCCESS)
		return 0;
	message_error("no Vulkan driver works here (%s): install one, such as "
		      "mesa-vulkan-drivers, or name it in VK_DRIVER_FILES",
		      vulkan_name(result));
	return vulkan_errno(result);
}

static const char *type_name(VkPhysicalDeviceType type)
{
	switch (type) {
	case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
		return "integrated";
	case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
		return "discrete";
	case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
		return "virtual";
	case VK_PHYSICAL_DEVICE_TYPE_CPU:
		return "cpu";
	default:
		return "other";
	}
}

static VkResult extensions_of(VkPhysicalDevice handle,
			      VkExtensionProperties **listp, uint32_t *countp)
{
	VkExtensionProperties *list;
	VkResult result;

	result = vkEnumerateDeviceExtensionProperties(handle, NULL, countp,
						      NULL);
	if (result != VK_SUCCESS)
		return result;
	list = calloc(*countp + 1, sizeof(*list));
	if (!list)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	result = vkEnumerateDeviceExtensionProperties(handle, NULL, countp,
						      list);
	if (result < 0) {
		free(list);
		return result;
	}
	*listp = list;
	return VK_SUCCESS;
}

static bool extension_in(const VkExtensionProperties *list, uint32_t count,
			 const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(list[i].extensionName, name) == 0)
			return true;
	return false;
}

/* Both are optional: what a driver does not tell stays "unknown" or empty. */
static int read_identity(struct gpu *gpu, bool has_driver, bool has_pci)
{
	VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
	};
	VkPhysicalDeviceDriverProperties driver = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
		.pNext = has_pci ? &pci : NULL,
	};
	VkPhysicalDeviceMaintenance3Properties limits = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
		.pNext = has_driver ? (void *)&driver : driver.pNext,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &limits,
	};

	vkGetPhysicalDeviceProperties2(gpu->handle, &properties);
	gpu->properties = properties.properties;
	gpu->allocation_max = limits.maxMemoryAllocationSize;
	snprintf(gpu->name, sizeof(gpu->name), "%s",
		 gpu->properties.deviceName);
	snprintf(gpu->driver, sizeof(gpu->driver), "%s",
		 has_driver ? driver.driverName : "unknown");
	snprintf(gpu->driver_info, sizeof(gpu->driver_info), "%s",
		 has_driver ? driver.driverInfo : "");
	if (has_pci)
		snprintf(gpu->pci, sizeof(gpu->pci), "%04x:%02x:%02x.%x",
			 pci.pciDomain & 0xffff, pci.pciBus & 0xff,
			 pci.pciDevice & 0xff, pci.pciFunction & 0xf);
	gpu->type = type_name(gpu->properties.deviceType);
	return 0;
}

static void read_memory(struct gpu *gpu)
{
	VkPhysicalDeviceMemoryProperties memory;

	vkGetPhysicalDeviceMemoryProperties(gpu->handle, &memory);
	for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
		if (memory.memoryHeaps[i].flags &
		    VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
			gpu->memory += memory.memoryHeaps[i].size;
}

static int gpu_init(struct gpu *gpu, VkPhysicalDevice handle)
{
	VkExtensionProperties *extensions = NULL;
	uint32_t count = 0;
	VkResult result;

	*gpu = (struct gpu){.handle = handle};
	result = extensions_of(handle, &extensions, &count);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "read a GPU's extensions");
	read_identity(gpu,
		      extension_in(extensions, count,
				   VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME),
		      extension_in(extensions, count,
				   VK_EXT_PCI_BUS_INFO_EXTENSION_NAME));
	free(extensions);
	read_memory(gpu);
	gpu->n_families = GPU_FAMILIES_MAX;
	vkGetPhysicalDeviceQueueFamilyProperties(handle, &gpu->n_families,
						 gpu->families);
	return 0;
}

static int gpu_set_fill(struct gpu_set *set, const VkPhysicalDevice *handles,
			uint32_t count)
{
	set->gpus = calloc(count + 1, sizeof(*set->gpus));
	if (!set->gpus)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		VkPhysicalDeviceProperties properties;
		int r;

		/* Nothing of Vulkan 1.1 may be called on an older device. */
		vkGetPhysicalDeviceProperties(handles[i], &properties);
		if (properties.apiVersion < VK_API_VERSION_1_1)
			continue;
		r = gpu_init(&set->gpus[set->n_gpus], handles[i]);
		if (r < 0)
			return r;
		set->n_gpus++;
	}
	return 0;
}

static int gpu_set_enumerate(struct gpu_set *set)
{
	VkPhysicalDevice handles[64];
	uint32_t count = sizeof(handles) / sizeof(handles[0]);
	VkResult result;
	int r;

	result = vkEnumeratePhysicalDevices(set->instance, &count, handles);
	if (result < 0)
		return vulkan_fail(result, "list the GPUs");
	r = gpu_set_fill(set, handles, count);
	if (r < 0)
		return r;
	if (set->n_gpus)
		return 0;
	message_error("no GPU with Vulkan 1.1: check that the process may open "
		      "/dev/dri/renderD*, or name a driver in VK_DRIVER_FILES");
	return -ENOTSUP;
}

int gpu_set_new(struct gpu_set **setp)
{
	__attribute__((cleanup(gpu_set_freep))) struct gpu_set *set = NULL;
	int r;

	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	r = instance_new(&set->instance);
	if (r < 0)
		return r;
	r = gpu_set_enumerate(set);
	if (r < 0)
		return r;
	*setp = set;
	set = NULL;
	return 0;
}

void gpu_set_free(struct gpu_set *set)
{
	if (!set)
		return;
	if (set->instance)
		vkDestroyInstance(set->instance, NULL);
	free(set->gpus);
	free(set);
}

/* Above all else an index, as --list prints it. */
static bool selector_is_index(const char *selector, uint64_t *indexp)
{
	return units_parse_count(selector, 0, UINT32_MAX, indexp) == 0;
}

static bool gpu_matches(const struct gpu *gpu, const char *selector)
{
	if (gpu->pci[0] && (strcasecmp(gpu->pci, selector) == 0 ||
			    strcasecmp(gpu->pci + 5, selector) == 0))
		return true;
	return strcasestr(gpu->name, selector) != NULL;
}

static const struct gpu *first_choice(const struct gpu_set *set)
{
	for (size_t i = 0; i < set->n_gpus; i++)
		if (set->gpus[i].properties.deviceType !=
		    VK_PHYSICAL_DEVICE_TYPE_CPU)
			return &set->gpus[i];
	return &set->gpus[0];
}

static int no_gpu(const struct gpu_set *set, const char *selector, int error)
{
	message_error("%s GPU fits --device '%s': --list shows the %zu there "
		      "are; the first is '%s'",
		      error == -ENOENT ? "no" : "more than one", selector,
		      set->n_gpus, set->gpus[0].name);
	return error;
}

int gpu_set_find(const struct gpu_set *set, const char *selector,
		 const struct gpu **gpup)
{
	const struct gpu *found = NULL;
	uint64_t index;

	if (!selector) {
		*gpup = first_choice(set);
		return 0;
	}
	if (selector_is_index(selector, &index)) {
		if (index >= set->n_gpus)
			return no_gpu(set, selector, -ENOENT);
		*gpup = &set->gpus[index];
		return 0;
	}
	for (size_t i = 0; i < set->n_gpus; i++) {
		if (!gpu_matches(&set->gpus[i], selector))
			continue;
		if (found)
			return no_gpu(set, selector, -ENOTUNIQ);
		found = &set->gpus[i];
	}
	if (!found)
		return no_gpu(set, selector, -ENOENT);
	*gpup = found;
	return 0;
}

int gpu_find_family(const struct gpu *gpu, int wanted)
{
	for (uint32_t i = 0; i < gpu->n_families; i++) {
		if (wanted >= 0 && (uint32_t)wanted != i)
			continue;
		if (gpu->families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
			return (int)i;
	}
	if (wanted < 0)
		message_error("GPU '%s' can't compute: choose another by "
			      "--device",
			      gpu->name);
	else
		message_error("queue family %d of GPU '%s' does not exist or "
			      "can't compute: --list shows those there are",
			      wanted, gpu->name);
	return -ENOENT;
}
