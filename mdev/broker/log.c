// SPDX-License-Identifier: MIT
#include "mdev/broker/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LINE_SIZE 512

static bool journal;

/* systemd says in JOURNAL_STREAM which file standard error was. */
void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		  fstat(STDERR_FILENO, &status) == 0 &&
		  status.st_dev == device && status.st_ino == inode;
}

static struct iovec field(char *text, size_t size, const char *name,
			  const char *value)
{
	snprintf(text, size, "%s=%s", name, value);
	return (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

static void journal_send(int priority, const char *gpu, const char *uuid,
			 const char *text)
{
	char texts[4][LINE_SIZE + 16], number[4];
	struct iovec fields[4];
	int count = 0;

	snprintf(number, sizeof(number), "%d", priority);
	fields[count++] = field(texts[0], sizeof(texts[0]), "MESSAGE", text);
	fields[count++] = field(texts[1], sizeof(texts[1]), "PRIORITY", number);
	if (gpu)
		fields[count++] = field(texts[2], sizeof(texts[2]), "GPU", gpu);
	if (uuid)
		fields[count++] =
			field(texts[3], sizeof(texts[3]), "UUID", uuid);
	sd_journal_sendv(fields, count);
}

void log_line(int priority, const char *gpu, const char *uuid,
	      const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (journal)
		journal_send(priority, gpu, uuid, text);
	else
		dprintf(STDERR_FILENO, "tranched: %s%s%s%s%s\n", gpu ? gpu : "",
			gpu ? ": " : "", uuid ? uuid : "", uuid ? ": " : "",
			text);
}
