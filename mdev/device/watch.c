// SPDX-License-Identifier: MIT
#include "mdev/device/watch.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "mdev/clock.h"

int watch_init(struct watch *watch)
{
	*watch = (struct watch){
		.timer = timerfd_create(CLOCK_MONOTONIC,
					TFD_CLOEXEC | TFD_NONBLOCK),
	};
	return watch->timer < 0 ? -errno : 0;
}

void watch_deinit(struct watch *watch)
{
	if (watch->timer >= 0)
		close(watch->timer);
}

static void timer_set(struct watch *watch, uint64_t ms)
{
	const struct itimerspec when = {
		.it_value = {ms / 1000, ms % 1000 * 1000000},
	};

	timerfd_settime(watch->timer, 0, &when, NULL);
}

void watch_begin(struct watch *watch, uint32_t context)
{
	watch->context = context;
	watch->since = clock_now_ms();
	if (!atomic_exchange(&watch->running, true))
		timer_set(watch, WATCH_MS);
}

void watch_end(struct watch *watch)
{
	watch->since = 0;
}

/*
 * A request that begins from here on finds the timer not running and sets it.
 * One that began just before did not, so look once more.
 */
static uint64_t stand_down(struct watch *watch)
{
	watch->running = false;
	if (watch->since && !atomic_exchange(&watch->running, true))
		timer_set(watch, WATCH_MS);
	return 0;
}

/* Return: since when something is late, or 0. */
static uint64_t late_since(struct watch *watch)
{
	uint64_t since = watch->since;
	uint64_t spent;

	if (!since)
		return stand_down(watch);
	spent = clock_now_ms() - since;
	if (spent < WATCH_MS) {
		timer_set(watch, WATCH_MS - spent);
		return 0;
	}
	timer_set(watch, WATCH_MS);
	return since;
}

enum watch_verdict watch_look(struct watch *watch, uint32_t *context)
{
	uint64_t count, since;

	if (read(watch->timer, &count, sizeof(count)) != sizeof(count))
		return WATCH_WELL;
	*context = watch->context;
	since = late_since(watch);
	/* It has ended meanwhile, and the context may be the next one's. */
	if (!since || watch->since != since)
		return WATCH_WELL;
	if (watch->looked_at == since || !*context)
		return WATCH_ABANDON;
	watch->looked_at = since;
	return WATCH_GIVE_UP;
}
