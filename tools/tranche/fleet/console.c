// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void end_line(struct console *console, console_line_t receive,
		     void *user)
{
	console->line[console->length] = '\0';
	if (!console->skipping)
		receive(user, console->line);
	console->length = 0;
	console->skipping = false;
}

static void add_byte(struct console *console, char byte)
{
	if ((unsigned char)byte < ' ' || byte == 0x7f)
		return;
	if (console->length == sizeof(console->line) - 1)
		console->skipping = true;
	else
		console->line[console->length++] = byte;
}

void console_feed(struct console *console, const char *data, size_t size,
		  console_line_t receive, void *user)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n')
			end_line(console, receive, user);
		else
			add_byte(console, data[i]);
	}
}

/* Digits and nothing else, up to @max. */
static bool parse_number(const char *text, long max, long *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtol(text, &end, 10);
	return !*end && !errno && *value <= max;
}

static struct console_message parse_job(unsigned int job, const char *text)
{
	struct console_message message = {.job = job, .text = text};
	long value;

	if (strncmp(text, "pid ", 4) == 0 &&
	    parse_number(text + 4, 1 << 22, &value) && value > 0) {
		message.kind = CONSOLE_PID;
		message.pid = (pid_t)value;
	} else if (strncmp(text, "exit ", 5) == 0 &&
		   parse_number(text + 5, 255, &value)) {
		message.kind = CONSOLE_EXIT;
		message.status = (int)value;
	} else {
		message.kind = CONSOLE_OUTPUT;
	}
	return message;
}

struct console_message console_parse(const char *line)
{
	struct console_message other = {.kind = CONSOLE_OTHER, .text = line};
	unsigned int job;

	if (line[0] != '@' || line[1] < '0' || line[1] >= '0' + CONSOLE_JOBS ||
	    line[2] != ' ')
		return other;
	job = (unsigned int)(line[1] - '0');
	if (job > 0)
		return parse_job(job, line + 3);
	if (strncmp(line + 3, "ready ", 6) == 0)
		other.kind = CONSOLE_READY;
	return other;
}
