/* SPDX-License-Identifier: MIT */
/*
 * check.h - the shortest way to fail a test
 */
#ifndef TESTS_LAB_KMOD_CHECK_H
#define TESTS_LAB_KMOD_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                      \
	do {                                                                  \
		if (!(condition)) {                                           \
			int check_errno = errno;                              \
			fprintf(stderr, "%s:%d: %s (errno: %s)\n", __FILE__,  \
				__LINE__, #condition, strerror(check_errno)); \
			exit(1);                                              \
		}                                                             \
	} while (0)

/* A call that has to fail, and how. */
#define CHECK_ERRNO(call, error)                       \
	do {                                           \
		errno = 0;                             \
		CHECK((call) < 0 && errno == (error)); \
	} while (0)

#endif /* TESTS_LAB_KMOD_CHECK_H */
