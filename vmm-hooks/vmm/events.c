// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/report.h"

int events_init(struct events *events, const char *path, const char *name)
{
	*events = (struct events){.fd = -1, .name = name};
	if (!path)
		return 0;
	events->fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (events->fd < 0)
		return report(-errno, "--json-events: cannot open '%s': %s",
			      path, strerror(errno));
	return 0;
}

void events_deinit(struct events *events)
{
	close_fd(&events->fd);
}

/* Appends a JSON string; what does not fit is cut. */
static void quote(char *to, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text && len + 8 < size; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			to[len++] = '\\';
		if (c < 0x20)
			len += snprintf(to + len, size - len, "\\u%04x", c);
		else
			to[len++] = c;
	}
	to[len] = '\0';
}

void events_tell(const struct events *events, const char *event,
		 const char *detail)
{
	char line[1024], name[256], more[512];
	struct timespec now;
	int len;

	if (events->fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	quote(name, sizeof(name), events->name);
	quote(more, sizeof(more), detail ? detail : "");
	len = snprintf(line, sizeof(line),
		       "{\"time\":%lld.%06ld,\"guest\":\"%s\","
		       "\"event\":\"%s\",\"detail\":\"%s\"}\n",
		       (long long)now.tv_sec, now.tv_nsec / 1000, name, event,
		       more);
	if (write(events->fd, line, len) < 0)
		report(0, "--json-events: cannot write: %s", strerror(errno));
}
