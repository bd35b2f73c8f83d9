// SPDX-License-Identifier: MIT
/* The arbiter's interface and its thread. */
#include "scheduler/arbiter/arbiter.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "scheduler/arbiter/internal.h"
#include "scheduler/lane/lane_atomic.h"

#define EVENTS_MAX 65536
#define EVENTS_FIRST 64
/* Of its thread. */
#define ARBITER_NICE (-15)
#define SLICES_SIZE (SLICES_MAX * sizeof(struct arbiter_slice))

uint64_t arbiter_clock(void)
{
	return lane_now();
}

void arbiter_settings_init(struct arbiter_settings *settings)
{
	*settings = (struct arbiter_settings){
		.weight = TSCHED_WEIGHT_DEFAULT,
		.cap = TSCHED_WHOLE,
		.latency = TSCHED_LATENCY_NORMAL,
		.instances = 1,
		.vram_limit = UINT64_MAX,
		.kill_ns = 2 * NS_PER_S,
		.guard_kills = 3,
		.guard_ns = 60 * NS_PER_S,
	};
}

static int events_grow(struct arbiter *arbiter)
{
	size_t room =
		arbiter->event_room ? 2 * arbiter->event_room : EVENTS_FIRST;
	struct queued_event *events;

	if (room > EVENTS_MAX)
		return -ENOSPC;
	events = realloc(arbiter->events, room * sizeof(*events));
	if (!events)
		return -ENOMEM;
	arbiter->events = events;
	arbiter->event_room = room;
	return 0;
}

/* Told by arbiter_tell(). What comes while nobody listens is lost. */
void arbiter_event(struct arbiter *arbiter, enum arbiter_event_kind kind,
		   const struct account *account, pid_t pid, uint64_t bytes)
{
	struct queued_event *event;

	if (!arbiter->ops || !arbiter->ops->event)
		return;
	if (arbiter->event_count == arbiter->event_room &&
	    events_grow(arbiter) < 0)
		return;
	event = &arbiter->events[arbiter->event_count++];
	*event = (struct queued_event){
		.kind = kind,
		.pid = pid,
		.bytes = bytes,
	};
	memcpy(event->account, account->name, sizeof(event->account));
}

void arbiter_tell(struct arbiter *arbiter)
{
	struct queued_event *events;
	size_t count, i;

	if (!arbiter->ops)
		return;
	pthread_mutex_lock(&arbiter->lock);
	events = arbiter->events;
	count = arbiter->event_count;
	arbiter->events = NULL;
	arbiter->event_count = 0;
	arbiter->event_room = 0;
	pthread_mutex_unlock(&arbiter->lock);
	for (i = 0; i < count; i++) {
		struct arbiter_event event = {
			.kind = events[i].kind,
			.account = events[i].account,
			.pid = events[i].pid,
			.bytes = events[i].bytes,
		};

		arbiter->ops->event(arbiter->owner, &event);
	}
	free(events);
}

/*
 * Whoever is granted next waits for this thread, which computes for microseconds:
 * it goes before the guests. Where that is not allowed a busy processor makes each
 * grant later.
 */
static void *thread_main(void *data)
{
	setpriority(PRIO_PROCESS, (id_t)gettid(), ARBITER_NICE);
	arbiter_loop(data);
	return NULL;
}

/* No signal of the program's is handled by this thread. */
static int thread_start(struct arbiter *arbiter)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&arbiter->thread, NULL, thread_main, arbiter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static int arbiter_open(struct arbiter *arbiter)
{
	void *slices;

	arbiter->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (arbiter->epoll_fd < 0)
		return -errno;
	arbiter->kick.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (arbiter->kick.fd < 0)
		return -errno;
	/* Pages of it are made when they are first written. */
	slices = mmap(NULL, SLICES_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slices == MAP_FAILED)
		return -errno;
	arbiter->slices = slices;
	return source_watch(arbiter, &arbiter->kick, EPOLLIN);
}

void arbiter_destroy(struct arbiter *arbiter)
{
	while (arbiter->accounts)
		account_free(arbiter->accounts);
	arbiter_collect(arbiter);
	source_forget(arbiter, &arbiter->kick);
	if (arbiter->epoll_fd >= 0)
		close(arbiter->epoll_fd);
	pthread_mutex_destroy(&arbiter->lock);
	if (arbiter->slices)
		munmap(arbiter->slices, SLICES_SIZE);
	free(arbiter->events);
	free(arbiter);
}

/* Everything but its thread. */
int arbiter_create(struct arbiter **new, const struct tsched_config *config,
		   const struct arbiter_ops *ops, void *owner)
{
	struct arbiter *arbiter = calloc(1, sizeof(*arbiter));
	int r;

	if (!arbiter)
		return -ENOMEM;
	arbiter->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	arbiter->ops = ops;
	arbiter->owner = owner;
	arbiter->epoll_fd = -1;
	arbiter->kick = (struct source){.kind = SOURCE_KICK, .fd = -1};
	arbiter->config = *config;
	arbiter->begin_ns = arbiter_clock();
	arbiter->now_ns = arbiter->begin_ns;
	arbiter->second_ns = arbiter->begin_ns;
	arbiter->wake_ns = TSCHED_NEVER;
	arbiter->tick_ns = TSCHED_NEVER;
	arbiter->reap_ns = TSCHED_NEVER;
	r = tsched_gpu_init(&arbiter->gpu, config, arbiter->now_ns);
	if (r == 0)
		r = arbiter_open(arbiter);
	if (r < 0) {
		arbiter_destroy(arbiter);
		return r;
	}
	*new = arbiter;
	return 0;
}

