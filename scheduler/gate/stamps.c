/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/stamps.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "scheduler/gate/device.h"

#define SLOTS 16
/* What the GPU did not write. No clock gets there: 584 years of nanoseconds. */
#define UNWRITTEN UINT64_MAX
/* Submissions before the probe, for which drivers still build things. */
#define WARM_TURNS 16
/* So many without a verdict mean that there will be none. */
#define TURNS_MAX 512

struct slot {
	_Atomic uint64_t begin;
	_Atomic uint64_t end;
};

struct stamps {
	struct device *device;
	struct queue_family *family;
	VkQueryPool queries;
	VkBuffer buffer;
	VkDeviceMemory memory;
	struct slot *slots; /* in @memory */
	VkCommandPool pool;
	VkCommandBuffer commands[2 * SLOTS];
	atomic_uint free; /* a bit for each slot */
	uint32_t turns; /* (submitter) */
	struct stamp_probe probe; /* (lock of the queue) */
};

/* ------------------------------------------------------------------------
 * Making
 * ------------------------------------------------------------------------ */

static VkResult queries_make(struct stamps *stamps)
{
	struct device *device = stamps->device;
	VkQueryPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_TIMESTAMP,
		.queryCount = 2 * SLOTS,
	};

	return device->next.create_queries(device->handle, &info, NULL,
					   &stamps->queries);
}

static VkResult buffer_make(struct stamps *stamps)
{
	struct device *device = stamps->device;
	VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
		.size = SLOTS * sizeof(struct slot),
		.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
	};

	return device->next.create_buffer(device->handle, &info, NULL,
					  &stamps->buffer);
}

/* Return: whether there is such a type of memory among the @allowed ones. */
static bool type_find(const VkPhysicalDeviceMemoryProperties *memory,
		      uint32_t allowed, VkMemoryPropertyFlags wanted,
		      uint32_t *type)
{
	for (*type = 0; *type < memory->memoryTypeCount; ++*type) {
		if ((allowed & (1u << *type)) &&
		    (memory->memoryTypes[*type].propertyFlags & wanted) ==
			    wanted)
			return true;
	}
	return false;
}

static bool type_choose(const struct device *device, uint32_t allowed,
			uint32_t *type)
{
	const VkMemoryPropertyFlags seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
					   VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

	/* Reading what is not cached by the host is slow. */
	return type_find(&device->physical->memory, allowed,
			 seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, type) ||
	       type_find(&device->physical->memory, allowed, seen, type);
}

static VkResult memory_make(struct stamps *stamps)
{
	struct device *device = stamps->device;
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
	};
	VkMemoryRequirements needs;

	device->next.get_buffer_needs(device->handle, stamps->buffer, &needs);
	info.allocationSize = needs.size;
	if (!type_choose(device, needs.memoryTypeBits, &info.memoryTypeIndex))
		return VK_ERROR_FEATURE_NOT_PRESENT;
	return device->next.allocate(device->handle, &info, NULL,
				     &stamps->memory);
}

static VkResult memory_map(struct stamps *stamps)
{
	struct device *device = stamps->device;
	void *slots;
	VkResult result;

	result = device->next.bind_buffer(device->handle, stamps->buffer,
					  stamps->memory, 0);
	if (result != VK_SUCCESS)
		return result;
	result = device->next.map(device->handle, stamps->memory, 0,
				  VK_WHOLE_SIZE, 0, &slots);
	stamps->slots = slots;
	return result;
}

static VkResult pool_make(struct stamps *stamps, uint32_t family)
{
	struct device *device = stamps->device;
	VkCommandPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.queueFamilyIndex = family,
	};

	return device->next.create_commands(device->handle, &info, NULL,
					    &stamps->pool);
}

