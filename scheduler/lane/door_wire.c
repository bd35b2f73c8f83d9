// SPDX-License-Identifier: MIT
#include "scheduler/lane/door_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int) * DOOR_FDS_MAX)];
	struct cmsghdr align;
};

static void control_fill(struct msghdr *header, union control *control,
			 const struct door_message *message)
{
	size_t size = sizeof(int) * message->fd_count;
	struct cmsghdr *cmsg;

	if (!size)
		return;
	memset(control, 0, sizeof(*control));
	header->msg_control = control->bytes;
	header->msg_controllen = CMSG_SPACE(size);
	cmsg = CMSG_FIRSTHDR(header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(cmsg), message->fds, size);
}

int door_send(int fd, const struct door_message *message, int flags)
{
	struct door_packet packet = message->packet;
	struct iovec iov = {.iov_base = &packet, .iov_len = sizeof(packet)};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	ssize_t n;

	control_fill(&header, &control, message);
	do
		n = sendmsg(fd, &header, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void control_read(struct msghdr *header, struct door_message *message)
{
	struct cmsghdr *cmsg;
	size_t size;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg;
	     cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size = cmsg->cmsg_len - CMSG_LEN(0);
		memcpy(message->fds, CMSG_DATA(cmsg), size);
		message->fd_count = size / sizeof(int);
	}
}

int door_receive(int fd, struct door_message *message, int flags)
{
	struct iovec iov = {
		.iov_base = &message->packet,
		.iov_len = sizeof(message->packet),
	};
	union control control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	*message = (struct door_message){0};
	do
		n = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	control_read(&header, message);
	if (n == sizeof(message->packet) &&
	    !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	door_message_deinit(message);
	return n ? -EBADMSG : -EPIPE;
}

void door_message_deinit(struct door_message *message)
{
	while (message->fd_count)
		if (message->fds[--message->fd_count] >= 0)
			close(message->fds[message->fd_count]);
}

int door_message_take(struct door_message *message, unsigned int index)
{
	int fd = message->fds[index];

	message->fds[index] = -1;
	return fd;
}
