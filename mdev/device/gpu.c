// SPDX-License-Identifier: MIT
#include "mdev/device/gpu.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_gpu.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "mdev/device/blob.h"
#include "mdev/device/command.h"
#include "mdev/device/log.h"

static void gpu_fence_done(void *user, uint64_t fence)
{
	struct gpu *gpu = user;

	fences_signal(&gpu->fences, fence);
	eventfd_write(gpu->wake, 1);
}

int gpu_init(struct gpu *gpu, uint64_t window_size, struct renderer *renderer,
	     int wake)
{
	int r;

	memset(gpu, 0, sizeof(*gpu));
	gpu->renderer = renderer;
	gpu->wake = wake;
	gpu->watch.timer = -1;
	memory_init(&gpu->memory, &gpu->counters);
	fences_init(&gpu->fences);
	/* What a window can't show, a guest can't use. */
	resources_init(&gpu->resources, window_size);
	renderer->user = gpu;
	renderer->fence_done = gpu_fence_done;
	r = renderer->ops->capset(renderer, &gpu->capset_version, gpu->capset,
				  sizeof(gpu->capset));
	if (r <= 0)
		return r < 0 ? r : -ENOTSUP;
	gpu->capset_size = r;
	gpu->request = aligned_alloc(8, GPU_REQUEST_MAX);
	if (!gpu->request)
		return -ENOMEM;
	r = window_init(&gpu->window, window_size);
	if (r == 0)
		r = watch_init(&gpu->watch);
	if (r < 0)
		gpu_deinit(gpu);
	return r;
}

void gpu_deinit(struct gpu *gpu)
{
	gpu_reset(gpu);
	window_deinit(&gpu->window);
	watch_deinit(&gpu->watch);
	free(gpu->request);
	gpu->request = NULL;
}

int gpu_start(struct gpu *gpu, const struct gpu_session *session)
{
	int r;

	gpu->session = *session;
	memory_begin(&gpu->memory, session->view);
	gpu->running = true;
	r = gpu->renderer->ops->begin(gpu->renderer);
	gpu->broken = r < 0;
	return r;
}

/* Answers a request, and interrupts the driver if it wants to be. */
static int give_back(struct gpu *gpu, unsigned int index, uint16_t head,
		     uint32_t written, const struct virtq_chain *chain,
		     const void *answer)
{
	struct tranche_transport *view = gpu->session.view;
	uint16_t vector = gpu->session.vectors[index];
	int r = virtq_finish(gpu->session.queues[index], head, written, chain,
			     answer);

	counter_add(&gpu->counters.requests, 1);
	if (r > 0 && vector != GPU_NO_VECTOR) {
		counter_add(&gpu->counters.interrupts, 1);
		view->ops->interrupt(view, vector);
	}
	return r < 0 ? r : 0;
}

/* Requests whose fences are done. */
static int retire(struct gpu *gpu)
{
	struct fence fence;
	int r = 0;

	while (r == 0 && fences_take(&gpu->fences, &fence))
		r = give_back(gpu, GPU_QUEUE_CONTROL, fence.head, fence.written,
			      NULL, NULL);
	return r;
}

/* Whether the driver's own completion comes later than the renderer's. */
static bool must_wait(const struct command *command)
{
	return command->fenced && command->on_ring && !command->failed;
}

/* Return: whether the renderer will tell. */
static bool wait_for_fence(struct gpu *gpu, const struct command *command,
			   uint32_t written)
{
	const struct fence fence = {
		.context = command->context,
		.head = gpu->chain.head,
		.written = written,
	};
	uint64_t number = fences_add(&gpu->fences, &fence);
	int r;

	if (!number)
		return false;
	watch_begin(&gpu->watch, command->context);
	r = gpu->renderer->ops->fence(gpu->renderer, command->context,
				      command->ring, number);
	watch_end(&gpu->watch);
	if (r == 0)
		return true;
	fences_cancel(&gpu->fences, number);
	return false;
}

/*
 * What a call cost its context: the renderer knows it no more, the guest hears
 * of an error until it destroys it.
 */
static void lose_given_up(struct gpu *gpu)
{
	uint32_t context = atomic_exchange(&gpu->given_up, 0);

	if (!context || !contexts_have(&gpu->contexts, context))
		return;
	contexts_lose(&gpu->contexts, context);
	rings_forget(&gpu->rings, context);
	gpu->renderer->ops->context_destroy(gpu->renderer, context);
	fences_end_context(&gpu->fences, context);
}

static void execute(struct gpu *gpu, struct command *command)
{
	watch_begin(&gpu->watch, command->context);
	command_execute(command, gpu);
	watch_end(&gpu->watch);
	lose_given_up(gpu);
}

