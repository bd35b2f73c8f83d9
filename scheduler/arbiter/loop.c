// SPDX-License-Identifier: MIT
/*
 * What the arbiter's thread waits for. At each wake-up it does a bounded amount
 * for each account; one that makes it do more than WORK_MAX things in a
 * millisecond is not listened to for the rest of it. What it then wanted to say
 * is in its lane or its socket, and is looked at afterwards.
 */
#include "scheduler/arbiter/internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
#define WORK_MAX 64
#define WORK_WINDOW_NS NS_PER_MS

static int source_control(struct arbiter *arbiter, struct source *source,
			  int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(arbiter->epoll_fd, operation, source->fd, &event) < 0)
		return -errno;
	return 0;
}

int source_watch(struct arbiter *arbiter, struct source *source,
		 uint32_t events)
{
	source->events = events;
	return source_control(arbiter, source, EPOLL_CTL_ADD, events);
}

/* Not to be listened to for a while; an end is still reported. */
static void source_mute(struct arbiter *arbiter, struct source *source)
{
	if (source->muted)
		return;
	source->muted = true;
	source->next_muted = arbiter->muted;
	arbiter->muted = source;
	arbiter->unmute_ns =
		(arbiter->now_ns / WORK_WINDOW_NS + 1) * WORK_WINDOW_NS;
	source_control(arbiter, source, EPOLL_CTL_MOD, 0);
}

static void source_unlink_muted(struct arbiter *arbiter, struct source *source)
{
	struct source **link = &arbiter->muted;

	if (!source->muted)
		return;
	while (*link != source)
		link = &(*link)->next_muted;
	*link = source->next_muted;
	source->muted = false;
}

void source_forget(struct arbiter *arbiter, struct source *source)
{
	if (source->fd < 0)
		return;
	source_unlink_muted(arbiter, source);
	source_control(arbiter, source, EPOLL_CTL_DEL, 0);
	close(source->fd);
	source->fd = -1;
}

/* What was said meanwhile is reported at once. */
static void unmute_all(struct arbiter *arbiter)
{
	struct source *source;

	if (arbiter->now_ns < arbiter->unmute_ns)
		return;
	while ((source = arbiter->muted)) {
		arbiter->muted = source->next_muted;
		source->muted = false;
		source_control(arbiter, source, EPOLL_CTL_MOD, source->events);
	}
}

/* Whether the account may make the arbiter do one more thing now. */
static bool account_may(struct account *account)
{
	uint64_t window = account->arbiter->now_ns / WORK_WINDOW_NS;

	if (account->work_window != window) {
		account->work_window = window;
		account->work = 0;
	}
	return account->work++ < WORK_MAX;
}

static void source_handle(struct source *source)
{
	uint64_t ignored;
	ssize_t n;

	switch (source->kind) {
	case SOURCE_KICK:
		n = read(source->fd, &ignored, sizeof(ignored));
		(void)n;
		break;
	case SOURCE_DOOR:
		context_accept(source->account);
		break;
	case SOURCE_CONNECTION:
		context_receive(source->context);
		break;
	case SOURCE_BELL:
		/* Edge-triggered: it need not be read. */
		context_feed(source->context);
		break;
	case SOURCE_PROCESS:
		context_end(source->context);
		break;
	}
}

/* The ends of processes come for sure, and once each. */
static bool source_is_rationed(const struct source *source, uint32_t events)
{
	return source->account && source->kind != SOURCE_PROCESS &&
	       !(events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR));
}

static void event_handle(struct arbiter *arbiter,
			 const struct epoll_event *event)
{
	struct source *source = event->data.ptr;

	/* Ended by an event before this one, or by another thread. */
	if (source->fd < 0)
		return;
	if (source_is_rationed(source, event->events) &&
	    !account_may(source->account)) {
		source_mute(arbiter, source);
		return;
	}
	source_handle(source);
}

/*
 * The holder comes first: what it did happened before what the others say now,
 * and the core's clock does not go back.
 */
static void events_handle(struct arbiter *arbiter,
			  const struct epoll_event *events, int count)
{
	int i;

	if (count > 0 && arbiter->holder)
		context_feed(arbiter->holder);
	for (i = 0; i < count; i++)
		event_handle(arbiter, &events[i]);
}

/* Return: when there is something to do though nothing happens. */
static uint64_t next_wake(const struct arbiter *arbiter)
{
	uint64_t wake = min_time(arbiter->wake_ns, arbiter->tick_ns);

	wake = min_time(wake, arbiter->reap_ns);
	if (arbiter->contexts)
		wake = min_time(wake, arbiter->second_ns + NS_PER_S);
	if (arbiter->muted)
		wake = min_time(wake, arbiter->unmute_ns);
	return wake;
}

static int events_wait(struct arbiter *arbiter, struct epoll_event *events,
		       uint64_t wake_ns)
{
	uint64_t now = arbiter_clock();
	uint64_t ns = wake_ns > now ? wake_ns - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	return epoll_pwait2(arbiter->epoll_fd, events, EVENTS_AT_ONCE,
			    wake_ns == TSCHED_NEVER ? NULL : &timeout, NULL);
}

static void arbiter_turn(struct arbiter *arbiter,
			 const struct epoll_event *events, int count)
{
	arbiter->now_ns = arbiter_clock();
	events_handle(arbiter, events, count);
	unmute_all(arbiter);
	arbiter_reap(arbiter);
	arbiter_tick(arbiter);
	arbiter_roll(arbiter);
	arbiter_decide(arbiter);
	arbiter_collect(arbiter);
}

/* What has happened, without waiting. */
void arbiter_poll(struct arbiter *arbiter)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = events_wait(arbiter, events, 0);

	arbiter_turn(arbiter, events, count);
}

void arbiter_loop(struct arbiter *arbiter)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t wake_ns;
	int count;

	/* Slices and gaps are shorter than the usual slack of 50 us. */
	prctl(PR_SET_TIMERSLACK, 1);
	pthread_mutex_lock(&arbiter->lock);
	while (!arbiter->stop) {
		wake_ns = next_wake(arbiter);
		pthread_mutex_unlock(&arbiter->lock);
		arbiter_tell(arbiter);
		count = events_wait(arbiter, events, wake_ns);
		pthread_mutex_lock(&arbiter->lock);
		arbiter_turn(arbiter, events, count);
	}
	pthread_mutex_unlock(&arbiter->lock);
}
