// SPDX-License-Identifier: MIT
#include "mdev/gpu/vulkan.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "mdev/gpu/export.h"

/* The extensions of one device that a report is made of. */
struct extensions {
	bool driver;
	bool pci;
	bool drm;
	bool dma_buf;
};

static VkInstance instance_create(void)
{
	const VkApplicationInfo application = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
		.pApplicationName = "tranche-probe",
		.apiVersion = VK_API_VERSION_1_1,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
		.pApplicationInfo = &application,
	};
	VkInstance instance;

	if (vkCreateInstance(&info, NULL, &instance) != VK_SUCCESS)
		return VK_NULL_HANDLE;
	return instance;
}

static int extensions_read(VkPhysicalDevice physical,
			   struct extensions *extensions)
{
	VkExtensionProperties *all;
	uint32_t count = 0;

	vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL);
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	vkEnumerateDeviceExtensionProperties(physical, NULL, &count, all);
	for (uint32_t i = 0; i < count; i++) {
		const char *name = all[i].extensionName;

		if (strcmp(name, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME) == 0)
			extensions->driver = true;
		if (strcmp(name, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME) == 0)
			extensions->pci = true;
		if (strcmp(name, VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME) ==
		    0)
			extensions->drm = true;
		if (strcmp(name,
			   VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME) == 0)
			extensions->dma_buf = true;
	}
	free(all);
	return 0;
}

/* The linker knows the path of what it has loaded. */
static char *library_path(const char *library)
{
	struct link_map *map;
	char *path = NULL;
	void *handle;

	handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle)
		return strdup(library);
	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0] == '/')
		path = realpath(map->l_name, NULL);
	dlclose(handle);
	return path ? path : strdup(library);
}

static int name_driver(const VkPhysicalDeviceDriverProperties *driver,
		       struct report_device *device)
{
	int length;

	if (driver->driverName[0])
		length = asprintf(&device->driver, "%s %s", driver->driverName,
				  driver->driverInfo);
	else
		length = asprintf(&device->driver, "unknown");
	if (length < 0) {
		device->driver = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int name_pci(const VkPhysicalDevicePCIBusInfoPropertiesEXT *pci,
		    struct report_device *device)
{
	if (asprintf(&device->pci, "%04x:%02x:%02x.%x", pci->pciDomain,
		     pci->pciBus, pci->pciDevice, pci->pciFunction) < 0) {
		device->pci = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* What all devices have, then what the extensions add, in one query. */
static int properties_read(VkPhysicalDevice physical,
			   const struct extensions *extensions,
			   struct report_device *device)
{
	VkPhysicalDeviceDriverProperties driver = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
	};
	VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
	};
	VkPhysicalDeviceDrmPropertiesEXT drm = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT,
	};
	VkPhysicalDeviceProperties2 all = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
	};
	int r;

	if (extensions->drm) {
		drm.pNext = all.pNext;
		all.pNext = &drm;
	}
	if (extensions->pci) {
		pci.pNext = all.pNext;
		all.pNext = &pci;
	}
	if (extensions->driver) {
		driver.pNext = all.pNext;
		all.pNext = &driver;
	}
	vkGetPhysicalDeviceProperties2(physical, &all);

	device->api = all.properties.apiVersion;
	device->cpu = all.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
	device->has_render = drm.hasRender;
	device->render_major = (uint32_t)drm.renderMajor;
	device->render_minor = (uint32_t)drm.renderMinor;
	device->name = strdup(all.properties.deviceName);
	if (!device->name)
		return -ENOMEM;
	r = name_driver(&driver, device);
	if (r < 0 || !extensions->pci)
		return r;
	return name_pci(&pci, device);
}

static void heaps_read(VkPhysicalDevice physical, struct report_device *device)
{
	VkPhysicalDeviceMemoryProperties memory;

	vkGetPhysicalDeviceMemoryProperties(physical, &memory);
	for (uint32_t i = 0; i < memory.memoryHeapCount && i < REPORT_HEAPS;
	     i++) {
		device->heaps[i].bytes = memory.memoryHeaps[i].size;
		device->heaps[i].local = memory.memoryHeaps[i].flags &
					 VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
		device->heap_count = i + 1;
	}
}

static int device_report(VkPhysicalDevice physical, const char *library,
			 struct report *report)
{
	struct report_device *device = &report->devices[report->count];
	struct extensions extensions = {0};
	VkPhysicalDeviceProperties properties;
	int r;

	vkGetPhysicalDeviceProperties(physical, &properties);
	if (properties.apiVersion < VK_API_VERSION_1_1)
		return 0;
	report->count++;
	r = extensions_read(physical, &extensions);
	if (r < 0)
		return r;
	r = properties_read(physical, &extensions, device);
	if (r < 0)
		return r;
	device->library = library_path(library);
	if (!device->library)
		return -ENOMEM;
	heaps_read(physical, device);
	device->exports = extensions.dma_buf && export_works(physical);
	return 0;
}

int vulkan_report(const char *library, struct report *report)
{
	VkPhysicalDevice physicals[REPORT_DEVICES];
	uint32_t count = REPORT_DEVICES;
	VkInstance instance;
	VkResult result;
	int r = 0;

	*report = (struct report){0};
	instance = instance_create();
	if (!instance)
		return -ENODEV;
	result = vkEnumeratePhysicalDevices(instance, &count, physicals);
	if (result != VK_SUCCESS && result != VK_INCOMPLETE)
		count = 0;
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = device_report(physicals[i], library, report);
	vkDestroyInstance(instance, NULL);
	if (r == 0 && !report->count)
		r = -ENODEV;
	if (r < 0)
		report_deinit(report);
	return r;
}
