/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/queue.h"

#include <stdlib.h>

#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/thread.h"

static enum lane_engine engine_of(VkQueueFlags flags)
{
	if (flags & VK_QUEUE_GRAPHICS_BIT)
		return LANE_GRAPHICS;
	if (flags & VK_QUEUE_COMPUTE_BIT)
		return LANE_COMPUTE;
	return LANE_COPY;
}

static VkResult timeline_create(struct device *device, VkSemaphore *semaphore)
{
	VkSemaphoreTypeCreateInfo type = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
		.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
	};
	VkSemaphoreCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
		.pNext = &type,
	};

	return device->next.create_semaphore(device->handle, &info, NULL,
					     semaphore);
}

static void timelines_destroy(struct queue *queue)
{
	struct device *device = queue->device;

	if (queue->done)
		device->next.destroy_semaphore(device->handle, queue->done,
					       NULL);
	if (queue->gate)
		device->next.destroy_semaphore(device->handle, queue->gate,
					       NULL);
	if (queue->nudge)
		device->next.destroy_semaphore(device->handle, queue->nudge,
					       NULL);
}

static void spares_free(struct queue *queue)
{
	struct device *device = queue->device;
	struct submission *submission;

	while ((submission = queue->spare)) {
		queue->spare = submission->next;
		if (submission->fence)
			device->next.destroy_fence(device->handle,
						   submission->fence, NULL);
		free(submission);
	}
}

static VkResult timelines_create(struct queue *queue)
{
	struct device *device = queue->device;
	VkResult result;

	if (!device->timeline)
		return VK_SUCCESS;
	result = timeline_create(device, &queue->done);
	if (result == VK_SUCCESS)
		result = timeline_create(device, &queue->gate);
	if (result == VK_SUCCESS && device->physical->needs_nudges)
		result = timeline_create(device, &queue->nudge);
	return result;
}

static VkResult queue_init(struct queue *queue)
{
	VkResult result = timelines_create(queue);

	if (result == VK_SUCCESS && completion_start(queue) < 0)
		result = VK_ERROR_OUT_OF_HOST_MEMORY;
	if (result != VK_SUCCESS)
		timelines_destroy(queue);
	return result;
}

VkResult queue_new(struct queue **queuep, struct device *device, VkQueue handle,
		   uint32_t family)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	VkResult result;

	if (!queue)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	queue->device = device;
	queue->handle = handle;
	queue->engine = engine_of(device->physical->families[family].flags);
	queue->pending_tail = &queue->pending;
	pthread_mutex_init(&queue->marking, NULL);
	pthread_mutex_init(&queue->lock, NULL);
	thread_cond_init(&queue->changed);
	result = queue_init(queue);
	if (result != VK_SUCCESS) {
		free(queue);
		return result;
	}
	queue->stamps = stamps_new(device, family);
	*queuep = queue;
	return VK_SUCCESS;
}

/* What never became complete was given up with its device. */
static void pending_abandon(struct queue *queue)
{
	struct submission *submission;

	while ((submission = queue->pending)) {
		queue->pending = submission->next;
		if (submission->entered)
			queue_leave(submission, thread_now(),
				    (struct run_time){});
		submission->next = queue->spare;
		queue->spare = submission;
	}
}

void queue_free(struct queue *queue)
{
	completion_stop(queue);
	completion_harvest(queue);
	pending_abandon(queue);
	spares_free(queue);
	stamps_free(queue->stamps);
	timelines_destroy(queue);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	pthread_mutex_destroy(&queue->marking);
	free(queue);
}

static struct submission *spare_pop(struct queue *queue)
{
	struct submission *submission;

	pthread_mutex_lock(&queue->lock);
	submission = queue->spare;
	if (submission)
		queue->spare = submission->next;
	pthread_mutex_unlock(&queue->lock);
	return submission;
}

/* Return: false when there is no fence to be had. */
static bool fence_prepare(struct device *device, VkFence *fence)
{
	VkFenceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO,
	};

	if (!*fence)
		return device->next.create_fence(device->handle, &info, NULL,
						 fence) == VK_SUCCESS;
	return device->next.reset_fences(device->handle, 1, fence) ==
	       VK_SUCCESS;
}

struct submission *queue_take(struct queue *queue)
{
	struct submission *submission = spare_pop(queue);
	VkFence fence = VK_NULL_HANDLE;

	if (submission)
		fence = submission->fence;
	else
		submission = malloc(sizeof(*submission));
	if (!submission)
		return NULL;
	*submission = (struct submission){.queue = queue, .fence = fence};
	if (queue->device->timeline) {
		submission->done = ++queue->done_last;
	} else if (!fence_prepare(queue->device, &submission->fence)) {
		queue_give(submission);
		return NULL;
	}
	return submission;
}

void queue_give(struct submission *submission)
{
	struct queue *queue = submission->queue;

	pthread_mutex_lock(&queue->lock);
	submission->next = queue->spare;
	queue->spare = submission;
	pthread_mutex_unlock(&queue->lock);
}

void queue_append(struct submission *submission)
{
	struct queue *queue = submission->queue;

	submission->next = NULL;
	pthread_mutex_lock(&queue->lock);
	*queue->pending_tail = submission;
	queue->pending_tail = &submission->next;
	queue->pending_count++;
	completion_expect(submission);
	pthread_mutex_unlock(&queue->lock);
}

void queue_remove(struct submission *submission)
{
	struct queue *queue = submission->queue;
	struct submission **link = &queue->pending;

	pthread_mutex_lock(&queue->lock);
	while (*link && *link != submission)
		link = &(*link)->next;
	if (*link) {
		*link = submission->next;
		if (!*link)
			queue->pending_tail = link;
		queue->pending_count--;
	}
	pthread_mutex_unlock(&queue->lock);
}

void queue_sent(struct submission *submission)
{
	struct queue *queue = submission->queue;

	pthread_mutex_lock(&queue->lock);
	submission->sent = true;
	if (submission->entered)
		completion_expect(submission);
	pthread_mutex_unlock(&queue->lock);
}

void queue_entered(struct submission *submission, uint64_t id, uint64_t now_ns)
{
	struct queue *queue = submission->queue;

	pthread_mutex_lock(&queue->lock);
	submission->id = id;
	submission->submit_ns = now_ns;
	submission->entered = true;
	if (submission->sent)
		completion_expect(submission);
	pthread_mutex_unlock(&queue->lock);
}

uint64_t queue_job_ns(struct queue *queue)
{
	uint64_t job_ns;

	pthread_mutex_lock(&queue->lock);
	job_ns = queue->job_ns;
	pthread_mutex_unlock(&queue->lock);
	return job_ns;
}

struct batch_semaphore queue_mark(const struct submission *submission)
{
	return (struct batch_semaphore){
		.handle = submission->queue->done,
		.value = submission->done,
	};
}

void queue_marking_begin(struct queue *queue)
{
	if (queue->device->physical->marks_alone)
		pthread_mutex_lock(&queue->marking);
}

void queue_marking_end(struct queue *queue)
{
	if (queue->device->physical->marks_alone)
		pthread_mutex_unlock(&queue->marking);
}

void queue_leave(const struct submission *submission, uint64_t now_ns,
		 struct run_time time)
{
	struct lane_job job = {
		.id = submission->id,
		.submit_ns = submission->submit_ns,
		.complete_ns = now_ns,
		.late_ns = time.late_ns,
		.gpu_ns = time.gpu_ns,
		.engine = submission->queue->engine,
		.on_time = time.on_time,
		.exact = time.exact,
	};

	lane_leave(connection_lane(), &job);
}
