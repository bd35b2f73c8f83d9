// SPDX-License-Identifier: MIT
#include "mdev/broker/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdev/broker/work.h"

struct job {
	sysfs_done done;
	void *owner;
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

static void run(void *owner)
{
	struct job *job = owner;

	for (; job->step < job->count; job->step++) {
		job->error = write_one(&job->writes[job->step]);
		if (job->error < 0)
			break;
	}
}

static void on_done(void *owner)
{
	struct job *job = owner;

	job->done(job->owner, job->error, job->step);
	free(job);
}

int sysfs_write_start(sd_event *loop, const struct sysfs_write *writes,
		      unsigned int count, sysfs_done done, void *owner)
{
	struct job *job;
	int r;

	job = calloc(1, sizeof(*job) + count * sizeof(*writes));
	if (!job)
		return -ENOMEM;
	job->done = done;
	job->owner = owner;
	job->count = count;
	memcpy(job->writes, writes, count * sizeof(*writes));
	r = work_start(loop, run, on_done, job);
	if (r < 0)
		free(job);
	return r;
}
