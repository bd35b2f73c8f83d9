// SPDX-License-Identifier: MIT
#include "mdev/broker/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's messages; udev's have another group. */
#define GROUP_KERNEL 1
#define MESSAGE_MAX 8192

struct listener {
	void (*changed)(void *owner);
	void *owner;
};

bool uevent_is_gpu(const char *message, size_t size)
{
	const char *end = message + size, *line = message;
	size_t length;

	for (; line < end; line += length + 1) {
		length = strnlen(line, end - line);
		if (line + length == end)
			return false;
		if (!strcmp(line, "SUBSYSTEM=pci") ||
		    !strcmp(line, "SUBSYSTEM=drm"))
			return true;
	}
	return false;
}

/* Return: whether there may be more; -1 when the socket is of no use. */
static int message_take(int fd, bool *gpu)
{
	struct sockaddr_nl from = {0};
	socklen_t length = sizeof(from);
	char message[MESSAGE_MAX];
	ssize_t size;

	size = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT,
			(struct sockaddr *)&from, &length);
	if (size < 0 && errno == ENOBUFS)
		/* Some were lost. */
		*gpu = true;
	else if (size < 0)
		return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -errno;
	else if (!from.nl_pid && uevent_is_gpu(message, size))
		*gpu = true;
	return 1;
}

static int on_message(sd_event_source *source, int fd, uint32_t events,
		      void *owner)
{
	struct listener *listener = owner;
	bool gpu = false;
	int r;

	(void)events;
	do
		r = message_take(fd, &gpu);
	while (r > 0);
	if (r < 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (gpu)
		listener->changed(listener->owner);
	return 0;
}

static int socket_open(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP_KERNEL,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int source_add(sd_event *loop, sd_event_source **source,
		      struct listener *listener)
{
	int fd = socket_open(), r;

	if (fd < 0)
		return fd;
	r = sd_event_add_io(loop, source, fd, EPOLLIN, on_message, listener);
	if (r < 0) {
		close(fd);
		return r;
	}
	sd_event_source_set_destroy_callback(*source, free);
	return sd_event_source_set_io_fd_own(*source, true);
}

int uevent_open(sd_event *loop, sd_event_source **source,
		void (*changed)(void *owner), void *owner)
{
	struct listener *listener = malloc(sizeof(*listener));
	int r;

	if (!listener)
		return -ENOMEM;
	*listener = (struct listener){changed, owner};
	r = source_add(loop, source, listener);
	if (r < 0 && !*source)
		free(listener);
	return r < 0 ? r : 0;
}