void gpu_look(struct gpu *gpu)
{
	struct renderer *renderer = gpu->renderer;
	uint32_t context = 0;
	enum watch_verdict verdict = watch_look(&gpu->watch, &context);

	if (verdict == WATCH_WELL)
		return;
	/* Before the call comes back, so that the queue thread sees it. */
	gpu->given_up = verdict == WATCH_GIVE_UP ? context : 0;
	if (gpu->given_up && renderer->ops->give_up(renderer, context) == 0) {
		log_guest("context %u holds up the others: it is ended",
			  context);
		return;
	}
	gpu->given_up = 0;
	log_guest("the renderer does not answer: its contexts are ended");
	renderer->ops->abandon(renderer);
}

/* The response is written now, the request comes back with its fence. */
static int answer_later(struct gpu *gpu, const struct command *command,
			uint32_t written)
{
	int r = virtq_chain_write(gpu->session.queues[GPU_QUEUE_CONTROL],
				  &gpu->chain, 0, &command->response, written);

	if (r < 0 || wait_for_fence(gpu, command, written))
		return r;
	return give_back(gpu, GPU_QUEUE_CONTROL, gpu->chain.head, written, NULL,
			 NULL);
}

static int control_request(struct gpu *gpu)
{
	struct command command;
	uint32_t written;
	int r;

	r = command_read(&command, gpu, gpu->session.queues[GPU_QUEUE_CONTROL],
			 &gpu->chain);
	if (r < 0)
		return r;
	execute(gpu, &command);
	written = command_fit(&command, &gpu->chain);
	if (must_wait(&command))
		return answer_later(gpu, &command, written);
	return give_back(gpu, GPU_QUEUE_CONTROL, gpu->chain.head, written,
			 &gpu->chain, &command.response);
}

/* There is no scanout, so there is no cursor: requests come back as they are. */
static int cursor_request(struct gpu *gpu)
{
	return give_back(gpu, GPU_QUEUE_CURSOR, gpu->chain.head, 0, NULL, NULL);
}

/*
 * Takes requests of one queue. Returns 1 when the budget ended before the
 * queue, else 0 or -EPIPE.
 */
static int drain(struct gpu *gpu, unsigned int index, unsigned int budget,
		 int (*take)(struct gpu *gpu))
{
	struct virtq *queue = gpu->session.queues[index];

	if (!queue->ready)
		return 0;
	while (budget-- && !virtq_idle(queue)) {
		int r = virtq_pop(queue, &gpu->chain);

		if (r == 0 && (virtq_idle(queue) || !virtq_await(queue)))
			return queue->broken ? -EPIPE : 0;
		if (r > 0)
			r = take(gpu);
		if (r < 0)
			return -EPIPE;
	}
	return !virtq_idle(queue);
}

int gpu_run(struct gpu *gpu, unsigned int rung, unsigned int budget)
{
	int retired, control, cursor;

	if (!gpu->running || gpu->broken)
		return 0;
	for (unsigned int i = 0; i < GPU_QUEUES; i++)
		if (rung & GPU_RUNG(i))
			virtq_ring(gpu->session.queues[i]);
	retired = retire(gpu);
	control = drain(gpu, GPU_QUEUE_CONTROL, budget, control_request);
	cursor = drain(gpu, GPU_QUEUE_CURSOR, budget, cursor_request);
	gpu->broken = retired < 0 || control < 0 || cursor < 0;
	return gpu->broken ? -EPIPE : control || cursor;
}

/* A ring that costs its context takes more of the table with it. */
void gpu_nudge(struct gpu *gpu)
{
	for (unsigned int i = 0; i < gpu->rings.count; i++) {
		watch_begin(&gpu->watch, gpu->rings.known[i].context);
		rings_nudge(&gpu->rings, i, gpu->renderer);
		watch_end(&gpu->watch);
		lose_given_up(gpu);
	}
}

static void view_close(struct gpu *gpu)
{
	struct tranche_transport *view = gpu->session.view;

	gpu->session.view = NULL;
	memory_begin(&gpu->memory, NULL);
	if (view)
		tranche_transport_close(view);
}

void gpu_reset(struct gpu *gpu)
{
	const struct renderer_ops *ops = gpu->renderer->ops;
	struct resource *resource;
	uint32_t context;

	gpu->running = false;
	gpu->broken = false;
	gpu->rings.count = 0;
	while ((context = contexts_any(&gpu->contexts)))
		if (contexts_remove(&gpu->contexts, context) > 0)
			ops->context_destroy(gpu->renderer, context);
	/* After the contexts: none of their fences can come any more. */
	fences_drop(&gpu->fences);
	while ((resource = resources_any(&gpu->resources)))
		blob_discard(gpu, resource);
	view_close(gpu);
}
