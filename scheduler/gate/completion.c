/* SPDX-License-Identifier: MIT */
/*
 * Noticing that submissions are complete.
 *
 * Alone on the GPU and with short jobs nobody needs to know at once: then marks
 * are looked at with a later submission, and every few milliseconds. That
 * costs no system call per submission. Otherwise, and as soon as a submission
 * is held, the queue's thread waits for each mark, or, where it has to look for
 * them, for the last while nothing is held. One submission in many is
 * watched in any case, to know how long the jobs are; of times seen late only
 * those are used that are shorter. Stamped jobs tell their own time, whenever they
 * are looked at.
 *
 * A driver that needs nudges gets one when a mark does not come, and every now
 * and then while nothing is out.
 */
#include "scheduler/gate/queue.h"

#include "scheduler/gate/connection.h"
#include "scheduler/gate/device.h"
#include "scheduler/gate/hold.h"
#include "scheduler/gate/thread.h"

#define NS_PER_MS UINT64_C(1000000)
#define LAZY_JOB_NS (2 * NS_PER_MS) /* jobs shorter than this are short */
#define LAZY_JOBS 8 /* that many have to be seen first */
#define LAZY_UNWATCHED 64 /* one of so many is watched */
#define LAZY_PENDING 8 /* so many may be pending before a look */
#define TICK_NS (10 * NS_PER_MS)
#define IDLE_TICKS 16 /* then the thread sleeps */
#define WAIT_NS (100 * NS_PER_MS)
#define NUDGE_NS (1000 * NS_PER_MS) /* while nothing is out */
#define DUE_NS (NS_PER_MS / 10)
#define POLL_NS (NS_PER_MS / 50)
#define POLL_PART 8
#define POLL_DUE_PARTS 16
#define POLL_DUE_NS (NS_PER_MS / 8)
#define AVERAGE_SHIFT 4
#define GROWTH_NS (NS_PER_MS / 10)

/* ------------------------------------------------------------------------
 * Marks
 * ------------------------------------------------------------------------ */

/* An error means a lost device: nothing will ever become complete, so
 * everything is. */
static uint64_t done_value(struct queue *queue)
{
	struct device *device = queue->device;
	uint64_t value;
	VkResult result;

	if (!device->timeline)
		return 0;
	queue_marking_begin(queue);
	result = device->next.get_counter(device->handle, queue->done, &value);
	queue_marking_end(queue);
	return result == VK_SUCCESS ? value : UINT64_MAX;
}

static bool mark_reached(const struct submission *submission, uint64_t value)
{
	struct device *device = submission->queue->device;

	if (device->timeline)
		return submission->done <= value;
	return device->next.get_fence(device->handle, submission->fence) !=
	       VK_NOT_READY;
}

/* A mark that is waited for. */
struct mark {
	uint64_t id; /* of its submission */
	uint64_t value;
	VkFence fence; /* on a device without timelines */
	bool last; /* of several, the earlier of which nobody waits for */
	uint64_t due_ns; /* it takes about so long from now on, or longer */
};

/*
 * How long until the next look at a mark that is expected after @due_ns, which is
 * rather too little. Each look before that halves what is left, so that what has
 * become shorter is learnt; afterwards, and all the time if nothing is expected,
 * they come less and less often.
 */
static uint64_t poll_pause(uint64_t due_ns, uint64_t waited_ns)
{
	uint64_t least_ns = due_ns / POLL_DUE_PARTS;
	uint64_t ns;

	if (due_ns && least_ns < POLL_DUE_NS)
		least_ns = POLL_DUE_NS;
	if (waited_ns < due_ns)
		ns = (due_ns - waited_ns) / 2;
	else
		ns = (waited_ns - due_ns) / POLL_PART;
	return POLL_NS + (ns > least_ns ? ns : least_ns);
}

static bool mark_poll(struct queue *queue, const struct mark *mark,
		      uint64_t timeout_ns, uint64_t *late_ns)
{
	uint64_t begin_ns = thread_now(), waited_ns = 0, before_ns = 0;
	uint64_t pause_ns;

	while (done_value(queue) < mark->value) {
		if (waited_ns >= timeout_ns)
			return false;
		if (mark->last && hold_waiting())
			return true;
		pause_ns = poll_pause(mark->due_ns, waited_ns);
		thread_sleep(pause_ns < timeout_ns ? pause_ns : timeout_ns);
		before_ns = waited_ns;
		waited_ns = thread_now() - begin_ns;
	}
	*late_ns = waited_ns - before_ns;
	return true;
}

