/* SPDX-License-Identifier: MIT */
/*
 * Writes to sysfs files of vGPUs. The module asks the broker for a verdict on
 * each, so the broker must not wait for them itself: they are work.h's.
 *
 * States: running -> done (the callback has run, the job is freed). One that
 * waits for a VMM may run for long.
 * Ownership: the job owns the writes. Locking: work.h's.
 */
#ifndef BROKER_SYSFS_H
#define BROKER_SYSFS_H

#include <systemd/sd-event.h>

#define SYSFS_PATH_SIZE 192
#define SYSFS_TEXT_SIZE 64

struct sysfs_write {
	char path[SYSFS_PATH_SIZE];
	char text[SYSFS_TEXT_SIZE];
};

/**
 * typedef sysfs_done - in the event loop, when all is written or one failed
 * @owner: as passed
 * @error: 0 or a negative errno
 * @step: index of the write that failed
 */
typedef void (*sysfs_done)(void *owner, int error, unsigned int step);

/**
 * sysfs_write_start - write files one after the other
 * @loop: event loop
 * @writes: copied
 * @count: how many
 * @done: what happens then
 * @owner: passed to it
 *
 * Return: 0, and @done comes; or a negative errno, and it does not.
 */
int sysfs_write_start(sd_event *loop, const struct sysfs_write *writes,
		      unsigned int count, sysfs_done done, void *owner);

#endif
