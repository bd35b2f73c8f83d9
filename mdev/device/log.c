// SPDX-License-Identifier: MIT
#include "mdev/device/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 512
/* Lines a minute that guests may cause. */
#define GUEST_LINES 60

/* One write for a line, so that threads do not mix theirs. */
static void print(const char *format, va_list args)
{
	char line[LINE_SIZE];
	int length = vsnprintf(line, sizeof(line) - 1, format, args);

	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	while (length && line[length - 1] == '\n')
		length--;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return;
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
}

static bool guest_may(void)
{
	static _Atomic uint64_t minute;
	static _Atomic unsigned int lines;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (atomic_exchange(&minute, now.tv_sec / 60 + 1) !=
	    (uint64_t)now.tv_sec / 60 + 1)
		atomic_store(&lines, 0);
	return atomic_fetch_add(&lines, 1) < GUEST_LINES;
}

void log_guest(const char *format, ...)
{
	va_list args;

	if (!guest_may())
		return;
	va_start(args, format);
	print(format, args);
	va_end(args);
}
