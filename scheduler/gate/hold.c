/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/thread.h"

#define NS_PER_MS UINT64_C(1000000)
/* How often semaphores that others may signal are asked, and how often the
 * thread looks whether a lost arbiter is back. */
#define TICK_NS (5 * NS_PER_MS)
/* How often it looks by itself at a lane that would wake it. */
#define LANE_TICK_NS (100 * NS_PER_MS)
/* How long a caller waits for what the application has to do. */
#define SETTLE_NS (100 * NS_PER_MS)

static struct {
	pthread_mutex_t life; /* outermost; for start and stop */
	unsigned int users; /* (life) */
	pthread_t thread; /* (life) */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* for the thread: something was added */
	pthread_cond_t entered; /* for callers in hold_wait() */
	bool stop; /* (lock) */
	bool idle; /* (lock) the thread waits for `changed` */
	struct submission *first; /* (lock) in the order of coming */
	struct submission **tail; /* (lock) */
	uint64_t passes; /* (lock) */
	/* Of the held ones, those that work and only lack the grant; those of
	 * others. Changed under the lock. */
	atomic_uint ready;
	unsigned int unready; /* (lock) */
} hold = {
	.life = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.tail = &hold.first,
};

bool hold_waiting(void)
{
	return atomic_load(&hold.ready);
}

/* ------------------------------------------------------------------------
 * Entering
 * ------------------------------------------------------------------------ */

static bool waits_promised(const struct submission *submission)
{
	struct semaphore_map *map = &submission->queue->device->semaphores;

	for (uint32_t i = 0; i < submission->waits; i++) {
		if (!semaphore_promised(map, submission->semaphores[i]))
			return false;
	}
	return true;
}

static void signals_enter(const struct submission *submission)
{
	struct semaphore_map *map = &submission->queue->device->semaphores;
	const struct batch_semaphore *signals =
		submission->semaphores + submission->waits;

	for (uint32_t i = 0; i < submission->signals; i++)
		semaphore_enter(map, signals[i]);
}

static void gate_open(const struct submission *submission)
{
	struct queue *queue = submission->queue;
	VkSemaphoreSignalInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
		.semaphore = queue->gate,
		.value = submission->gate,
	};

	queue->device->next.signal_semaphore(queue->device->handle, &info);
}

static void unlink_held(struct submission **link)
{
	struct submission *submission = *link;

	*link = submission->held_next;
	if (!*link)
		hold.tail = link;
	atomic_fetch_sub(&submission->queue->held, 1);
}

/* Called with the lock held; takes it out of the order. */
static void enter(struct submission **link, uint64_t now_ns)
{
	struct submission *submission = *link;
	struct queue *queue = submission->queue;
	uint64_t id;

	unlink_held(link);
	signals_enter(submission);
	free(submission->semaphores);
	submission->semaphores = NULL;
	pthread_cond_broadcast(&hold.entered);
	if (!submission->works) {
		queue_give(submission);
		return;
	}
	id = lane_submitted(connection_lane(), queue->engine, now_ns);
	if (submission->gated)
		gate_open(submission);
	queue_entered(submission, id, now_ns);
}

enum verdict {
	VERDICT_ENTERS,
	VERDICT_READY, /* lacks the grant only */
	VERDICT_UNREADY,
};

/* @open: the lane let all pass so far. */
static enum verdict judge(const struct submission *submission, bool open,
			  uint64_t now_ns)
{
	if (submission->queue->passed_by == hold.passes ||
	    !waits_promised(submission))
		return VERDICT_UNREADY;
	if (!submission->works)
		return VERDICT_ENTERS;
	if (open && lane_enter(connection_lane(), now_ns))
		return VERDICT_ENTERS;
	return VERDICT_READY;
}

/* Once through the order. Return: whether anything entered. */
static bool pass_once(uint32_t *ready)
{
	struct submission **link = &hold.first;
	uint64_t now_ns = thread_now();
	bool entered = false, open = true;

	*ready = 0;
	hold.unready = 0;
	hold.passes++;
	while (*link) {
		struct submission *submission = *link;
		enum verdict verdict = judge(submission, open, now_ns);

		if (verdict == VERDICT_ENTERS) {
			enter(link, now_ns);
			entered = true;
			continue;
		}
		if (verdict == VERDICT_READY) {
			open = false;
			++*ready;
		} else {
			hold.unready++;
		}
		submission->queue->passed_by = hold.passes;
		link = &submission->held_next;
	}
	return entered;
}

