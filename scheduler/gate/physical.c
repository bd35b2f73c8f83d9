/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/physical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The extensions of a physical device that matter here. */
struct offers {
	bool timeline;
	bool pci;
	bool driver;
};

static VkExtensionProperties *extensions_list(const struct physical *physical,
					      uint32_t *count)
{
	const struct next_instance *next = &physical->instance->next;
	VkExtensionProperties *list;

	if (next->enumerate_extensions(physical->handle, NULL, count, NULL) !=
	    VK_SUCCESS)
		return NULL;
	list = calloc(*count ? *count : 1, sizeof(*list));
	if (list && next->enumerate_extensions(physical->handle, NULL, count,
					       list) < 0) {
		free(list);
		return NULL;
	}
	return list;
}

static struct offers offers_find(const struct physical *physical)
{
	struct offers offers = {};
	uint32_t count = 0;
	VkExtensionProperties *list = extensions_list(physical, &count);

	for (uint32_t i = 0; list && i < count; i++) {
		const char *name = list[i].extensionName;

		if (!strcmp(name, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME))
			offers.timeline = true;
		if (!strcmp(name, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME))
			offers.pci = true;
		if (!strcmp(name, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))
			offers.driver = true;
	}
	free(list);
	return offers;
}

static void timeline_find(struct physical *physical, uint32_t api_version,
			  bool extension)
{
	struct instance *instance = physical->instance;
	VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
	};
	VkPhysicalDeviceFeatures2 features = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
		.pNext = &timeline,
	};

	physical->timeline_core = api_version >= VK_API_VERSION_1_2 &&
				  instance->api_version >= VK_API_VERSION_1_2;
	if (!physical->timeline_core && !extension)
		return;
	if (!instance->next.get_features2)
		return;
	instance->next.get_features2(physical->handle, &features);
	physical->timeline = timeline.timelineSemaphore;
}

static bool is_wanted(const VkPhysicalDevicePCIBusInfoPropertiesEXT *pci,
		      const char *wanted)
{
	char name[32];

	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", pci->pciDomain,
		 pci->pciBus, pci->pciDevice, pci->pciFunction);
	return !strcasecmp(name, wanted);
}

/* A device that does not say where it is can't be told from the wanted one. */
static bool is_visible(const struct physical *physical, bool pci_known)
{
	const struct next_instance *next = &physical->instance->next;
	const char *wanted = secure_getenv(PHYSICAL_PCI_ENVIRONMENT);
	VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {
		.sType =
			VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &pci,
	};

	if (!wanted || !*wanted || !pci_known || !next->get_properties2)
		return true;
	next->get_properties2(physical->handle, &properties);
	return is_wanted(&pci, wanted);
}

/*
 * Mesa's drivers order work that waits for a later signal themselves, whatever
 * semaphores are behind it; at worst vkQueueSubmit blocks until the signal
 * comes. Of others that is not known. Of venus it is known that the signal
 * can't come then: it takes the same way as what blocks.
 */
static bool orders_binary(VkDriverId id)
{
	switch (id) {
	case VK_DRIVER_ID_MESA_RADV:
	case VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA:
	case VK_DRIVER_ID_MESA_LLVMPIPE:
	case VK_DRIVER_ID_MESA_TURNIP:
	case VK_DRIVER_ID_MESA_V3DV:
	case VK_DRIVER_ID_MESA_PANVK:
	case VK_DRIVER_ID_MESA_DOZEN:
	case VK_DRIVER_ID_MESA_NVK:
	case VK_DRIVER_ID_IMAGINATION_OPEN_SOURCE_MESA:
	case VK_DRIVER_ID_MESA_HONEYKRISP:
		return true;
	default:
		return false;
	}
}

/* Return: 0, which is none, if it is not told. */
static VkDriverId driver_find(const struct physical *physical,
			      bool driver_known)
{
	const struct next_instance *next = &physical->instance->next;
	VkPhysicalDeviceDriverProperties driver = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
		.pNext = &driver,
	};

	if (!driver_known || !next->get_properties2)
		return 0;
	next->get_properties2(physical->handle, &properties);
	return driver.driverID;
}

