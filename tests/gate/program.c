/* SPDX-License-Identifier: MIT */
/*
 * gate-program: a Vulkan program that orders its work in every way there is, to
 * be run with and without the gate. It checks its results and prints a line for
 * each scenario; what it prints does not depend on time.
 *
 *   gate-program [--without-timelines] [SCENARIO]...
 *
 * By default all scenarios but those that have to be named; --list names the
 * others. Without timelines the application asks for no timeline semaphores.
 *
 * Exit status: 0; 1 for a wrong result; 9 without Vulkan; 2 for a bad name.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/gate/rig.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Long enough to be running while the next ones are submitted. */
#define ROUNDS 200

static struct rig_options plain = {
	.api_version = VK_API_VERSION_1_2,
};

/* Jobs differ, so that their order shows. */
static struct rig_job job_of(uint32_t i)
{
	return (struct rig_job){2 * i + 3, 7 * i + 1, ROUNDS};
}

struct jobs {
	VkCommandBuffer commands[16];
	struct rig_job job[16];
};

static void jobs_record(struct rig *rig, struct jobs *jobs)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(jobs->job); i++) {
		jobs->job[i] = job_of(i);
		jobs->commands[i] = rig_record(rig, jobs->job[i]);
	}
}

/* Submits job @i; the order of calls is the order that is expected. */
static void jobs_submit(struct rig *rig, const struct jobs *jobs, uint32_t i,
			struct rig_batch batch, VkFence fence)
{
	i %= ARRAY_SIZE(jobs->job);
	batch.commands = jobs->commands[i];
	rig_expect(rig, jobs->job[i]);
	rig_submit(rig, batch, fence);
}

/* ------------------------------------------------------------------------
 * Fences and idling
 * ------------------------------------------------------------------------ */

static void run_fences(void)
{
	struct rig rig;
	struct jobs jobs;
	VkFence fence;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	fence = rig_fence(&rig);
	for (uint32_t i = 0; i < 50; i++) {
		jobs_submit(&rig, &jobs, i, (struct rig_batch){}, fence);
		rig_await(&rig, fence);
		rig_verify(&rig, "fence");
	}
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

/* A fence of no batch tells the end of all that was submitted before. */
static void run_fence_alone(void)
{
	struct rig rig;
	struct jobs jobs;
	VkFence fence;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	fence = rig_fence(&rig);
	RIG_CHECK(vkQueueSubmit(rig.queue, 0, NULL, fence));
	rig_await(&rig, fence);
	for (uint32_t i = 0; i < 10; i++) {
		for (uint32_t k = 0; k < 5; k++)
			jobs_submit(&rig, &jobs, i + k, (struct rig_batch){},
				    VK_NULL_HANDLE);
		RIG_CHECK(vkQueueSubmit(rig.queue, 0, NULL, fence));
		rig_await(&rig, fence);
		rig_verify(&rig, "fence alone");
	}
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

static void run_empty_batches(void)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore semaphore;
	VkFence fence;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	fence = rig_fence(&rig);
	semaphore = rig_binary(&rig);
	for (uint32_t i = 0; i < 20; i++) {
		jobs_submit(&rig, &jobs, i, (struct rig_batch){},
			    VK_NULL_HANDLE);
		rig_submit(&rig, (struct rig_batch){.signal = semaphore},
			   VK_NULL_HANDLE);
		rig_submit(&rig, (struct rig_batch){}, VK_NULL_HANDLE);
		rig_submit(&rig, (struct rig_batch){.wait = semaphore}, fence);
		rig_await(&rig, fence);
		rig_verify(&rig, "empty batches");
	}
	vkDestroyFence(rig.device, fence, NULL);
	vkDestroySemaphore(rig.device, semaphore, NULL);
	rig_close(&rig);
}

static void run_idle(void)
{
	struct rig rig;
	struct jobs jobs;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	for (uint32_t i = 0; i < 40; i++)
		jobs_submit(&rig, &jobs, i, (struct rig_batch){},
			    VK_NULL_HANDLE);
	RIG_CHECK(vkQueueWaitIdle(rig.queue));
	rig_verify(&rig, "queue idle");
	for (uint32_t i = 0; i < 40; i++)
		jobs_submit(&rig, &jobs, i, (struct rig_batch){},
			    VK_NULL_HANDLE);
	RIG_CHECK(vkDeviceWaitIdle(rig.device));
	rig_verify(&rig, "device idle");
	rig_close(&rig);
}

/* ------------------------------------------------------------------------
 * Semaphores
 * ------------------------------------------------------------------------ */

static void run_binary_chain(void)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore semaphores[2];
	VkFence fence;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	semaphores[0] = rig_binary(&rig);
	semaphores[1] = rig_binary(&rig);
	fence = rig_fence(&rig);
	for (uint32_t i = 0; i < 200; i++) {
		struct rig_batch batch = {
			.wait = i ? semaphores[(i + 1) % 2] : VK_NULL_HANDLE,
			.signal = i < 199 ? semaphores[i % 2] : VK_NULL_HANDLE,
		};

		jobs_submit(&rig, &jobs, i, batch,
			    i == 199 ? fence : VK_NULL_HANDLE);
	}
	rig_await(&rig, fence);
	rig_verify(&rig, "binary chain");
	vkDestroySemaphore(rig.device, semaphores[0], NULL);
	vkDestroySemaphore(rig.device, semaphores[1], NULL);
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

static void run_timeline_chain(void)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore timeline;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	timeline = rig_timeline(&rig);
	for (uint32_t i = 0; i < 100; i++)
		jobs_submit(&rig, &jobs, i,
			    (struct rig_batch){
				    .wait = timeline,
				    .wait_value = i,
				    .signal = timeline,
				    .signal_value = i + 1,
			    },
			    VK_NULL_HANDLE);
	rig_await_value(&rig, timeline, 100);
	rig_verify(&rig, "timeline chain");
	vkDestroySemaphore(rig.device, timeline, NULL);
	rig_close(&rig);
}