/* Called with the lock held. What enters may be what others wait for. */
static void pass_locked(void)
{
	uint32_t ready;

	while (pass_once(&ready) && hold.unready)
		;
	if (atomic_exchange(&hold.ready, ready) != ready)
		lane_want(connection_lane(), ready);
}

void hold_pass(void)
{
	pthread_mutex_lock(&hold.lock);
	if (hold.first)
		pass_locked();
	pthread_mutex_unlock(&hold.lock);
}

/* ------------------------------------------------------------------------
 * Holding
 * ------------------------------------------------------------------------ */

static uint32_t count_semaphores(const struct batch_call *call, uint32_t first,
				 uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < end; i++)
		count +=
			batch_wait_count(call, i) + batch_signal_count(call, i);
	return count;
}

static void copy_waits(struct submission *submission,
		       const struct batch_call *call, uint32_t i)
{
	struct semaphore_map *map = &submission->queue->device->semaphores;

	for (uint32_t k = 0; k < batch_wait_count(call, i); k++) {
		struct batch_semaphore wait = batch_wait(call, i, k);

		semaphore_resolve(map, &wait);
		submission->semaphores[submission->waits++] = wait;
	}
}

static void copy_signals(struct submission *submission,
			 const struct batch_call *call, uint32_t i)
{
	for (uint32_t k = 0; k < batch_signal_count(call, i); k++)
		submission->semaphores[submission->waits +
				       submission->signals++] =
			batch_signal(call, i, k);
}

/*
 * Only the first batch may wait for what is not promised yet; later ones wait
 * for what is, or for signals of the batches before them.
 */
static int copy_semaphores(struct submission *submission,
			   const struct batch_call *call, uint32_t first,
			   uint32_t end)
{
	uint32_t count = count_semaphores(call, first, end);

	if (!count)
		return 0;
	submission->semaphores =
		malloc(count * sizeof(*submission->semaphores));
	if (!submission->semaphores)
		return -ENOMEM;
	copy_waits(submission, call, first);
	for (uint32_t i = first; i < end; i++)
		copy_signals(submission, call, i);
	return 0;
}

static void signals_hold(const struct submission *submission)
{
	struct semaphore_map *map = &submission->queue->device->semaphores;
	const struct batch_semaphore *signals =
		submission->semaphores + submission->waits;

	for (uint32_t i = 0; i < submission->signals; i++)
		semaphore_hold(map, signals[i]);
}

static void link_held(struct submission *submission)
{
	submission->held_next = NULL;
	*hold.tail = submission;
	hold.tail = &submission->held_next;
	atomic_fetch_add(&submission->queue->held, 1);
}

int hold_add(struct submission *submission, const struct batch_call *call,
	     uint32_t first, uint32_t end, bool works)
{
	submission->works = works;
	if (copy_semaphores(submission, call, first, end) < 0)
		return -ENOMEM;
	pthread_mutex_lock(&hold.lock);
	signals_hold(submission);
	if (works) {
		submission->gate = ++submission->queue->gate_last;
		queue_append(submission);
	}
	link_held(submission);
	pass_locked();
	if (hold.first && hold.idle)
		pthread_cond_signal(&hold.changed);
	pthread_mutex_unlock(&hold.lock);
	if (hold_waiting())
		completion_hurry(submission->queue->device);
	return 0;
}

bool hold_gate(struct submission *submission)
{
	bool needed;

	pthread_mutex_lock(&hold.lock);
	needed = !submission->entered;
	submission->gated = needed;
	pthread_mutex_unlock(&hold.lock);
	return needed;
}

bool hold_wait(struct submission *submission, uint64_t until_ns)
{
	bool entered;

	pthread_mutex_lock(&hold.lock);
	while (!submission->entered && thread_now() < until_ns)
		thread_cond_wait(&hold.entered, &hold.lock, until_ns);
	entered = submission->entered;
	pthread_mutex_unlock(&hold.lock);
	return entered;
}

/*
 * Called with the lock held; waits for the next entry. Return: false when the
 * time is over, which does not run while something lacks the grant.
 */
static bool settle_wait(uint64_t *until_ns)
{
	uint64_t now_ns = thread_now();

	if (atomic_load(&hold.ready))
		*until_ns = now_ns + SETTLE_NS;
	if (now_ns >= *until_ns)
		return false;
	thread_cond_wait(&hold.entered, &hold.lock, *until_ns);
	return true;
}

void hold_wait_promised(struct semaphore_map *map, VkSemaphore handle)
{
	uint64_t until_ns = thread_now() + SETTLE_NS;
	struct batch_semaphore wait = {.handle = handle};

	semaphore_resolve(map, &wait);
	pthread_mutex_lock(&hold.lock);
	while (!semaphore_promised(map, wait) && settle_wait(&until_ns))
		;
	pthread_mutex_unlock(&hold.lock);
}