/*
 * Called without a lock. @late_ns: where looks are made, the time between the last
 * two. Return: false when it did not come in time; true also when an earlier one
 * is waited for now.
 */
static bool mark_wait(struct queue *queue, const struct mark *mark,
		      uint64_t timeout_ns, uint64_t *late_ns)
{
	struct device *device = queue->device;
	VkSemaphoreWaitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
		.semaphoreCount = 1,
		.pSemaphores = &queue->done,
		.pValues = &mark->value,
	};

	*late_ns = 0;
	if (device->timeline && device->physical->marks_alone)
		return mark_poll(queue, mark, timeout_ns, late_ns);
	if (device->timeline)
		return device->next.wait_semaphores(device->handle, &info,
						    timeout_ns) != VK_TIMEOUT;
	return device->next.wait_fences(device->handle, 1, &mark->fence,
					VK_TRUE, timeout_ns) != VK_TIMEOUT;
}

/* Something to do for a driver that may have left a call undone. Called by the
 * queue's thread, without a lock. */
static void driver_nudge(struct queue *queue)
{
	struct device *device = queue->device;
	VkSemaphoreSignalInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
		.semaphore = queue->nudge,
		.value = queue->nudges + 1,
	};

	if (!queue->nudge)
		return;
	device->next.signal_semaphore(device->handle, &info);
	queue->nudges++;
}

/* ------------------------------------------------------------------------
 * Harvest
 * ------------------------------------------------------------------------ */

/* What a look has shown. */
struct look {
	uint64_t now_ns;
	uint64_t awaited; /* id whose mark was waited for, or 0 */
	uint64_t late_ns; /* of that, by mark_wait() */
	uint64_t run_ns; /* and how long it ran */
};

static bool is_awaited(const struct look *look,
		       const struct submission *submission)
{
	return submission->id == look->awaited;
}

static bool submission_is_out(const struct submission *submission)
{
	return submission && submission->entered && submission->sent;
}

/* How long a submission ran that was seen complete now. */
static uint64_t run_ns(const struct queue *queue,
		       const struct submission *submission, uint64_t now_ns)
{
	uint64_t begin_ns = submission->submit_ns;

	if (begin_ns < queue->complete_ns)
		begin_ns = queue->complete_ns;
	return now_ns > begin_ns ? now_ns - begin_ns : 0;
}

/*
 * What is seen is never shorter than the job and, on a busy processor, often
 * much longer. So a shorter time is believed at once, a longer one slowly.
 */
static void job_learn(struct queue *queue, uint64_t gpu_ns)
{
	uint64_t most_ns = 2 * queue->job_ns + GROWTH_NS;

	if (!queue->job_ns || gpu_ns < queue->job_ns)
		queue->job_ns = gpu_ns;
	else if (gpu_ns < most_ns)
		queue->job_ns += (gpu_ns - queue->job_ns) >> AVERAGE_SHIFT;
	else
		queue->job_ns += (most_ns - queue->job_ns) >> AVERAGE_SHIFT;
}

/*
 * Whether an estimator may learn from a job: not from the first, for which
 * drivers still build things; and of those seen late only if that can't make
 * it expect more.
 */
static bool job_counts(const struct queue *queue, uint64_t gpu_ns, bool on_time)
{
	return queue->jobs_seen && (on_time || gpu_ns < queue->job_ns);
}

/* What is known of a job's time by looking when it is complete. */
static struct run_time time_observe(struct queue *queue,
				    const struct submission *submission,
				    const struct look *look)
{
	bool on_time = is_awaited(look, submission);
	struct run_time time = {
		.gpu_ns = on_time ? look->run_ns
				  : look->now_ns - submission->submit_ns,
	};

	time.on_time = job_counts(queue, time.gpu_ns, on_time);
	if (time.on_time)
		job_learn(queue, time.gpu_ns);
	else if (queue->job_ns && time.gpu_ns > queue->job_ns)
		time.gpu_ns = queue->job_ns;
	return time;
}

