/* SPDX-License-Identifier: MIT */
/*
 * A driver that is the real one, LESSER_DRIVER, made to look or behave worse by
 * LESSER, for what the real one does not show by itself:
 *
 *   no-timeline   has no timeline semaphores
 *   pci           says that it is at 0000:0a:00.0
 *   lost=N        its device is lost with its Nth submission
 *   venus         says that it is venus, and aborts where that would tell a
 *                 value too early: when a timeline is asked for its value while
 *                 it is given to vkQueueSubmit as a signal
 *   sleeps        says that it is venus, and does what vkSignalSemaphore asks
 *                 for only when it is called the next time
 *   stamps        writes stamps at no cost, when a job is submitted, and says that
 *                 each took STAMPS_NS
 *
 * State: constant after the first call, but for the count of submissions, what is
 * being signalled and asked for, or was left undone, and which command
 * buffers stamp; their locks are in `busy`, `undone` and `stamps`.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#include "scheduler/gate/chain.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define EXPORT __attribute__((visibility("default")))
#define PCI_BUS 10
#define BUSY_US 100 /* in each call, so that calls meet */
#define BUSY_MAX 16
#define STAMPS_NS 1000
#define BUFFERS_MAX 64
#define STAMPERS_MAX 256
#define COMMANDS_MAX 32

static struct {
	pthread_once_t once;
	bool no_timeline;
	bool pci;
	bool venus;
	bool sleeps;
	bool stamps;
	unsigned long lost_at; /* 0: never */
	PFN_vkGetInstanceProcAddr get;
	PFN_vkNegotiateLoaderICDInterfaceVersion negotiate;
	PFN_vkEnumerateDeviceExtensionProperties enumerate_extensions;
	PFN_vkGetPhysicalDeviceProperties get_properties;
	PFN_vkGetPhysicalDeviceProperties2 get_properties2;
	PFN_vkGetPhysicalDeviceFeatures2 get_features2;
	PFN_vkGetDeviceProcAddr get_device_proc;
	PFN_vkCreateSemaphore create_semaphore;
	PFN_vkQueueSubmit submit;
	PFN_vkWaitForFences wait_fences;
	PFN_vkDeviceWaitIdle wait_idle;
	PFN_vkGetSemaphoreCounterValue get_counter;
	PFN_vkWaitSemaphores wait_semaphores;
	PFN_vkSignalSemaphore signal_semaphore;
	PFN_vkBindBufferMemory bind_buffer;
	PFN_vkMapMemory map;
	PFN_vkCmdResetQueryPool reset_queries;
	PFN_vkCmdWriteTimestamp write_stamp;
	PFN_vkCmdCopyQueryPoolResults copy_queries;
} real = {.once = PTHREAD_ONCE_INIT};

static atomic_ulong submissions;

static void load(void)
{
	const char *path = getenv("LESSER_DRIVER");
	const char *how = getenv("LESSER");
	void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (!library || !how) {
		fprintf(stderr,
			"lesser-driver: set LESSER and LESSER_DRIVER\n");
		abort();
	}
	real.no_timeline = !strcmp(how, "no-timeline");
	real.pci = !strcmp(how, "pci");
	real.venus = !strcmp(how, "venus");
	real.sleeps = !strcmp(how, "sleeps");
	real.stamps = !strcmp(how, "stamps");
	if (!strncmp(how, "lost=", 5))
		real.lost_at = strtoul(how + 5, NULL, 10);
	real.get = (PFN_vkGetInstanceProcAddr)dlsym(
		library, "vk_icdGetInstanceProcAddr");
	real.negotiate = (PFN_vkNegotiateLoaderICDInterfaceVersion)dlsym(
		library, "vk_icdNegotiateLoaderICDInterfaceVersion");
}

static bool is_lost(void)
{
	return real.lost_at && atomic_load(&submissions) >= real.lost_at;
}

/* ------------------------------------------------------------------------
 * Physical devices
 * ------------------------------------------------------------------------ */