/* Work waits for a value that this thread signals later, with more behind. */
static void run_signal_later(void)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore timeline, done;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	timeline = rig_timeline(&rig);
	done = rig_timeline(&rig);
	for (uint32_t i = 1; i <= 10; i++) {
		jobs_submit(&rig, &jobs, i,
			    (struct rig_batch){
				    .wait = timeline,
				    .wait_value = i,
			    },
			    VK_NULL_HANDLE);
		for (uint32_t k = 0; k < 10; k++)
			jobs_submit(&rig, &jobs, i + k,
				    (struct rig_batch){
					    .signal = done,
					    .signal_value = i * 10 + k,
				    },
				    VK_NULL_HANDLE);
		usleep(2000);
		rig_signal_value(&rig, timeline, i);
	}
	rig_await_value(&rig, done, 109);
	rig_verify(&rig, "signal later");
	vkDestroySemaphore(rig.device, timeline, NULL);
	vkDestroySemaphore(rig.device, done, NULL);
	rig_close(&rig);
}

struct signaller {
	const struct rig *rig;
	VkSemaphore timeline;
	uint64_t last;
};

static void *signal_values(void *data)
{
	struct signaller *signaller = data;

	for (uint64_t value = 1; value <= signaller->last; value++) {
		usleep(3000);
		rig_signal_value(signaller->rig, signaller->timeline, value);
	}
	return NULL;
}

