/* SPDX-License-Identifier: MIT */
/*
 * Text of sections, keys and values, as systemd writes it:
 *
 *   # a comment
 *   [Section]
 *   Key=Value
 *   [Section "argument"]
 *
 * Stateless. The strings that a callback gets live until it returns.
 */
#ifndef BROKER_INI_H
#define BROKER_INI_H

#include <stddef.h>

/**
 * struct ini_line - one assignment
 * @number: of the line, from 1
 * @section: "" before the first section
 * @argument: of the section, "" when it has none
 * @key: not empty
 * @value: without blanks around it
 */
struct ini_line {
	unsigned int number;
	const char *section;
	const char *argument;
	const char *key;
	const char *value;
};

/* Return: 0 to go on; a negative errno ends the reading. */
typedef int (*ini_callback)(void *owner, const struct ini_line *line);

/**
 * ini_read - read a file
 * @path: of the file
 * @callback: gets every assignment
 * @owner: passed to it
 * @number: line of an error, 0 when the file can't be read
 *
 * Return: 0; -EBADMSG for a line that is none of the above; what the callback
 * returned; the error of reading.
 */
int ini_read(const char *path, ini_callback callback, void *owner,
	     unsigned int *number);

#endif
