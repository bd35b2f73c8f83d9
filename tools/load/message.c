// SPDX-License-Identifier: MIT
#include "message.h"

#include <stdarg.h>
#include <stdio.h>

static bool message_quiet;

void message_set_quiet(bool quiet)
{
	message_quiet = quiet;
}

static void print_line(const char *prefix, const char *format, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, ap);
	fprintf(stderr, "%s%s\n", prefix, line);
}

void message_note(const char *format, ...)
{
	va_list ap;

	if (message_quiet)
		return;
	va_start(ap, format);
	print_line("", format, ap);
	va_end(ap);
}

void message_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line("tranche-load: ", format, ap);
	va_end(ap);
}