int arbiter_new(struct arbiter **new, const struct tsched_config *config,
		const struct arbiter_ops *ops, void *owner)
{
	struct arbiter *arbiter;
	int r = arbiter_create(&arbiter, config, ops, owner);

	if (r < 0)
		return r;
	r = thread_start(arbiter);
	if (r < 0) {
		arbiter_destroy(arbiter);
		return r;
	}
	*new = arbiter;
	return 0;
}

static void kick(struct arbiter *arbiter)
{
	lane_ring(arbiter->kick.fd);
}

void arbiter_free(struct arbiter *arbiter)
{
	if (!arbiter)
		return;
	pthread_mutex_lock(&arbiter->lock);
	arbiter->stop = true;
	pthread_mutex_unlock(&arbiter->lock);
	kick(arbiter);
	pthread_join(arbiter->thread, NULL);
	arbiter_destroy(arbiter);
}

/* Every call of another thread stands between these two. */
static void arbiter_enter(struct arbiter *arbiter)
{
	pthread_mutex_lock(&arbiter->lock);
	arbiter->now_ns = arbiter_clock();
	if (arbiter->holder)
		context_feed(arbiter->holder);
}

/* What was changed is in force, and the thread knows when to wake. */
static void arbiter_exit(struct arbiter *arbiter)
{
	arbiter_decide(arbiter);
	pthread_mutex_unlock(&arbiter->lock);
	kick(arbiter);
}

static void lanes_shut(struct arbiter *arbiter)
{
	struct account *account;
	struct context *context;

	for (account = arbiter->accounts; account; account = account->next)
		for (context = account->contexts; context;
		     context = context->next)
			if (context->in_core)
				lane_shut(context);
}

static int config_set(struct arbiter *arbiter,
		      const struct tsched_config *config)
{
	bool was_open = arbiter->config.policy == TSCHED_BEST_EFFORT;
	bool is_open = config->policy == TSCHED_BEST_EFFORT;
	int r = tsched_gpu_set_config(&arbiter->gpu, config, arbiter->now_ns);

	if (r < 0)
		return r;
	arbiter->config = *config;
	if (is_open)
		arbiter_end_hold(arbiter, TSCHED_BY_POLICY);
	if (was_open != is_open)
		lanes_shut(arbiter);
	arbiter->lanes_stale = is_open;
	return 0;
}

int arbiter_set_config(struct arbiter *arbiter,
		       const struct tsched_config *config)
{
	int r;

	arbiter_enter(arbiter);
	r = config_set(arbiter, config);
	arbiter_exit(arbiter);
	return r;
}

int arbiter_account_add(struct arbiter *arbiter, const char *name,
			const struct arbiter_settings *settings,
			const char *door_path)
{
	int r;

	arbiter_enter(arbiter);
	r = account_new(arbiter, name, settings, door_path);
	arbiter_exit(arbiter);
	return r;
}

int arbiter_account_set(struct arbiter *arbiter, const char *name,
			const struct arbiter_settings *settings)
{
	struct account *account;
	int r = -ENOENT;

	arbiter_enter(arbiter);
	account = account_find(arbiter, name);
	if (account)
		r = account_set(account, settings);
	arbiter_exit(arbiter);
	return r;
}

static void account_reset(struct account *account)
{
	struct context *context;

	account->stopped = false;
	memset(account->kill_times, 0, sizeof(account->kill_times));
	for (context = account->contexts; context; context = context->next)
		context_kill(context);
}

int arbiter_account_reset(struct arbiter *arbiter, const char *name)
{
	struct account *account;

	arbiter_enter(arbiter);
	account = account_find(arbiter, name);
	if (account)
		account_reset(account);
	arbiter_exit(arbiter);
	return account ? 0 : -ENOENT;
}

int arbiter_account_remove(struct arbiter *arbiter, const char *name)
{
	struct account *account;
	bool found;

	arbiter_enter(arbiter);
	account = account_find(arbiter, name);
	found = account;
	if (found)
		account_free(account);
	arbiter_exit(arbiter);
	return found ? 0 : -ENOENT;
}

int arbiter_account_stats(struct arbiter *arbiter, const char *name,
			  struct arbiter_account_stats *stats)
{
	struct account *account;

	arbiter_enter(arbiter);
	arbiter_roll(arbiter);
	account = account_find(arbiter, name);
	if (account)
		account_fill_stats(account, stats);
	arbiter_exit(arbiter);
	return account ? 0 : -ENOENT;
}

int arbiter_gpu_stats(struct arbiter *arbiter, struct arbiter_gpu_stats *stats)
{
	struct tsched_gpu_stats core;
	struct account *account;

	arbiter_enter(arbiter);
	tsched_gpu_stats(&arbiter->gpu, arbiter->now_ns, &core);
	*stats = (struct arbiter_gpu_stats){
		.now_ns = arbiter->now_ns,
		.busy_ns = core.busy_ns,
		.idle_ns = arbiter->now_ns - arbiter->begin_ns - core.busy_ns,
		.anticipate_ns = core.anticipate_ns,
		.holds = core.holds,
		.contexts = arbiter->contexts,
	};
	for (account = arbiter->accounts; account; account = account->next)
		stats->vram_used += account->vram_used;
	arbiter_exit(arbiter);
	return 0;
}

size_t arbiter_slices(struct arbiter *arbiter, uint64_t *after,
		      struct arbiter_slice *slices, size_t count)
{
	uint64_t first, last;
	size_t i;

	pthread_mutex_lock(&arbiter->lock);
	last = arbiter->slice_count;
	first = last > SLICES_MAX ? last - SLICES_MAX : 0;
	if (*after > first)
		first = min_time(*after, last);
	count = min_time(count, last - first);
	for (i = 0; i < count; i++)
		slices[i] = arbiter->slices[(first + i) % SLICES_MAX];
	*after = first + count;
	pthread_mutex_unlock(&arbiter->lock);
	return count;
}
