// SPDX-License-Identifier: MIT
#include "mdev/broker/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 64

struct reader {
	char section[NAME_SIZE];
	char argument[NAME_SIZE];
	ini_callback callback;
	void *owner;
};

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* [Name] or [Name "argument"], the brackets checked and cut off already. */
static int section_take(struct reader *reader, char *text)
{
	char *quote = strchr(text, '"');
	char *end = quote ? strchr(quote + 1, '"') : NULL;

	reader->argument[0] = '\0';
	if (quote) {
		if (!end || end[1])
			return -EBADMSG;
		*quote = *end = '\0';
		if (strlen(quote + 1) >= NAME_SIZE)
			return -EBADMSG;
		strcpy(reader->argument, trim(quote + 1));
	}
	text = trim(text);
	if (!*text || strlen(text) >= NAME_SIZE)
		return -EBADMSG;
	strcpy(reader->section, text);
	return 0;
}

static int line_take(struct reader *reader, char *text, unsigned int number)
{
	struct ini_line line = {
		.number = number,
		.section = reader->section,
		.argument = reader->argument,
	};
	char *equals;

	text = trim(text);
	if (!*text || *text == '#' || *text == ';')
		return 0;
	if (*text == '[') {
		size_t length = strlen(text);

		if (text[length - 1] != ']')
			return -EBADMSG;
		text[length - 1] = '\0';
		return section_take(reader, text + 1);
	}
	equals = strchr(text, '=');
	if (!equals)
		return -EBADMSG;
	*equals = '\0';
	line.key = trim(text);
	line.value = trim(equals + 1);
	if (!*line.key)
		return -EBADMSG;
	return reader->callback(reader->owner, &line);
}

int ini_read(const char *path, ini_callback callback, void *owner,
	     unsigned int *number)
{
	struct reader reader = {.callback = callback, .owner = owner};
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *text = NULL;
	ssize_t length;
	int r = 0;

	*number = 0;
	if (!file)
		return -errno;
	errno = 0;
	while (r == 0 && (length = getline(&text, &size, file)) >= 0) {
		++*number;
		/* A NUL would hide the rest of the line. */
		r = memchr(text, '\0', length)
			    ? -EBADMSG
			    : line_take(&reader, text, *number);
	}
	if (r == 0 && ferror(file)) {
		*number = 0;
		r = errno ? -errno : -EIO;
	}
	free(text);
	fclose(file);
	return r;
}
