// SPDX-License-Identifier: MIT
/* How the sides of a lane sleep and wake each other, by the kernel. */
#include "scheduler/lane/lane_atomic.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

int lane_sleep(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / NS_PER_S),
		.tv_nsec = (long)(until_ns % NS_PER_S),
	};

	/* FUTEX_WAIT_BITSET: the time is absolute. */
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value,
		    until_ns == UINT64_MAX ? NULL : &until, NULL,
		    FUTEX_BITSET_MATCH_ANY) == 0 ||
	    errno == EAGAIN)
		return 0;
	return -errno;
}

void lane_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void lane_ring(int bell_fd)
{
	uint64_t one = 1;
	ssize_t ignored = write(bell_fd, &one, sizeof(one));

	/* Full: it has been ringing all the time. */
	(void)ignored;
}

uint64_t lane_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