static VkResult commands_make(struct stamps *stamps)
{
	struct device *device = stamps->device;
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = stamps->pool,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 2 * SLOTS,
	};
	VkResult result;

	result = device->next.allocate_commands(device->handle, &info,
						stamps->commands);
	for (uint32_t i = 0; i < 2 * SLOTS; i++) {
		if (result != VK_SUCCESS || !device->adopt)
			break;
		result = device->adopt(device->handle, stamps->commands[i]);
	}
	return result;
}

/* ------------------------------------------------------------------------
 * Recording
 * ------------------------------------------------------------------------ */

/*
 * Both stamps are written when all is done that was submitted before them: so the
 * first is the end of the job before, or when the GPU came to this one.
 */
static void write_stamp(struct stamps *stamps, VkCommandBuffer commands,
			uint32_t query)
{
	stamps->device->next.write_stamp(commands,
					 VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
					 stamps->queries, query);
}

static void record_before(struct stamps *stamps, VkCommandBuffer commands,
			  uint32_t slot)
{
	stamps->device->next.reset_queries(commands, stamps->queries, 2 * slot,
					   2);
	write_stamp(stamps, commands, 2 * slot);
}

static void record_behind(struct stamps *stamps, VkCommandBuffer commands,
			  uint32_t slot)
{
	const struct next_device *next = &stamps->device->next;
	VkMemoryBarrier barrier = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
		.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
		.dstAccessMask = VK_ACCESS_HOST_READ_BIT,
	};

	write_stamp(stamps, commands, 2 * slot + 1);
	next->copy_queries(commands, stamps->queries, 2 * slot, 2,
			   stamps->buffer, slot * sizeof(struct slot),
			   sizeof(uint64_t),
			   VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
	next->barrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
		      VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
		      NULL);
}

static VkResult record(struct stamps *stamps, uint32_t i)
{
	const struct next_device *next = &stamps->device->next;
	VkCommandBuffer commands = stamps->commands[i];
	VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	VkResult result = next->begin_commands(commands, &info);

	if (result != VK_SUCCESS)
		return result;
	if (i % 2)
		record_behind(stamps, commands, i / 2);
	else
		record_before(stamps, commands, i / 2);
	return next->end_commands(commands);
}

static VkResult record_all(struct stamps *stamps)
{
	VkResult result = VK_SUCCESS;

	for (uint32_t i = 0; i < 2 * SLOTS && result == VK_SUCCESS; i++)
		result = record(stamps, i);
	return result;
}

/* ------------------------------------------------------------------------
 * Life
 * ------------------------------------------------------------------------ */

static VkResult make(struct stamps *stamps, uint32_t family)
{
	VkResult result = queries_make(stamps);

	if (result == VK_SUCCESS)
		result = buffer_make(stamps);
	if (result == VK_SUCCESS)
		result = memory_make(stamps);
	if (result == VK_SUCCESS)
		result = memory_map(stamps);
	if (result == VK_SUCCESS)
		result = pool_make(stamps, family);
	if (result == VK_SUCCESS)
		result = commands_make(stamps);
	if (result == VK_SUCCESS)
		result = record_all(stamps);
	return result;
}

struct stamps *stamps_new(struct device *device, uint32_t family)
{
	struct queue_family *properties = &device->physical->families[family];
	struct stamps *stamps;

	if (!device->timeline || device->group ||
	    atomic_load(&properties->stamps) == STAMP_DEAR)
		return NULL;
	stamps = calloc(1, sizeof(*stamps));
	if (!stamps)
		return NULL;
	stamps->device = device;
	stamps->family = properties;
	atomic_init(&stamps->free, (1u << SLOTS) - 1);
	if (make(stamps, family) == VK_SUCCESS)
		return stamps;
	stamps_free(stamps);
	return NULL;
}

void stamps_free(struct stamps *stamps)
{
	const struct next_device *next;
	VkDevice handle;

	if (!stamps)
		return;
	next = &stamps->device->next;
	handle = stamps->device->handle;
	next->destroy_commands(handle, stamps->pool, NULL);
	next->destroy_queries(handle, stamps->queries, NULL);
	next->destroy_buffer(handle, stamps->buffer, NULL);
	next->free(handle, stamps->memory, NULL);
	free(stamps);
}