static void run_signal_thread(void)
{
	struct signaller signaller = {.last = 10};
	struct rig rig;
	struct jobs jobs;
	pthread_t thread;
	VkSemaphore done;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	signaller.rig = &rig;
	signaller.timeline = rig_timeline(&rig);
	done = rig_timeline(&rig);
	pthread_create(&thread, NULL, signal_values, &signaller);
	for (uint32_t i = 1; i <= 10; i++) {
		jobs_submit(&rig, &jobs, i,
			    (struct rig_batch){
				    .wait = signaller.timeline,
				    .wait_value = i,
			    },
			    VK_NULL_HANDLE);
		for (uint32_t k = 0; k < 10; k++)
			jobs_submit(&rig, &jobs, i + k,
				    (struct rig_batch){
					    .signal = done,
					    .signal_value = i * 10 + k,
				    },
				    VK_NULL_HANDLE);
	}
	pthread_join(thread, NULL);
	rig_await_value(&rig, done, 109);
	rig_verify(&rig, "signal from a thread");
	vkDestroySemaphore(rig.device, signaller.timeline, NULL);
	vkDestroySemaphore(rig.device, done, NULL);
	rig_close(&rig);
}

/*
 * One call with several batches, a later of which waits for a value that is
 * signalled only when an earlier one was seen complete.
 */
static void run_batches(void)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore timelines[2];
	const uint64_t values[] = {1, 1, 2};
	const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
	VkTimelineSemaphoreSubmitInfo first = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.signalSemaphoreValueCount = 1,
		.pSignalSemaphoreValues = &values[0],
	};
	VkTimelineSemaphoreSubmitInfo second = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.waitSemaphoreValueCount = 1,
		.pWaitSemaphoreValues = &values[1],
		.signalSemaphoreValueCount = 1,
		.pSignalSemaphoreValues = &values[2],
	};
	VkFence fence;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	timelines[0] = rig_timeline(&rig);
	timelines[1] = rig_timeline(&rig);
	fence = rig_fence(&rig);
	RIG_CHECK(vkQueueSubmit(
		rig.queue, 2,
		(VkSubmitInfo[]){
			{
				.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
				.pNext = &first,
				.commandBufferCount = 3,
				.pCommandBuffers = &jobs.commands[0],
				.signalSemaphoreCount = 1,
				.pSignalSemaphores = &timelines[0],
			},
			{
				.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
				.pNext = &second,
				.waitSemaphoreCount = 1,
				.pWaitSemaphores = &timelines[1],
				.pWaitDstStageMask = &stage,
				.commandBufferCount = 2,
				.pCommandBuffers = &jobs.commands[3],
				.signalSemaphoreCount = 1,
				.pSignalSemaphores = &timelines[0],
			},
		},
		fence));
	for (uint32_t i = 0; i < 5; i++)
		rig_expect(&rig, jobs.job[i]);
	rig_await_value(&rig, timelines[0], 1);
	rig_signal_value(&rig, timelines[1], 1);
	rig_await(&rig, fence);
	rig_verify(&rig, "batches");
	vkDestroySemaphore(rig.device, timelines[0], NULL);
	vkDestroySemaphore(rig.device, timelines[1], NULL);
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

/* ------------------------------------------------------------------------
 * Other calls
 * ------------------------------------------------------------------------ */

static bool has_extension(const char *name)
{
	struct rig_options options = plain;
	VkExtensionProperties list[512];
	uint32_t count = ARRAY_SIZE(list);
	bool found = false;
	struct rig rig;

	rig_open(&rig, &options);
	vkEnumerateDeviceExtensionProperties(rig.physical, NULL, &count, list);
	for (uint32_t i = 0; i < count; i++)
		found |= !strcmp(list[i].extensionName, name);
	rig_close(&rig);
	return found;
}

