// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write, so that lines of several threads don't mix. */
int report(int error, const char *format, ...)
{
	static const char prefix[] = "tranche-vmm: ";
	char line[1024];
	size_t start = sizeof(prefix) - 1;
	va_list args;
	int len;

	memcpy(line, prefix, start);
	va_start(args, format);
	len = vsnprintf(line + start, sizeof(line) - start - 1, format, args);
	va_end(args);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return error;
	return error;
}
