/* SPDX-License-Identifier: MIT */
/*
 * Cleanup attributes: a local that owns something gives it up when it goes out
 * of scope, unless it was taken.
 */
#ifndef VMM_CLEANUP_H
#define VMM_CLEANUP_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_memory(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_unlock(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

#define CLEANUP_FD __attribute__((cleanup(cleanup_fd)))
#define CLEANUP_MEMORY __attribute__((cleanup(cleanup_memory)))

/* Holds @mutex until the end of the block. */
#define MUTEX_GUARD(mutex)                               \
	__attribute__((cleanup(cleanup_unlock), unused)) \
	pthread_mutex_t *mutex_guard = (pthread_mutex_lock(mutex), (mutex))

/* Takes a descriptor out of a variable that would close it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes a descriptor that may not be open, and says so in the variable. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