static void submit2_once(struct rig *rig, const struct jobs *jobs, uint32_t i,
			 VkSemaphore timeline)
{
	PFN_vkQueueSubmit2 submit = (PFN_vkQueueSubmit2)vkGetDeviceProcAddr(
		rig->device, "vkQueueSubmit2");
	VkCommandBufferSubmitInfo commands = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
		.commandBuffer = jobs->commands[i % ARRAY_SIZE(jobs->job)],
	};
	VkSemaphoreSubmitInfo wait = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
		.semaphore = timeline,
		.value = i,
		.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
	};
	VkSemaphoreSubmitInfo signal = wait;
	VkSubmitInfo2 info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
		.waitSemaphoreInfoCount = 1,
		.pWaitSemaphoreInfos = &wait,
		.commandBufferInfoCount = 1,
		.pCommandBufferInfos = &commands,
		.signalSemaphoreInfoCount = 1,
		.pSignalSemaphoreInfos = &signal,
	};

	signal.value = i + 1;
	RIG_CHECK(submit(rig->queue, 1, &info, VK_NULL_HANDLE));
	rig_expect(rig, jobs->job[i % ARRAY_SIZE(jobs->job)]);
}

static void run_submit2(void)
{
	struct rig_options options = plain;
	struct rig rig;
	struct jobs jobs;
	VkSemaphore timeline;

	if (!has_extension(VK_KHR_SYNCHRONIZATION_2_EXTENSION_NAME))
		return;
	options.api_version = VK_API_VERSION_1_3;
	options.submit2 = true;
	rig_open(&rig, &options);
	jobs_record(&rig, &jobs);
	timeline = rig_timeline(&rig);
	for (uint32_t i = 0; i < 50; i++)
		submit2_once(&rig, &jobs, i, timeline);
	rig_await_value(&rig, timeline, 50);
	rig_verify(&rig, "submit2");
	vkDestroySemaphore(rig.device, timeline, NULL);
	rig_close(&rig);
}

static bool has_sparse(void)
{
	VkPhysicalDeviceFeatures features;
	VkQueueFamilyProperties family;
	uint32_t one = 1;
	struct rig rig;

	rig_open(&rig, &plain);
	vkGetPhysicalDeviceFeatures(rig.physical, &features);
	vkGetPhysicalDeviceQueueFamilyProperties(rig.physical, &one, &family);
	rig_close(&rig);
	return features.sparseBinding &&
	       family.queueFlags & VK_QUEUE_SPARSE_BINDING_BIT;
}

/* A sparse buffer gets its memory between two jobs, by semaphores. */
static void run_bind_sparse(void)
{
	struct rig_options options = plain;
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT,
		.size = 1 << 20,
		.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
	};
	VkMemoryAllocateInfo allocate = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	};
	VkMemoryRequirements needs;
	VkSparseMemoryBind part = {};
	VkSparseBufferMemoryBindInfo bind = {.bindCount = 1, .pBinds = &part};
	VkSemaphore before, after;
	struct jobs jobs;
	struct rig rig;
	VkFence fence;

	if (!has_sparse())
		return;
	options.sparse = true;
	rig_open(&rig, &options);
	jobs_record(&rig, &jobs);
	before = rig_binary(&rig);
	after = rig_binary(&rig);
	fence = rig_fence(&rig);
	RIG_CHECK(vkCreateBuffer(rig.device, &info, NULL, &bind.buffer));
	vkGetBufferMemoryRequirements(rig.device, bind.buffer, &needs);
	allocate.allocationSize = needs.size;
	allocate.memoryTypeIndex =
		(uint32_t)__builtin_ctz(needs.memoryTypeBits);
	part.size = needs.size;
	RIG_CHECK(vkAllocateMemory(rig.device, &allocate, NULL, &part.memory));
	for (uint32_t i = 0; i < 10; i++) {
		jobs_submit(&rig, &jobs, i,
			    (struct rig_batch){.signal = before},
			    VK_NULL_HANDLE);
		RIG_CHECK(vkQueueBindSparse(
			rig.queue, 1,
			&(VkBindSparseInfo){
				.sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
				.waitSemaphoreCount = 1,
				.pWaitSemaphores = &before,
				.bufferBindCount = 1,
				.pBufferBinds = &bind,
				.signalSemaphoreCount = 1,
				.pSignalSemaphores = &after,
			},
			VK_NULL_HANDLE));
		jobs_submit(&rig, &jobs, i, (struct rig_batch){.wait = after},
			    fence);
		rig_await(&rig, fence);
		rig_verify(&rig, "bind sparse");
	}
	vkDestroyBuffer(rig.device, bind.buffer, NULL);
	vkFreeMemory(rig.device, part.memory, NULL);
	vkDestroySemaphore(rig.device, before, NULL);
	vkDestroySemaphore(rig.device, after, NULL);
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

