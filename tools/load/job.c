// SPDX-License-Identifier: MIT
#include "job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "vulkan_error.h"

#define BINDINGS 3
/* Vulkan never asks for a greater alignment of storage buffers. */
#define PARAMS_STRIDE 256
#define BALLAST_CHUNK (UINT64_C(64) << 20)

/* Words moved at once while an input is made. */
#define PART_WORDS 262144u

static uint64_t input_size(const struct load_kernel *kernel, uint32_t items)
{
	return kernel->input_words ? kernel->input_words(items) * 4 : 0;
}

static uint64_t output_size(const struct load_kernel *kernel, uint32_t items)
{
	return kernel->output_words(items) * 4;
}

uint64_t job_working_set(const struct load_kernel *kernel, uint32_t items,
			 uint32_t depth)
{
	return input_size(kernel, items) + depth * output_size(kernel, items);
}

static bool items_fit(const struct load_kernel *kernel, uint32_t items,
		      uint64_t memory, uint32_t depth, uint64_t range_max)
{
	return job_working_set(kernel, items, depth) <= memory &&
	       input_size(kernel, items) <= range_max &&
	       output_size(kernel, items) <= range_max;
}

uint32_t job_fit_items(const struct load_kernel *kernel, uint64_t memory,
		       uint32_t depth, uint64_t range_max)
{
	uint32_t step = kernel->items_step;
	uint32_t low = kernel->items_min / step;
	uint32_t high = kernel->items_max / step;

	if (!items_fit(kernel, low * step, memory, depth, range_max))
		return 0;
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		if (items_fit(kernel, middle * step, memory, depth, range_max))
			low = middle;
		else
			high = middle - 1;
	}
	return low * step;
}

static int create_layouts(struct job *job)
{
	VkDescriptorSetLayoutBinding bindings[BINDINGS];
	VkDescriptorSetLayoutCreateInfo set = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
		.bindingCount = BINDINGS,
		.pBindings = bindings,
	};
	VkPipelineLayoutCreateInfo pipeline = {
		.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
		.setLayoutCount = 1,
		.pSetLayouts = &job->set_layout,
	};
	VkResult result;

	for (uint32_t i = 0; i < BINDINGS; i++)
		bindings[i] = (VkDescriptorSetLayoutBinding){
			.binding = i,
			.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
			.descriptorCount = 1,
			.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
		};
	result = vkCreateDescriptorSetLayout(job->device->handle, &set, NULL,
					     &job->set_layout);
	if (result == VK_SUCCESS)
		result = vkCreatePipelineLayout(job->device->handle, &pipeline,
						NULL, &job->pipeline_layout);
	return result == VK_SUCCESS ? 0 : vulkan_fail(result, "make a layout");
}

static int create_pipeline(struct job *job)
{
	const VkShaderModuleCreateInfo shader = {
		.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
		.codeSize = job->kernel->code_size,
		.pCode = job->kernel->code,
	};
	VkComputePipelineCreateInfo pipeline = {
		.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
		.stage =
			{
				.sType =
					VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
				.stage = VK_SHADER_STAGE_COMPUTE_BIT,
				.pName = "main",
			},
		.layout = job->pipeline_layout,
	};
	VkResult result;

	result = vkCreateShaderModule(job->device->handle, &shader, NULL,
				      &job->shader);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "load the shader");
	pipeline.stage.module = job->shader;
	result = vkCreateComputePipelines(job->device->handle, VK_NULL_HANDLE,
					  1, &pipeline, NULL, &job->pipeline);
	return result == VK_SUCCESS ? 0
				    : vulkan_fail(result, "make the pipeline");
}

static int create_descriptors(struct job *job)
{
	const VkDescriptorPoolSize size = {
		.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
		.descriptorCount = BINDINGS * job->depth,
	};
	const VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.maxSets = job->depth,
		.poolSizeCount = 1,
		.pPoolSizes = &size,
	};
	VkResult result;

	result = vkCreateDescriptorPool(job->device->handle, &info, NULL,
					&job->descriptors);
	return result == VK_SUCCESS
		       ? 0
		       : vulkan_fail(result, "make a descriptor pool");
}

/* A kernel without input gets its parameters there: every binding of the
 * common layout must be a buffer. */