/* ------------------------------------------------------------------------
 * Use
 * ------------------------------------------------------------------------ */

/* Return: the slot, from 1; 0 when all are taken. */
static uint32_t slot_take(struct stamps *stamps)
{
	uint32_t slot = (uint32_t)__builtin_ffs(
		(int)atomic_load_explicit(&stamps->free, memory_order_acquire));

	if (!slot)
		return 0;
	atomic_fetch_and_explicit(&stamps->free, ~(1u << (slot - 1)),
				  memory_order_relaxed);
	atomic_store_explicit(&stamps->slots[slot - 1].begin, UNWRITTEN,
			      memory_order_relaxed);
	atomic_store_explicit(&stamps->slots[slot - 1].end, UNWRITTEN,
			      memory_order_relaxed);
	return slot;
}

static void slot_give(struct stamps *stamps, uint32_t slot)
{
	atomic_fetch_or_explicit(&stamps->free, 1u << (slot - 1),
				 memory_order_release);
}

static void verdict_set(struct stamps *stamps, enum stamp_verdict verdict)
{
	int unknown = STAMP_UNKNOWN;

	atomic_compare_exchange_strong(&stamps->family->stamps, &unknown,
				       verdict);
}

/* Whether a submission of the probe is to be stamped. */
static bool probe_turn(struct stamps *stamps, struct stamp *stamp)
{
	uint32_t turn = stamps->turns++;

	if (turn >= TURNS_MAX) {
		verdict_set(stamps, STAMP_DEAR);
		return false;
	}
	stamp->probed = turn >= WARM_TURNS;
	return stamp_turn(turn) == STAMP_STAMPED;
}

static bool is_wanted(struct stamps *stamps, struct stamp *stamp, bool passes)
{
	int verdict = atomic_load_explicit(&stamps->family->stamps,
					   memory_order_relaxed);

	if (verdict != STAMP_UNKNOWN)
		return verdict == STAMP_CHEAP;
	return passes && probe_turn(stamps, stamp);
}

struct batch_stamps stamps_begin(struct stamps *stamps, struct stamp *stamp,
				 bool passes)
{
	VkCommandBuffer *commands;

	if (!is_wanted(stamps, stamp, passes))
		return (struct batch_stamps){};
	stamp->slot = slot_take(stamps);
	if (!stamp->slot) {
		stamp->probed = false;
		return (struct batch_stamps){};
	}
	commands = &stamps->commands[2 * (stamp->slot - 1)];
	return (struct batch_stamps){commands[0], commands[1]};
}

bool stamps_end(struct stamps *stamps, const struct stamp *stamp,
		uint64_t most_ns, uint64_t *ns)
{
	const struct slot *slot;
	uint64_t begin, end;

	if (!stamp->slot)
		return false;
	slot = &stamps->slots[stamp->slot - 1];
	begin = atomic_load_explicit(&slot->begin, memory_order_relaxed);
	end = atomic_load_explicit(&slot->end, memory_order_relaxed);
	slot_give(stamps, stamp->slot);
	/* Not written: the device was lost. */
	if (begin == UNWRITTEN || end == UNWRITTEN)
		return false;
	return stamp_elapsed(&stamps->family->clock, begin, end, most_ns, ns);
}

void stamps_probe(struct stamps *stamps, const struct stamp *stamp,
		  uint64_t whole_ns)
{
	enum stamp_kind kind = stamp->slot ? STAMP_STAMPED : STAMP_PLAIN;
	enum stamp_verdict verdict =
		stamp_probe_add(&stamps->probe, kind, stamp->call_ns, whole_ns);

	if (verdict != STAMP_UNKNOWN)
		verdict_set(stamps, verdict);
}