/* ------------------------------------------------------------------------
 * Applications of other kinds
 * ------------------------------------------------------------------------ */

static void chain_in(const struct rig_options *options, const char *what)
{
	struct rig rig;
	struct jobs jobs;
	VkSemaphore semaphore;
	VkFence fence;

	rig_open(&rig, options);
	jobs_record(&rig, &jobs);
	semaphore = rig_binary(&rig);
	fence = rig_fence(&rig);
	for (uint32_t i = 0; i < 20; i++) {
		jobs_submit(&rig, &jobs, i,
			    (struct rig_batch){.signal = semaphore},
			    VK_NULL_HANDLE);
		jobs_submit(&rig, &jobs, i + 1,
			    (struct rig_batch){.wait = semaphore}, fence);
		rig_await(&rig, fence);
		rig_verify(&rig, what);
	}
	vkDestroySemaphore(rig.device, semaphore, NULL);
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

static void run_api_1_0(void)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_0,
		.timeline = RIG_TIMELINE_UNASKED,
	};

	chain_in(&options, "API 1.0");
}

static void run_timeline_unasked(void)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_2,
		.timeline = RIG_TIMELINE_UNASKED,
	};

	chain_in(&options, "timeline not asked for");
}

static void run_timeline_off(void)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_2,
		.timeline = RIG_TIMELINE_OFF,
	};

	chain_in(&options, "timeline off");
}

static void *thread_run(void *data)
{
	(void)data;
	chain_in(&plain, "threads");
	return NULL;
}

/* Several instances and devices in as many threads. */
static void run_threads(void)
{
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, thread_run, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

/* ------------------------------------------------------------------------
 * Present
 * ------------------------------------------------------------------------ */

static bool has_headless(void)
{
	VkExtensionProperties list[128];
	uint32_t count = ARRAY_SIZE(list);

	vkEnumerateInstanceExtensionProperties(NULL, &count, list);
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(list[i].extensionName,
			    VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME))
			return has_extension(VK_KHR_SWAPCHAIN_EXTENSION_NAME);
	}
	return false;
}

static VkSurfaceKHR surface_open(const struct rig *rig)
{
	PFN_vkCreateHeadlessSurfaceEXT create =
		(PFN_vkCreateHeadlessSurfaceEXT)vkGetInstanceProcAddr(
			rig->instance, "vkCreateHeadlessSurfaceEXT");
	VkHeadlessSurfaceCreateInfoEXT info = {
		.sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT,
	};
	VkBool32 supported;
	VkSurfaceKHR surface;

	RIG_CHECK(create(rig->instance, &info, NULL, &surface));
	RIG_CHECK(vkGetPhysicalDeviceSurfaceSupportKHR(rig->physical, 0,
						       surface, &supported));
	return surface;
}

static VkSwapchainKHR swapchain_open(const struct rig *rig,
				     VkSurfaceKHR surface)
{
	VkSurfaceCapabilitiesKHR capabilities;
	VkSurfaceFormatKHR formats[64];
	uint32_t count = ARRAY_SIZE(formats);
	VkSwapchainCreateInfoKHR info = {
		.sType = VK_STRUCTURE_TYPE_SWAPCHAIN_CREATE_INFO_KHR,
		.surface = surface,
		.imageExtent = {64, 64},
		.imageArrayLayers = 1,
		.imageUsage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
		.preTransform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
		.compositeAlpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR,
		.presentMode = VK_PRESENT_MODE_FIFO_KHR,
	};
	VkSwapchainKHR swapchain;

	RIG_CHECK(vkGetPhysicalDeviceSurfaceCapabilitiesKHR(
		rig->physical, surface, &capabilities));
	RIG_CHECK(vkGetPhysicalDeviceSurfaceFormatsKHR(rig->physical, surface,
						       &count, formats));
	info.minImageCount = capabilities.minImageCount;
	info.imageFormat = formats[0].format;
	info.imageColorSpace = formats[0].colorSpace;
	RIG_CHECK(vkCreateSwapchainKHR(rig->device, &info, NULL, &swapchain));
	return swapchain;
}