static bool device_held(struct device *device)
{
	const struct queue *queue;
	bool held = false;

	pthread_mutex_lock(&device->lock);
	for (queue = device->queues; queue; queue = queue->next)
		held |= atomic_load(&queue->held);
	pthread_mutex_unlock(&device->lock);
	return held;
}

void hold_wait_device(struct device *device)
{
	uint64_t until_ns = thread_now() + SETTLE_NS;

	pthread_mutex_lock(&hold.lock);
	while (device_held(device) && settle_wait(&until_ns))
		;
	pthread_mutex_unlock(&hold.lock);
}

/* Called with the lock held. */
static void remove_held(const struct submission *submission)
{
	struct submission **link = &hold.first;

	while (*link && *link != submission)
		link = &(*link)->held_next;
	if (*link)
		unlink_held(link);
}

void hold_cancel(struct submission *submission)
{
	pthread_mutex_lock(&hold.lock);
	queue_remove(submission);
	if (submission->entered) {
		queue_leave(submission, thread_now(), (struct run_time){});
	} else {
		remove_held(submission);
		signals_enter(submission);
		free(submission->semaphores);
		submission->semaphores = NULL;
		if (submission->gated)
			gate_open(submission);
		pass_locked();
	}
	pthread_mutex_unlock(&hold.lock);
	queue_give(submission);
}

void hold_drop(struct queue *queue)
{
	struct submission **link = &hold.first;

	pthread_mutex_lock(&hold.lock);
	while (*link) {
		struct submission *submission = *link;

		if (submission->queue != queue) {
			link = &submission->held_next;
			continue;
		}
		unlink_held(link);
		free(submission->semaphores);
		submission->semaphores = NULL;
		if (!submission->works)
			queue_give(submission);
		else if (submission->gated)
			gate_open(submission);
	}
	pass_locked();
	pthread_mutex_unlock(&hold.lock);
}

/* ------------------------------------------------------------------------
 * The thread
 * ------------------------------------------------------------------------ */

/* Called with the lock held, which is given up meanwhile. */
static void idle_until(uint64_t until_ns)
{
	hold.idle = true;
	thread_cond_wait(&hold.changed, &hold.lock, until_ns);
	hold.idle = false;
}

/* Called with the lock held, which is given up meanwhile. */
static void await_lane(void)
{
	uint64_t tick_ns = hold.unready ? TICK_NS : LANE_TICK_NS;
	int r;

	pthread_mutex_unlock(&hold.lock);
	r = lane_wait(connection_lane(), thread_now() + tick_ns);
	pthread_mutex_lock(&hold.lock);
	/* Closed: until the watcher finds a new arbiter. */
	if (r == -EPIPE && !hold.stop)
		idle_until(thread_now() + TICK_NS);
}

static void *run(void *data)
{
	(void)data;
	thread_name("gate-hold");
	pthread_mutex_lock(&hold.lock);
	while (!hold.stop) {
		if (!hold.first) {
			idle_until(UINT64_MAX);
			continue;
		}
		pass_locked();
		if (atomic_load(&hold.ready))
			await_lane();
		else if (hold.first)
			idle_until(thread_now() + TICK_NS);
	}
	pthread_mutex_unlock(&hold.lock);
	return NULL;
}

int hold_start(void)
{
	int r = 0;

	pthread_mutex_lock(&hold.life);
	if (!hold.users) {
		thread_cond_init(&hold.changed);
		thread_cond_init(&hold.entered);
		hold.stop = false;
		r = thread_start(&hold.thread, run, NULL);
	}
	if (r == 0)
		hold.users++;
	pthread_mutex_unlock(&hold.life);
	return r;
}

static void thread_stop(void)
{
	pthread_mutex_lock(&hold.lock);
	hold.stop = true;
	pthread_cond_signal(&hold.changed);
	pthread_mutex_unlock(&hold.lock);
	pthread_join(hold.thread, NULL);
}

void hold_stop(void)
{
	pthread_mutex_lock(&hold.life);
	if (--hold.users == 0)
		thread_stop();
	pthread_mutex_unlock(&hold.life);
}

void hold_forked(void)
{
	hold.life = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	hold.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	hold.users = 0;
	hold.first = NULL;
	hold.tail = &hold.first;
	hold.unready = 0;
	hold.idle = false;
	atomic_store(&hold.ready, 0);
}
