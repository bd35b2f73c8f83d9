// SPDX-License-Identifier: MIT
#include "mdev/broker/work.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct work {
	void (*run)(void *owner);
	void (*done)(void *owner);
	void *owner;
	int bell;
};

static void *thread(void *argument)
{
	struct work *work = argument;
	const uint64_t one = 1;

	work->run(work->owner);
	/* An eventfd takes this; the work is the loop's from here on. */
	if (write(work->bell, &one, sizeof(one)) < 0)
		abort();
	return NULL;
}

static void work_free(struct work *work)
{
	close(work->bell);
	free(work);
}

static int on_bell(sd_event_source *source, int fd, uint32_t events,
		   void *owner)
{
	struct work *work = owner;

	(void)fd;
	(void)events;
	sd_event_source_disable_unref(source);
	work->done(work->owner);
	work_free(work);
	return 0;
}

/* Signals are the event loop's. */
static int thread_start(struct work *work)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t id;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&id, &attributes, thread, work);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int work_begin(struct work *work, sd_event *loop)
{
	sd_event_source *source;
	int r;

	r = sd_event_add_io(loop, &source, work->bell, EPOLLIN, on_bell, work);
	if (r < 0)
		return r;
	r = thread_start(work);
	if (r < 0)
		sd_event_source_disable_unref(source);
	return r;
}

int work_start(sd_event *loop, void (*run)(void *owner),
	       void (*done)(void *owner), void *owner)
{
	struct work *work = calloc(1, sizeof(*work));
	int r;

	if (!work)
		return -ENOMEM;
	*work = (struct work){run, done, owner, -1};
	work->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (work->bell < 0) {
		r = -errno;
		free(work);
		return r;
	}
	r = work_begin(work, loop);
	if (r < 0)
		work_free(work);
	return r;
}