static bool extension_is_hidden(const char *name)
{
	return real.no_timeline &&
	       !strcmp(name, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME);
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_extensions(VkPhysicalDevice physical, const char *layer,
		     uint32_t *count, VkExtensionProperties *properties)
{
	VkExtensionProperties all[512];
	uint32_t total = ARRAY_SIZE(all) - 1, kept = 0;

	if (real.enumerate_extensions(physical, layer, &total, all) < 0)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	for (uint32_t i = 0; i < total; i++) {
		if (!extension_is_hidden(all[i].extensionName))
			all[kept++] = all[i];
	}
	if (real.pci) {
		all[kept] = (VkExtensionProperties){.specVersion = 2};
		strcpy(all[kept++].extensionName,
		       VK_EXT_PCI_BUS_INFO_EXTENSION_NAME);
	}
	if (properties) {
		kept = kept < *count ? kept : *count;
		memcpy(properties, all, kept * sizeof(*all));
	}
	*count = kept;
	return VK_SUCCESS;
}

static void properties_lessen(VkPhysicalDeviceProperties *properties)
{
	/* In Vulkan 1.2 they are a part of it. */
	if (real.no_timeline)
		properties->apiVersion = VK_API_VERSION_1_1;
}

static VKAPI_ATTR void VKAPI_CALL get_properties(
	VkPhysicalDevice physical, VkPhysicalDeviceProperties *properties)
{
	real.get_properties(physical, properties);
	properties_lessen(properties);
}

static void pci_pretend(VkPhysicalDevicePCIBusInfoPropertiesEXT *pci)
{
	pci->pciDomain = 0;
	pci->pciBus = PCI_BUS;
	pci->pciDevice = 0;
	pci->pciFunction = 0;
}

static VKAPI_ATTR void VKAPI_CALL get_properties2(
	VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *properties)
{
	VkPhysicalDeviceDriverProperties *driver = (void *)chain_find(
		properties->pNext,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
	VkPhysicalDevicePCIBusInfoPropertiesEXT *pci = (void *)chain_find(
		properties->pNext,
		VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT);

	real.get_properties2(physical, properties);
	properties_lessen(&properties->properties);
	if (real.pci && pci)
		pci_pretend(pci);
	if ((real.venus || real.sleeps) && driver)
		driver->driverID = VK_DRIVER_ID_MESA_VENUS;
}

static VKAPI_ATTR void VKAPI_CALL
get_features2(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *features)
{
	VkBaseOutStructure *node = (VkBaseOutStructure *)features;

	real.get_features2(physical, features);
	for (; real.no_timeline && node; node = node->pNext) {
		if (node->sType ==
		    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES)
			((VkPhysicalDeviceTimelineSemaphoreFeatures *)node)
				->timelineSemaphore = VK_FALSE;
	}
}

/* ------------------------------------------------------------------------
 * Devices
 * ------------------------------------------------------------------------ */

static VKAPI_ATTR VkResult VKAPI_CALL
create_semaphore(VkDevice device, const VkSemaphoreCreateInfo *info,
		 const VkAllocationCallbacks *allocator, VkSemaphore *semaphore)
{
	const VkSemaphoreTypeCreateInfo *type = chain_find(
		info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);

	if (real.no_timeline && type &&
	    type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE)
		return VK_ERROR_FEATURE_NOT_PRESENT;
	return real.create_semaphore(device, info, allocator, semaphore);
}

/* Which semaphores are in which kind of call. */
enum { SIGNALLED, ASKED };

static struct {
	pthread_mutex_t lock;
	VkSemaphore in[2][BUSY_MAX];
} busy = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool busy_find(int kind, VkSemaphore semaphore, unsigned int *place)
{
	for (*place = 0; *place < BUSY_MAX; (*place)++) {
		if (busy.in[kind][*place] == semaphore)
			return true;
	}
	return false;
}

static void busy_begin(int kind, VkSemaphore semaphore)
{
	unsigned int place;

	if (!real.venus)
		return;
	pthread_mutex_lock(&busy.lock);
	if (busy_find(!kind, semaphore, &place) ||
	    !busy_find(kind, VK_NULL_HANDLE, &place)) {
		fprintf(stderr, "lesser-driver: a value asked for while "
				"it is given\n");
		abort();
	}
	busy.in[kind][place] = semaphore;
	pthread_mutex_unlock(&busy.lock);
	usleep(BUSY_US);
}

static void busy_end(int kind, VkSemaphore semaphore)
{
	unsigned int place;

	if (!real.venus)
		return;
	pthread_mutex_lock(&busy.lock);
	if (busy_find(kind, semaphore, &place))
		busy.in[kind][place] = VK_NULL_HANDLE;
	pthread_mutex_unlock(&busy.lock);
}

static void signals_each(uint32_t count, const VkSubmitInfo *infos,
			 void (*each)(int kind, VkSemaphore semaphore))
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < infos[i].signalSemaphoreCount; k++)
			each(SIGNALLED, infos[i].pSignalSemaphores[k]);
	}
}

/* Buffers and the memory they are bound to, and command buffers that stamp and
 * what they copy that to. */
static struct {
	pthread_mutex_t lock;
	size_t buffer_count;
	struct {
		VkBuffer buffer;
		VkDeviceMemory memory;
		char *map;
	} buffers[BUFFERS_MAX];
	size_t stamper_count;
	struct stamper {
		VkCommandBuffer commands;
		VkBuffer buffer; /* or none */
		VkDeviceSize offset;
	} stampers[STAMPERS_MAX];
} stamps = {.lock = PTHREAD_MUTEX_INITIALIZER};

