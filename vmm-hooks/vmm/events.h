/* SPDX-License-Identifier: MIT */
/*
 * What happens to a guest, for programs: one JSON object a line, appended to a
 * file, each with a monotonic time in seconds and the guest's name.
 *
 * Owner: the machine. Locking: a line is one write; any thread may call.
 */
#ifndef VMM_EVENTS_H
#define VMM_EVENTS_H

struct events {
	int fd; /* -1: nobody listens */
	const char *name;
};

/**
 * events_init - open the file; reports what went wrong
 * @events: what to fill
 * @path: the file, or NULL
 * @name: the guest's name
 *
 * Return: 0 or negative errno.
 */
int events_init(struct events *events, const char *path, const char *name);
void events_deinit(struct events *events);

/**
 * events_tell - one event
 * @events: where to
 * @event: its name: letters and hyphens
 * @detail: more words, or NULL
 */
void events_tell(const struct events *events, const char *event,
		 const char *detail);

#endif
