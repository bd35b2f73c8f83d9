/* SPDX-License-Identifier: MIT */
/*
 * What is told on standard error: one line, cause and cure. The verb that runs
 * is named in it; main() sets it once. Locking: none, one thread.
 */
#ifndef TRANCHE_MESSAGE_H
#define TRANCHE_MESSAGE_H

/* message_set_verb - whose lines the next ones are; NULL: the program's */
void message_set_verb(const char *verb);

/* message_set_before - called before each line: gives the terminal back */
void message_set_before(void (*before)(void));

/**
 * message_error - tell
 * @format: without the name in front and the newline
 */
__attribute__((format(printf, 1, 2))) void message_error(const char *format,
							 ...);

/**
 * message_bad - tell of bad input
 *
 * Return: -EINVAL, always.
 */
__attribute__((format(printf, 1, 2))) int message_bad(const char *format, ...);

/* message_memory - tell that memory ran out; returns -ENOMEM */
int message_memory(void);

#endif