static VKAPI_ATTR VkResult VKAPI_CALL bind_buffer(VkDevice device,
						  VkBuffer buffer,
						  VkDeviceMemory memory,
						  VkDeviceSize offset)
{
	pthread_mutex_lock(&stamps.lock);
	if (stamps.buffer_count < BUFFERS_MAX) {
		stamps.buffers[stamps.buffer_count].buffer = buffer;
		stamps.buffers[stamps.buffer_count++].memory = memory;
	}
	pthread_mutex_unlock(&stamps.lock);
	return real.bind_buffer(device, buffer, memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL map(VkDevice device,
					  VkDeviceMemory memory,
					  VkDeviceSize offset,
					  VkDeviceSize size,
					  VkMemoryMapFlags flags, void **data)
{
	VkResult result = real.map(device, memory, offset, size, flags, data);

	pthread_mutex_lock(&stamps.lock);
	for (size_t i = 0; i < stamps.buffer_count; i++) {
		if (stamps.buffers[i].memory == memory)
			stamps.buffers[i].map = *data;
	}
	pthread_mutex_unlock(&stamps.lock);
	return result;
}

static VKAPI_ATTR void VKAPI_CALL reset_queries(VkCommandBuffer commands,
						VkQueryPool pool,
						uint32_t first, uint32_t count)
{
	if (!real.stamps)
		real.reset_queries(commands, pool, first, count);
}

/* Called with the lock held. */
static struct stamper *stamper_find(VkCommandBuffer commands)
{
	for (size_t i = 0; i < stamps.stamper_count; i++) {
		if (stamps.stampers[i].commands == commands)
			return &stamps.stampers[i];
	}
	return NULL;
}

static VKAPI_ATTR void VKAPI_CALL write_stamp(VkCommandBuffer commands,
					      VkPipelineStageFlagBits stage,
					      VkQueryPool pool, uint32_t query)
{
	if (!real.stamps) {
		real.write_stamp(commands, stage, pool, query);
		return;
	}
	pthread_mutex_lock(&stamps.lock);
	if (!stamper_find(commands) && stamps.stamper_count < STAMPERS_MAX)
		stamps.stampers[stamps.stamper_count++] =
			(struct stamper){.commands = commands};
	pthread_mutex_unlock(&stamps.lock);
}

static VKAPI_ATTR void VKAPI_CALL copy_queries(VkCommandBuffer commands,
					       VkQueryPool pool, uint32_t first,
					       uint32_t count, VkBuffer buffer,
					       VkDeviceSize offset,
					       VkDeviceSize stride,
					       VkQueryResultFlags flags)
{
	struct stamper *stamper;

	if (!real.stamps) {
		real.copy_queries(commands, pool, first, count, buffer, offset,
				  stride, flags);
		return;
	}
	pthread_mutex_lock(&stamps.lock);
	stamper = stamper_find(commands);
	if (stamper) {
		stamper->buffer = buffer;
		stamper->offset = offset;
	}
	pthread_mutex_unlock(&stamps.lock);
}

/* Called with the lock held. */
static void stamps_write(const struct stamper *stamper)
{
	const uint64_t values[] = {STAMPS_NS, 2 * STAMPS_NS};

	for (size_t i = 0; i < stamps.buffer_count; i++) {
		if (stamper->buffer && stamps.buffers[i].map &&
		    stamps.buffers[i].buffer == stamper->buffer)
			memcpy(stamps.buffers[i].map + stamper->offset, values,
			       sizeof(values));
	}
}

/* Does what stamps, and leaves it out: @kept has room for all. */
static void stamps_take(VkSubmitInfo *info, VkCommandBuffer *kept)
{
	uint32_t count = 0;

	pthread_mutex_lock(&stamps.lock);
	for (uint32_t i = 0; i < info->commandBufferCount; i++) {
		const struct stamper *stamper =
			stamper_find(info->pCommandBuffers[i]);

		if (stamper)
			stamps_write(stamper);
		else
			kept[count++] = info->pCommandBuffers[i];
	}
	pthread_mutex_unlock(&stamps.lock);
	info->pCommandBuffers = kept;
	info->commandBufferCount = count;
}

static VkResult submit_real(VkQueue queue, uint32_t count,
			    const VkSubmitInfo *infos, VkFence fence)
{
	VkCommandBuffer kept[COMMANDS_MAX];
	VkSubmitInfo info;

	if (!real.stamps || count != 1 ||
	    infos->commandBufferCount > COMMANDS_MAX)
		return real.submit(queue, count, infos, fence);
	info = *infos;
	stamps_take(&info, kept);
	return real.submit(queue, 1, &info, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count,
					     const VkSubmitInfo *infos,
					     VkFence fence)
{
	VkResult result;

	atomic_fetch_add(&submissions, 1);
	if (is_lost())
		return VK_ERROR_DEVICE_LOST;
	signals_each(count, infos, busy_begin);
	result = submit_real(queue, count, infos, fence);
	signals_each(count, infos, busy_end);
	return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device,
						  uint32_t count,
						  const VkFence *fences,
						  VkBool32 all, uint64_t ns)
{
	if (is_lost())
		return VK_ERROR_DEVICE_LOST;
	return real.wait_fences(device, count, fences, all, ns);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_idle(VkDevice device)
{
	VkResult result = real.wait_idle(device);

	return is_lost() ? VK_ERROR_DEVICE_LOST : result;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_counter(VkDevice device,
						  VkSemaphore semaphore,
						  uint64_t *value)
{
	VkResult result;

	if (is_lost())
		return VK_ERROR_DEVICE_LOST;
	busy_begin(ASKED, semaphore);
	result = real.get_counter(device, semaphore, value);
	busy_end(ASKED, semaphore);
	return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo *info, uint64_t ns)
{
	VkResult result;

	if (is_lost())
		return VK_ERROR_DEVICE_LOST;
	for (uint32_t i = 0; i < info->semaphoreCount; i++)
		busy_begin(ASKED, info->pSemaphores[i]);
	result = real.wait_semaphores(device, info, ns);
	for (uint32_t i = 0; i < info->semaphoreCount; i++)
		busy_end(ASKED, info->pSemaphores[i]);
	return result;
}

static struct {
	pthread_mutex_t lock;
	VkDevice device;
	VkSemaphoreSignalInfo info;
} undone = {.lock = PTHREAD_MUTEX_INITIALIZER};

static VKAPI_ATTR VkResult VKAPI_CALL
signal_semaphore(VkDevice device, const VkSemaphoreSignalInfo *info)
{
	VkResult result = VK_SUCCESS;

	if (!real.sleeps)
		return real.signal_semaphore(device, info);
	pthread_mutex_lock(&undone.lock);
	if (undone.device == device)
		result = real.signal_semaphore(device, &undone.info);
	undone.device = device;
	undone.info = *info;
	pthread_mutex_unlock(&undone.lock);
	return result;
}

/* ------------------------------------------------------------------------
 * What stands before the real functions
 * ------------------------------------------------------------------------ */

struct entry {
	const char *name;
	PFN_vkVoidFunction own;
	PFN_vkVoidFunction *next;
};

#define ENTRY(name, member) \
	name, (PFN_vkVoidFunction)member, (PFN_vkVoidFunction *)&real.member

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc(VkDevice device, const char *name);

static const struct entry instance_entries[] = {
	{ENTRY("vkEnumerateDeviceExtensionProperties", enumerate_extensions)},
	{ENTRY("vkGetPhysicalDeviceProperties", get_properties)},
	{ENTRY("vkGetPhysicalDeviceProperties2", get_properties2)},
	{ENTRY("vkGetPhysicalDeviceProperties2KHR", get_properties2)},
	{ENTRY("vkGetPhysicalDeviceFeatures2", get_features2)},
	{ENTRY("vkGetPhysicalDeviceFeatures2KHR", get_features2)},
	{ENTRY("vkGetDeviceProcAddr", get_device_proc)},
};

static const struct entry device_entries[] = {
	{ENTRY("vkCreateSemaphore", create_semaphore)},
	{ENTRY("vkQueueSubmit", submit)},
	{ENTRY("vkWaitForFences", wait_fences)},
	{ENTRY("vkDeviceWaitIdle", wait_idle)},
	{ENTRY("vkGetSemaphoreCounterValue", get_counter)},
	{ENTRY("vkWaitSemaphores", wait_semaphores)},
	{ENTRY("vkSignalSemaphore", signal_semaphore)},
	{ENTRY("vkBindBufferMemory", bind_buffer)},
	{ENTRY("vkMapMemory", map)},
	{ENTRY("vkCmdResetQueryPool", reset_queries)},
	{ENTRY("vkCmdWriteTimestamp", write_stamp)},
	{ENTRY("vkCmdCopyQueryPoolResults", copy_queries)},
};

static PFN_vkVoidFunction entry_find(const struct entry *entries, size_t count,
				     const char *name, PFN_vkVoidFunction next)
{
	for (size_t i = 0; next && i < count; i++) {
		if (strcmp(entries[i].name, name))
			continue;
		*entries[i].next = next;
		return entries[i].own;
	}
	return next;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc(VkDevice device, const char *name)
{
	return entry_find(device_entries, ARRAY_SIZE(device_entries), name,
			  real.get_device_proc(device, name));
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char *name);

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char *name)
{
	pthread_once(&real.once, load);
	return entry_find(instance_entries, ARRAY_SIZE(instance_entries), name,
			  real.get(instance, name));
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
	pthread_once(&real.once, load);
	return real.negotiate(version);
}
