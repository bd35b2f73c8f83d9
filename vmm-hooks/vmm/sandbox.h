/* SPDX-License-Identifier: MIT */
/*
 * What a thread may ask of the kernel once the guest runs. Each kind of thread
 * lists its system calls beside its code and enters its filter first thing; any
 * other call ends the process.
 *
 * Stateless; a filter belongs to the thread that entered it, for good.
 */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

#include <stddef.h>

/**
 * sandbox_drop - give up privileges for good, once everything is open
 * @user: become this user and its groups, or NULL to stay
 *
 * Return: 0 or negative errno, reported.
 */
int sandbox_drop(const char *user);

/**
 * sandbox_enter - allow this thread the given system calls and no others
 * @calls: numbers
 * @count: how many
 *
 * What every thread needs (memory, locks, its end) is added. Builds with a
 * sanitizer allow everything: the sanitizer's runtime has needs of its own.
 *
 * Return: 0 or negative errno, reported.
 */
int sandbox_enter(const int *calls, size_t count);

#define SANDBOX_ENTER(calls) \
	sandbox_enter(calls, sizeof(calls) / sizeof((calls)[0]))

#endif