/*
 * venus has the GPU write the value of a timeline for it, by commands that it
 * uses again when it sees a value behind theirs. Up to Mesa 25.0 at least, a
 * command counts as pending from before its new value is set: whoever asks then
 * makes it free for the next submission, whose value it will tell too early.
 * venus then waits for that value in the way of what the GPU needs to get there.
 */
static bool tells_too_early(VkDriverId id)
{
	return id == VK_DRIVER_ID_MESA_VENUS;
}

/*
 * venus passes commands through a ring in shared memory, whose reader sleeps after
 * a millisecond without any. It is woken when it was seen asleep just after a
 * command was written; without a full barrier between the two (Mesa 25.0) it may
 * fall asleep unseen, with the command unread until another one comes.
 */
static bool sleeps_unseen(VkDriverId id)
{
	return id == VK_DRIVER_ID_MESA_VENUS;
}

static void driver_judge(struct physical *physical, VkDriverId id)
{
	const char *strict = secure_getenv(PHYSICAL_STRICT_ENVIRONMENT);

	physical->holds_binary = !(strict && *strict) && orders_binary(id);
	physical->marks_alone = tells_too_early(id);
	physical->needs_nudges = sleeps_unseen(id);
}

/* ------------------------------------------------------------------------
 * Queue families
 * ------------------------------------------------------------------------ */

static enum stamp_verdict stamps_asked(void)
{
	const char *text = secure_getenv(PHYSICAL_STAMPS_ENVIRONMENT);

	if (!text || !*text || !strcmp(text, "auto"))
		return STAMP_UNKNOWN;
	if (!strcmp(text, "on"))
		return STAMP_CHEAP;
	if (!strcmp(text, "off"))
		return STAMP_DEAR;
	fprintf(stderr,
		"tranche-gate: %s is '%s', taken for 'auto'; set it to on, off or auto\n",
		PHYSICAL_STAMPS_ENVIRONMENT, text);
	return STAMP_UNKNOWN;
}

static void family_init(struct queue_family *family,
			const VkQueueFamilyProperties *properties,
			double period_ns, enum stamp_verdict asked)
{
	const VkQueueFlags stampable =
		VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;

	family->flags = properties->queueFlags;
	if (family->flags & stampable)
		family->clock.bits = properties->timestampValidBits;
	family->clock.period_ns = period_ns;
	atomic_init(&family->stamps, family->clock.bits ? asked : STAMP_DEAR);
}

/* Return: false without memory. */
static bool families_find(struct physical *physical, double period_ns)
{
	const struct next_instance *next = &physical->instance->next;
	enum stamp_verdict asked = stamps_asked();
	VkQueueFamilyProperties *list;
	uint32_t count = 0;

	next->get_families(physical->handle, &count, NULL);
	list = calloc(count ? count : 1, sizeof(*list));
	physical->families =
		calloc(count ? count : 1, sizeof(*physical->families));
	if (list && physical->families) {
		next->get_families(physical->handle, &count, list);
		physical->family_count = count;
	}
	for (uint32_t i = 0; i < physical->family_count; i++)
		family_init(&physical->families[i], &list[i], period_ns, asked);
	free(list);
	return physical->family_count == count;
}

void physical_free(struct physical *physical)
{
	free(physical->families);
	free(physical);
}

struct physical *physical_new(struct instance *instance,
			      VkPhysicalDevice handle)
{
	struct physical *physical = calloc(1, sizeof(*physical));
	VkPhysicalDeviceProperties properties;
	struct offers offers;

	if (!physical)
		return NULL;
	physical->instance = instance;
	physical->handle = handle;
	offers = offers_find(physical);
	instance->next.get_properties(handle, &properties);
	instance->next.get_memory(handle, &physical->memory);
	timeline_find(physical, properties.apiVersion, offers.timeline);
	physical->visible = is_visible(physical, offers.pci);
	offers.driver |= properties.apiVersion >= VK_API_VERSION_1_2;
	driver_judge(physical, driver_find(physical, offers.driver));
	if (!families_find(physical, properties.limits.timestampPeriod)) {
		physical_free(physical);
		return NULL;
	}
	return physical;
}
