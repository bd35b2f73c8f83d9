/* SPDX-License-Identifier: MIT */
/*
 * The system calls that a confined process may make: what the C library, the
 * loader, virglrenderer's server and workers, and GPU drivers get by with.
 *
 * All others fail with ENOSYS, so that a library that tries a new one falls
 * back; a call of another architecture ends the process.
 *
 * Owner: the plan has the program. Locking: none.
 */
#ifndef MDEV_SANDBOX_FILTER_H
#define MDEV_SANDBOX_FILTER_H

#include <linux/filter.h>

/**
 * filter_make - make the filter's program
 * @program: what to fill; freed by filter_free()
 *
 * Return: 0 or negative errno.
 */
int filter_make(struct sock_fprog *program);
void filter_free(struct sock_fprog *program);

#endif
