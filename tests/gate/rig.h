/* SPDX-License-Identifier: MIT */
/*
 * A Vulkan program in pieces, for the tests of the gate: a device with a queue,
 * a buffer of numbers, and command buffers that change them in a way that tells
 * in which order they ran. What they must come to is computed beside.
 *
 * States: zeroed, open after rig_open(), zeroed after rig_close().
 * Ownership: the rig owns all that it made; its semaphores and fences are the
 * caller's. Locking: none; a rig belongs to one thread, but where it is said.
 *
 * Nothing here fails quietly: an unexpected result ends the program with
 * a line that names the call (RIG_CHECK()).
 */
#ifndef TRANCHE_TESTS_GATE_RIG_H
#define TRANCHE_TESTS_GATE_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#define RIG_NUMBERS 256
#define RIG_NS_PER_MS UINT64_C(1000000)
#define RIG_WAIT_NS (60000 * RIG_NS_PER_MS)

enum rig_timeline {
	RIG_TIMELINE_ON,
	RIG_TIMELINE_UNASKED, /* the application does not mention the feature */
	RIG_TIMELINE_OFF, /* it turns it off */
};

struct rig_options {
	uint32_t api_version;
	enum rig_timeline timeline;
	bool submit2;
	bool sparse;
	bool swapchain; /* with a headless surface */
};

/* A change of the numbers. */
struct rig_job {
	uint32_t factor;
	uint32_t addend;
	uint32_t rounds;
};

struct rig {
	struct rig_options options;
	VkInstance instance;
	VkDebugUtilsMessengerEXT messenger;
	VkPhysicalDevice physical;
	VkDevice device;
	VkQueue queue;
	VkCommandPool pool;
	VkBuffer buffer;
	VkDeviceMemory memory;
	uint32_t *numbers; /* the device's */
	uint32_t wanted[RIG_NUMBERS]; /* what they must be */
	VkDescriptorSetLayout set_layout;
	VkDescriptorPool set_pool;
	VkDescriptorSet set;
	VkPipelineLayout layout;
	VkPipeline pipeline;
};

#define RIG_CHECK(call) rig_check((call), #call)

/* rig_check() - End the program unless @result is a success */
void rig_check(VkResult result, const char *call);

/* rig_complaints() - What the validation layer said, in this process */
unsigned int rig_complaints(void);

void rig_open(struct rig *rig, const struct rig_options *options);
void rig_close(struct rig *rig);

/* rig_record() - A command buffer that runs @job once; freed with the rig */
VkCommandBuffer rig_record(struct rig *rig, struct rig_job job);

/* rig_expect() - @job will have run, in this order */
void rig_expect(struct rig *rig, struct rig_job job);

/* rig_verify() - End the program unless the numbers are as expected */
void rig_verify(const struct rig *rig, const char *what);

VkSemaphore rig_binary(const struct rig *rig);
VkSemaphore rig_timeline(const struct rig *rig);
VkFence rig_fence(const struct rig *rig);

/* rig_submit() - vkQueueSubmit of one batch; each of them may be missing */
struct rig_batch {
	VkCommandBuffer commands;
	VkSemaphore wait;
	uint64_t wait_value;
	VkSemaphore signal;
	uint64_t signal_value;
};
void rig_submit(struct rig *rig, struct rig_batch batch, VkFence fence);

/* rig_await() - Wait for a fence, and reset it */
void rig_await(const struct rig *rig, VkFence fence);

/* rig_await_value(), rig_signal_value() - Of a timeline; from any thread */
void rig_await_value(const struct rig *rig, VkSemaphore timeline,
		     uint64_t value);
void rig_signal_value(const struct rig *rig, VkSemaphore timeline,
		      uint64_t value);

uint64_t rig_now(void);

#endif
