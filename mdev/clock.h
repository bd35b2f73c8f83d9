/* SPDX-License-Identifier: MIT */
/*
 * The time that all time-outs of the broker, its helpers and the device process
 * are counted in.
 */
#ifndef MDEV_CLOCK_H
#define MDEV_CLOCK_H

#include <stdint.h>
#include <time.h>

/**
 * clock_now_ms() - The monotonic time
 *
 * Return: milliseconds since an arbitrary point, never less than before.
 */
static inline int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

#endif