/* By its stamps, if it has any. */
static struct run_time time_find(struct queue *queue,
				 const struct submission *submission,
				 const struct look *look)
{
	struct run_time time = {
		.on_time = is_awaited(look, submission) && queue->jobs_seen,
	};

	if (!queue->stamps ||
	    !stamps_end(queue->stamps, &submission->stamp,
			look->now_ns - submission->submit_ns, &time.gpu_ns))
		return time_observe(queue, submission, look);
	time.exact = queue->jobs_seen;
	if (time.exact)
		job_learn(queue, time.gpu_ns);
	return time;
}

static void submission_complete(struct queue *queue,
				struct submission *submission,
				const struct look *look)
{
	bool on_time = is_awaited(look, submission);
	struct run_time time = time_find(queue, submission, look);

	time.late_ns = on_time ? look->late_ns : 0;
	if (on_time && submission->stamp.probed)
		stamps_probe(queue->stamps, &submission->stamp, look->run_ns);
	queue->jobs_seen++;
	queue->complete_ns = look->now_ns;
	queue_leave(submission, look->now_ns, time);
	submission->next = queue->spare;
	queue->spare = submission;
}

/* Of those that ended until the awaited one did each ran as long, as far as is
 * known. */
static uint64_t run_mean(const struct queue *queue, const struct look *look)
{
	const struct submission *submission = queue->pending;
	uint32_t jobs = 1;

	if (!look->awaited)
		return 0;
	while (!is_awaited(look, submission) &&
	       submission_is_out(submission->next)) {
		submission = submission->next;
		jobs++;
	}
	return run_ns(queue, queue->pending, look->now_ns) / jobs;
}

/*
 * Called with the lock held. @look: what is known of the one that was waited for;
 * others were complete at some time before.
 */
static uint32_t harvest(struct queue *queue, struct look look)
{
	struct submission *submission = queue->pending;
	uint32_t count = 0;
	uint64_t value;

	if (!submission_is_out(submission))
		return 0;
	value = done_value(queue);
	look.now_ns = thread_now();
	look.run_ns = run_mean(queue, &look);
	while (submission_is_out(submission) &&
	       mark_reached(submission, value)) {
		queue->pending = submission->next;
		submission_complete(queue, submission, &look);
		submission = queue->pending;
		count++;
	}
	queue->pending_count -= count;
	if (!queue->pending)
		queue->pending_tail = &queue->pending;
	return count;
}

/* The thread may be waiting for a fence, which nobody may reset then. */
static bool may_harvest(const struct queue *queue)
{
	return queue->device->timeline || !queue->running;
}

/* Called with the lock held: the oldest one must be about to end. */
static bool end_is_due(const struct queue *queue)
{
	return submission_is_out(queue->pending) && queue->job_ns &&
	       queue->job_ns < LAZY_JOB_NS &&
	       run_ns(queue, queue->pending, thread_now()) + DUE_NS >=
		       queue->job_ns;
}

uint32_t completion_harvest(struct queue *queue)
{
	struct mark mark = {};
	uint64_t late_ns;
	uint32_t count;

	pthread_mutex_lock(&queue->lock);
	count = may_harvest(queue) ? harvest(queue, (struct look){}) : 0;
	if (!count && queue->device->timeline && end_is_due(queue))
		mark.value = queue->pending->done;
	pthread_mutex_unlock(&queue->lock);
	if (!mark.value)
		return count;
	mark_wait(queue, &mark, DUE_NS, &late_ns);
	pthread_mutex_lock(&queue->lock);
	count = harvest(queue, (struct look){});
	pthread_mutex_unlock(&queue->lock);
	return count;
}

/* ------------------------------------------------------------------------
 * Watching
 * ------------------------------------------------------------------------ */

static bool may_be_lazy(struct queue *queue)
{
	if (!queue->job_ns || queue->jobs_seen < LAZY_JOBS ||
	    queue->job_ns >= LAZY_JOB_NS)
		return false;
	if (!queue->device->timeline || hold_waiting() ||
	    lane_contended(connection_lane()))
		return false;
	if (++queue->unwatched < LAZY_UNWATCHED)
		return true;
	queue->unwatched = 0;
	return false;
}

/* What probes stamps is timed. */
void completion_expect(const struct submission *submission)
{
	struct queue *queue = submission->queue;

	queue->lazy = !submission->stamp.probed && may_be_lazy(queue);
	if (queue->pending_count >= (queue->lazy ? LAZY_PENDING : 2) &&
	    may_harvest(queue))
		harvest(queue, (struct look){});
	if (queue->watch == QUEUE_ASLEEP ||
	    (queue->watch == QUEUE_TICKING && !queue->lazy))
		pthread_cond_signal(&queue->changed);
}