static void write_set(struct job *job, uint32_t index)
{
	struct job_slot *slot = &job->slots[index];
	const VkDescriptorBufferInfo buffers[BINDINGS] = {
		{job->params.handle, (uint64_t)index * PARAMS_STRIDE,
		 PARAMS_STRIDE},
		{job->input.handle ? job->input.handle : job->params.handle, 0,
		 VK_WHOLE_SIZE},
		{slot->output.handle, 0, VK_WHOLE_SIZE},
	};
	const VkWriteDescriptorSet write = {
		.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
		.dstSet = slot->set,
		.descriptorCount = 1,
		.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
	};

	for (uint32_t i = 0; i < BINDINGS; i++) {
		VkWriteDescriptorSet one = write;

		one.dstBinding = i;
		one.pBufferInfo = &buffers[i];
		vkUpdateDescriptorSets(job->device->handle, 1, &one, 0, NULL);
	}
}

static int slot_init(struct job *job, uint32_t index)
{
	struct job_slot *slot = &job->slots[index];
	const VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorPool = job->descriptors,
		.descriptorSetCount = 1,
		.pSetLayouts = &job->set_layout,
	};
	VkResult result;
	int r;

	slot->params = (struct load_params *)((char *)job->params.map +
					      (size_t)index * PARAMS_STRIDE);
	r = device_fence_new(job->device, &slot->fence);
	if (r < 0)
		return r;
	r = device_commands_new(job->device, &slot->commands);
	if (r < 0)
		return r;
	r = buffer_init(&slot->output, job->device,
			output_size(job->kernel, job->work.items),
			BUFFER_DEVICE);
	if (r < 0)
		return r;
	result = vkAllocateDescriptorSets(job->device->handle, &info,
					  &slot->set);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "make a descriptor set");
	write_set(job, index);
	return 0;
}

static void slot_deinit(struct job *job, struct job_slot *slot)
{
	vkDestroyFence(job->device->handle, slot->fence, NULL);
	buffer_deinit(&slot->output, job->device);
}

static int write_input(struct job *job)
{
	const struct load_kernel *kernel = job->kernel;
	uint32_t items = job->work.items;
	uint64_t total = kernel->input_words(items);
	uint32_t *words;
	int r = 0;

	words = malloc(PART_WORDS * sizeof(*words));
	if (!words)
		return -ENOMEM;
	for (uint64_t first = 0; first < total && r == 0; first += PART_WORDS) {
		uint64_t count = total - first;

		if (count > PART_WORDS)
			count = PART_WORDS;
		for (uint64_t i = 0; i < count; i++)
			words[i] = kernel->input(job->seed, items, first + i);
		r = device_write(job->device, &job->input, first * 4, words,
				 count * 4);
	}
	free(words);
	return r;
}

static int create_buffers(struct job *job)
{
	uint64_t size = input_size(job->kernel, job->work.items);
	int r;

	r = buffer_init(&job->params, job->device,
			(uint64_t)job->depth * PARAMS_STRIDE, BUFFER_HOST);
	if (r < 0)
		return r;
	memset(job->params.map, 0, job->params.size);
	if (!size)
		return 0;
	r = buffer_init(&job->input, job->device, size, BUFFER_DEVICE);
	if (r < 0)
		return r;
	return write_input(job);
}

/* The amount of work per item is read from the parameters, so that commands
 * are recorded once and a submission costs the driver as little as it can. */
static int record_slot(struct job *job, struct job_slot *slot)
{
	const VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
	};
	VkResult result;

	result = vkBeginCommandBuffer(slot->commands, &info);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "record a dispatch");
	vkCmdBindPipeline(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
			  job->pipeline);
	vkCmdBindDescriptorSets(slot->commands, VK_PIPELINE_BIND_POINT_COMPUTE,
				job->pipeline_layout, 0, 1, &slot->set, 0,
				NULL);
	vkCmdDispatch(slot->commands,
		      kernel_groups(job->kernel, job->work.items), 1, 1);
	result = vkEndCommandBuffer(slot->commands);
	return result == VK_SUCCESS ? 0
				    : vulkan_fail(result, "record a dispatch");
}

int job_set_work(struct job *job, const struct load_work *work)
{
	job->work = *work;
	job->sample_next = 0;
	for (uint32_t i = 0; i < job->depth; i++) {
		int r = record_slot(job, &job->slots[i]);

		if (r < 0)
			return r;
		job->slots[i].completed = false;
	}
	return 0;
}

