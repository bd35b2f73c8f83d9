// SPDX-License-Identifier: MIT
#include "tools/tranche/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/tranche/text.h"

static const char *message_verb;
static void (*message_before)(void);

void message_set_verb(const char *verb)
{
	message_verb = verb;
}

void message_set_before(void (*before)(void))
{
	message_before = before;
}

static void print_line(const char *format, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, ap);
	text_clean(line);
	if (message_before)
		message_before();
	fprintf(stderr, "tranche%s%s: %s\n", message_verb ? " " : "",
		message_verb ? message_verb : "", line);
}

void message_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
}

int message_bad(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(format, ap);
	va_end(ap);
	return -EINVAL;
}

int message_memory(void)
{
	message_error("out of memory: close something and try again");
	return -ENOMEM;
}