static void queue_hurry(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	if (queue->lazy) {
		queue->lazy = false;
		pthread_cond_signal(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
}

void completion_hurry(struct device *device)
{
	struct queue *queue;

	pthread_mutex_lock(&device->lock);
	for (queue = device->queues; queue; queue = queue->next)
		queue_hurry(queue);
	pthread_mutex_unlock(&device->lock);
}

/* Called with the lock held, which is given up meanwhile. */
static void watch_pause(struct queue *queue, enum queue_watch watch,
			uint64_t until_ns)
{
	queue->watch = watch;
	thread_cond_wait(&queue->changed, &queue->lock, until_ns);
	queue->watch = QUEUE_WATCHING;
}

static void watch_asleep(struct queue *queue)
{
	if (!queue->nudge) {
		watch_pause(queue, QUEUE_ASLEEP, UINT64_MAX);
		return;
	}
	watch_pause(queue, QUEUE_ASLEEP, thread_now() + NUDGE_NS);
	pthread_mutex_unlock(&queue->lock);
	driver_nudge(queue);
	pthread_mutex_lock(&queue->lock);
}

/* Nothing is out: go on ticking for a while, so that the next submissions need
 * not wake anybody. */
static void watch_nothing(struct queue *queue)
{
	if (queue->lazy && queue->idle_ticks < IDLE_TICKS) {
		queue->idle_ticks++;
		watch_pause(queue, QUEUE_TICKING, thread_now() + TICK_NS);
		return;
	}
	queue->idle_ticks = 0;
	watch_asleep(queue);
}

static uint32_t watch_lazily(struct queue *queue)
{
	uint64_t oldest = queue->pending->id;
	uint32_t count;

	queue->idle_ticks = 0;
	watch_pause(queue, QUEUE_TICKING, thread_now() + TICK_NS);
	count = harvest(queue, (struct look){});
	/* Not that short after all. */
	if (submission_is_out(queue->pending) && queue->pending->id == oldest)
		queue->lazy = false;
	return count;
}

/*
 * Called with the lock held, something is out. While nothing is held nobody waits
 * but for the last: where looks are made, they are made for that one.
 */
static struct mark mark_choose(const struct queue *queue)
{
	const struct device *device = queue->device;
	const struct submission *submission = queue->pending;
	bool last = device->timeline && device->physical->marks_alone &&
		    !hold_waiting();
	uint64_t ran_ns = run_ns(queue, submission, thread_now());
	uint64_t expect_ns = queue->job_ns;

	for (; last && submission_is_out(submission->next);
	     submission = submission->next)
		expect_ns += queue->job_ns;
	return (struct mark){
		.id = submission->id,
		.value = submission->done,
		.fence = submission->fence,
		.last = submission != queue->pending,
		.due_ns = expect_ns > ran_ns ? expect_ns - ran_ns : 0,
	};
}

static uint32_t watch_closely(struct queue *queue)
{
	uint32_t count = harvest(queue, (struct look){});
	struct look look = {};
	struct mark mark;

	if (count || !submission_is_out(queue->pending))
		return count;
	mark = mark_choose(queue);
	pthread_mutex_unlock(&queue->lock);
	if (!mark_wait(queue, &mark, WAIT_NS, &look.late_ns))
		driver_nudge(queue);
	pthread_mutex_lock(&queue->lock);
	look.awaited = mark.id;
	return harvest(queue, look);
}

static void watch_once(struct queue *queue)
{
	uint32_t count;

	if (!submission_is_out(queue->pending)) {
		watch_nothing(queue);
		return;
	}
	if (queue->lazy)
		count = watch_lazily(queue);
	else
		count = watch_closely(queue);
	if (!count)
		return;
	pthread_mutex_unlock(&queue->lock);
	hold_pass();
	pthread_mutex_lock(&queue->lock);
}

static void *watch(void *data)
{
	struct queue *queue = data;

	thread_name("gate-queue");
	pthread_mutex_lock(&queue->lock);
	while (!queue->stop)
		watch_once(queue);
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

int completion_start(struct queue *queue)
{
	int r = thread_start(&queue->thread, watch, queue);

	queue->running = r == 0;
	return r;
}

void completion_stop(struct queue *queue)
{
	if (!queue->running)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->stop = true;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	pthread_join(queue->thread, NULL);
	queue->running = false;
}