static int job_init(struct job *job)
{
	int r;

	r = create_layouts(job);
	if (r < 0)
		return r;
	r = create_pipeline(job);
	if (r < 0)
		return r;
	r = create_descriptors(job);
	if (r < 0)
		return r;
	r = create_buffers(job);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < job->depth; i++) {
		r = slot_init(job, i);
		if (r < 0)
			return r;
	}
	return job_set_work(job, &job->work);
}

int job_new(struct job **jobp, struct device *device,
	    const struct load_kernel *kernel, const struct load_work *work,
	    uint32_t depth, uint32_t seed)
{
	__attribute__((cleanup(job_freep))) struct job *job = NULL;
	int r;

	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->device = device;
	job->kernel = kernel;
	job->work = *work;
	job->seed = seed;
	job->slots = calloc(depth, sizeof(*job->slots));
	if (!job->slots)
		return -ENOMEM;
	job->depth = depth;
	r = job_init(job);
	if (r < 0)
		return r;
	*jobp = job;
	job = NULL;
	return 0;
}

void job_free(struct job *job)
{
	VkDevice device;

	if (!job)
		return;
	device = job->device->handle;
	for (uint32_t i = 0; i < job->depth; i++)
		slot_deinit(job, &job->slots[i]);
	for (uint32_t i = 0; i < job->n_ballast; i++)
		buffer_deinit(&job->ballast[i], job->device);
	buffer_deinit(&job->input, job->device);
	buffer_deinit(&job->params, job->device);
	vkDestroyDescriptorPool(device, job->descriptors, NULL);
	vkDestroyPipeline(device, job->pipeline, NULL);
	vkDestroyShaderModule(device, job->shader, NULL);
	vkDestroyPipelineLayout(device, job->pipeline_layout, NULL);
	vkDestroyDescriptorSetLayout(device, job->set_layout, NULL);
	free(job->ballast);
	free(job->slots);
	free(job);
}

uint32_t job_ballast_word(const struct job *job, uint32_t index)
{
	return kernel_scramble(job->seed ^ ~index);
}

/* Chunks, because drivers bound a single allocation. */
int job_hold_memory(struct job *job, uint64_t size)
{
	uint64_t chunk = BALLAST_CHUNK;
	uint64_t count;

	size -= size % JOB_PAGE;
	if (chunk > job->device->gpu->allocation_max)
		chunk = job->device->gpu->allocation_max;
	count = (size + chunk - 1) / chunk;
	job->ballast = calloc(count + 1, sizeof(*job->ballast));
	if (!job->ballast)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t part = size < chunk ? size : chunk;
		int r;

		r = buffer_init(&job->ballast[i], job->device, part,
				BUFFER_DEVICE);
		if (r < 0)
			return r;
		job->n_ballast++;
		r = device_fill(job->device, &job->ballast[i],
				job_ballast_word(job, i));
		if (r < 0)
			return r;
		size -= part;
	}
	return 0;
}

int job_submit(struct job *job)
{
	uint32_t index = (job->oldest + job->in_flight) % job->depth;
	struct job_slot *slot = &job->slots[index];
	const VkSubmitInfo submit = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &slot->commands,
	};
	VkResult result;

	slot->nonce = kernel_scramble(job->seed + job->submitted++);
	slot->completed = false;
	slot->params->nonce = slot->nonce;
	slot->params->items = job->work.items;
	slot->params->iterations = job->work.iterations;
	slot->params->threads = job->kernel->threads(job->work.items);
	result = vkResetFences(job->device->handle, 1, &slot->fence);
	slot->submitted_ns = control_now();
	if (result == VK_SUCCESS)
		result = vkQueueSubmit(job->device->queue, 1, &submit,
				       slot->fence);
	if (result != VK_SUCCESS)
		return vulkan_fail(result, "submit a dispatch");
	job->in_flight++;
	return 0;
}

int job_complete(struct job *job, uint64_t *latency_nsp)
{
	struct job_slot *slot = &job->slots[job->oldest];
	int r;

	r = device_wait(job->device, slot->fence);
	if (r < 0)
		return r;
	*latency_nsp = control_now() - slot->submitted_ns;
	slot->completed = true;
	job->oldest = (job->oldest + 1) % job->depth;
	job->in_flight--;
	return 0;
}

void job_release(struct job *job)
{
	for (uint32_t i = 0; i < job->depth; i++)
		__atomic_store_n(&job->slots[i].params->release, 1,
				 __ATOMIC_RELEASE);
}