/* Makes an image ready to be shown. */
static VkCommandBuffer record_transition(const struct rig *rig, VkImage image)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = rig->pool,
		.commandBufferCount = 1,
	};
	VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	VkImageMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
		.newLayout = VK_IMAGE_LAYOUT_PRESENT_SRC_KHR,
		.image = image,
		.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
	};
	VkCommandBuffer commands;

	RIG_CHECK(vkAllocateCommandBuffers(rig->device, &info, &commands));
	RIG_CHECK(vkBeginCommandBuffer(commands, &begin));
	vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
			     VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0,
			     NULL, 1, &barrier);
	RIG_CHECK(vkEndCommandBuffer(commands));
	return commands;
}

struct screen {
	VkSwapchainKHR swapchain;
	VkImage images[16];
	VkSemaphore acquired;
	VkSemaphore rendered;
	VkFence fence;
};

static void frame_show(struct rig *rig, const struct jobs *jobs,
		       struct screen *screen, uint32_t i)
{
	VkPresentInfoKHR present = {
		.sType = VK_STRUCTURE_TYPE_PRESENT_INFO_KHR,
		.waitSemaphoreCount = 1,
		.pWaitSemaphores = &screen->rendered,
		.swapchainCount = 1,
		.pSwapchains = &screen->swapchain,
	};
	VkCommandBuffer transition;
	uint32_t image;

	RIG_CHECK(vkAcquireNextImageKHR(rig->device, screen->swapchain,
					RIG_WAIT_NS, screen->acquired,
					VK_NULL_HANDLE, &image));
	present.pImageIndices = &image;
	transition = record_transition(rig, screen->images[image]);
	jobs_submit(rig, jobs, i, (struct rig_batch){.wait = screen->acquired},
		    VK_NULL_HANDLE);
	rig_submit(rig,
		   (struct rig_batch){
			   .commands = transition,
			   .signal = screen->rendered,
		   },
		   screen->fence);
	RIG_CHECK(vkQueuePresentKHR(rig->queue, &present));
	rig_await(rig, screen->fence);
	vkFreeCommandBuffers(rig->device, rig->pool, 1, &transition);
}

static void run_present(void)
{
	struct rig_options options = plain;
	struct screen screen = {};
	uint32_t count = ARRAY_SIZE(screen.images);
	VkSurfaceKHR surface;
	struct jobs jobs;
	struct rig rig;

	if (!has_headless())
		return;
	options.swapchain = true;
	rig_open(&rig, &options);
	jobs_record(&rig, &jobs);
	surface = surface_open(&rig);
	screen.swapchain = swapchain_open(&rig, surface);
	RIG_CHECK(vkGetSwapchainImagesKHR(rig.device, screen.swapchain, &count,
					  screen.images));
	screen.acquired = rig_binary(&rig);
	screen.rendered = rig_binary(&rig);
	screen.fence = rig_fence(&rig);
	for (uint32_t i = 0; i < 60; i++)
		frame_show(&rig, &jobs, &screen, i);
	RIG_CHECK(vkDeviceWaitIdle(rig.device));
	rig_verify(&rig, "present");
	vkDestroySemaphore(rig.device, screen.acquired, NULL);
	vkDestroySemaphore(rig.device, screen.rendered, NULL);
	vkDestroyFence(rig.device, screen.fence, NULL);
	vkDestroySwapchainKHR(rig.device, screen.swapchain, NULL);
	vkDestroySurfaceKHR(rig.instance, surface, NULL);
	rig_close(&rig);
}

