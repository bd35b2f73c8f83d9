/* SPDX-License-Identifier: MIT */
/*
 * Lines for people, on standard error; standard output is for JSON alone.
 *
 * An error is told once, where it is found, by message_error(); callers only
 * forward the errno. Safe from any thread: one line is one write.
 */
#ifndef TRANCHE_LOAD_MESSAGE_H
#define TRANCHE_LOAD_MESSAGE_H

#include <stdbool.h>

/**
 * message_set_quiet() - leave out notes; errors are told all the same
 * @quiet: whether to
 *
 * Call it before the first thread starts.
 */
void message_set_quiet(bool quiet);

/**
 * message_note() - tell how things go
 * @format: as for printf(), without newline
 */
void message_note(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * message_error() - tell why something failed
 * @format: as for printf(), without newline; cause, then cure if there is one
 */
void message_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
