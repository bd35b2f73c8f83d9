// SPDX-License-Identifier: MIT
#include "mdev/broker/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job {
	sysfs_done done;
	void *owner;
	int bell;
	int error;
	unsigned int step;
	unsigned int count;
	struct sysfs_write writes[];
};

static int write_one(const struct sysfs_write *write_)
{
	size_t length = strlen(write_->text);
	int fd = open(write_->path, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	/* An empty value is a line of its own: sysfs gets no empty writes. */
	if (write(fd, length ? write_->text : "\n", length ? length : 1) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void *run(void *argument)
{
	struct job *job = argument;
	const uint64_t one = 1;

	for (; job->step < job->count; job->step++) {
		job->error = write_one(&job->writes[job->step]);
		if (job->error < 0)
			break;
	}
	/* An eventfd takes this; the job is the loop's from here on. */
	if (write(job->bell, &one, sizeof(one)) < 0)
		abort();
	return NULL;
}

static void job_free(struct job *job)
{
	close(job->bell);
	free(job);
}

static int on_done(sd_event_source *source, int fd, uint32_t events,
		   void *owner)
{
	struct job *job = owner;

	(void)fd;
	(void)events;
	sd_event_source_disable_unref(source);
	job->done(job->owner, job->error, job->step);
	job_free(job);
	return 0;
}

/* Signals are the event loop's. */
static int thread_start(struct job *job)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &attributes, run, job);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

int sysfs_write_start(sd_event *loop, const struct sysfs_write *writes,
		      unsigned int count, sysfs_done done, void *owner)
{
	sd_event_source *source;
	struct job *job;
	int r;

	job = calloc(1, sizeof(*job) + count * sizeof(*writes));
	if (!job)
		return -ENOMEM;
	job->done = done;
	job->owner = owner;
	job->count = count;
	memcpy(job->writes, writes, count * sizeof(*writes));
	job->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (job->bell < 0) {
		r = -errno;
		free(job);
		return r;
	}
	r = sd_event_add_io(loop, &source, job->bell, EPOLLIN, on_done, job);
	if (r >= 0) {
		r = thread_start(job);
		if (r == 0)
			return 0;
		sd_event_source_disable_unref(source);
	}
	job_free(job);
	return r;
}