/* ------------------------------------------------------------------------
 * To be named
 * ------------------------------------------------------------------------ */

/* A child has Vulkan of its own, and its parent goes on with what it has. */
static void run_fork(void)
{
	struct rig rig;
	struct jobs jobs;
	VkFence fence;
	int status;
	pid_t pid;

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	fence = rig_fence(&rig);
	for (uint32_t i = 0; i < 5; i++) {
		/* Drivers have locks that only their idle threads do not hold. */
		usleep(50000);
		pid = fork();
		if (!pid) {
			chain_in(&plain, "in a child");
			_exit(0);
		}
		jobs_submit(&rig, &jobs, i, (struct rig_batch){}, fence);
		rig_await(&rig, fence);
		if (waitpid(pid, &status, 0) != pid || status) {
			printf("failed: a child ended with %x\n", status);
			exit(1);
		}
		rig_verify(&rig, "parent");
	}
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

/* Until the device is lost; then that is all that calls say. */
static void run_lost(void)
{
	struct rig rig;
	struct jobs jobs;
	VkFence fence;
	VkResult result = VK_SUCCESS;
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = jobs.commands,
	};

	rig_open(&rig, &plain);
	jobs_record(&rig, &jobs);
	fence = rig_fence(&rig);
	for (uint32_t i = 0; result == VK_SUCCESS && i < 1000; i++) {
		result = vkQueueSubmit(rig.queue, 1, &info, fence);
		if (result == VK_SUCCESS)
			result = vkWaitForFences(rig.device, 1, &fence, VK_TRUE,
						 RIG_WAIT_NS);
		if (result == VK_SUCCESS)
			RIG_CHECK(vkResetFences(rig.device, 1, &fence));
	}
	if (result != VK_ERROR_DEVICE_LOST ||
	    vkQueueSubmit(rig.queue, 1, &info, VK_NULL_HANDLE) != result) {
		printf("failed: %d, not that the device is lost\n", result);
		exit(1);
	}
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
}

/* ------------------------------------------------------------------------
 * The program
 * ------------------------------------------------------------------------ */

static const struct scenario {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{"fences", run_fences},
	{"fence-alone", run_fence_alone},
	{"empty-batches", run_empty_batches},
	{"idle", run_idle},
	{"binary-chain", run_binary_chain},
	{"timeline-chain", run_timeline_chain},
	{"signal-later", run_signal_later},
	{"signal-thread", run_signal_thread},
	{"batches", run_batches},
	{"submit2", run_submit2},
	{"bind-sparse", run_bind_sparse},
	{"api-1.0", run_api_1_0},
	{"timeline-unasked", run_timeline_unasked},
	{"timeline-off", run_timeline_off},
	{"threads", run_threads},
	{"present", run_present},
	{"fork", run_fork},
	{"lost", run_lost},
};

#define NAMED_ONLY 2 /* the last ones */

static void scenario_run(const struct scenario *scenario)
{
	scenario->run();
	printf("%s: ok\n", scenario->name);
}

static bool run_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (strcmp(scenarios[i].name, name))
			continue;
		scenario_run(&scenarios[i]);
		return true;
	}
	fprintf(stderr, "gate-program: no scenario %s; see --list\n", name);
	return false;
}

static void run_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios) - NAMED_ONLY; i++)
		scenario_run(&scenarios[i]);
}

static void list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios) - NAMED_ONLY; i++)
		puts(scenarios[i].name);
}

int main(int argc, char **argv)
{
	int first = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--without-timelines")) {
		plain.timeline = RIG_TIMELINE_UNASKED;
		first++;
	}
	for (int i = first; i < argc; i++) {
		if (!run_named(argv[i]))
			return 2;
	}
	if (first == argc)
		run_all();
	if (rig_complaints())
		printf("failed: %u complaints of the validation layer\n",
		       rig_complaints());
	return rig_complaints() ? 1 : 0;
}
