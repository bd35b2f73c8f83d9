// SPDX-License-Identifier: MIT
/* The gate's end of a door. */
#include "scheduler/lane/door.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "scheduler/lane/door_wire.h"

#define CALL_TIMEOUT_MS 5000

int door_init(struct door *door, const char *path)
{
	if (strlen(path) >= sizeof(door->path))
		return -ENAMETOOLONG;
	*door = (struct door){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.fd = -1,
		.stale_fd = -1,
	};
	strcpy(door->path, path);
	return 0;
}

void door_deinit(struct door *door)
{
	if (door->fd >= 0)
		close(door->fd);
	if (door->stale_fd >= 0)
		close(door->stale_fd);
	pthread_mutex_destroy(&door->lock);
}

/* It stays open, hung up, for whoever polls it, until the next connection. */
static void door_lose(struct door *door)
{
	shutdown(door->fd, SHUT_RDWR);
	if (door->stale_fd >= 0)
		close(door->stale_fd);
	door->stale_fd = door->fd;
	door->fd = -1;
}

static void socket_set_timeout(int fd, int timeout_ms)
{
	struct timeval limit = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000,
	};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* Neither a call nor its answer came in time. */
static int call_error(int r)
{
	return r == -EAGAIN || r == -EINPROGRESS ? -ETIMEDOUT : r;
}

/*
 * A socket that is not ours to open may become so: its maker gives it away after
 * it listens. -EACCES is the arbiter's own word.
 */
static int connect_error(int r)
{
	return r == -EACCES ? -EPERM : call_error(r);
}

static int socket_open(const char *path, int timeout_ms)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	/* Not longer than door->path, which is as large. */
	strcpy(address.sun_path, path);
	socket_set_timeout(fd, timeout_ms);
	do
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return fd;
	r = connect_error(-errno);
	close(fd);
	return r;
}

/* Send one packet and receive what must answer it. */
static int call(int fd, const struct door_message *request,
		enum door_type answer_type, struct door_message *answer)
{
	int r = door_send(fd, request, 0);

	if (r == 0)
		r = door_receive(fd, answer, 0);
	if (r < 0)
		return call_error(r);
	if (answer->packet.type == answer_type)
		return 0;
	door_message_deinit(answer);
	return -EBADMSG;
}

static int welcome_new(struct lane *lane, struct door_message *welcome)
{
	int r;

	if (welcome->fd_count != 2)
		return -EBADMSG;
	r = lane_map(lane, welcome->fds[0], welcome->fds[1]);
	if (r < 0)
		return r;
	door_message_take(welcome, 0);
	door_message_take(welcome, 1);
	return 0;
}

/* In place: other threads may be about to ring. */
static int welcome_again(struct lane *lane, struct door_message *welcome)
{
	if (welcome->fd_count != 1)
		return -EBADMSG;
	if (dup3(welcome->fds[0], lane->bell_fd, O_CLOEXEC) < 0)
		return -errno;
	/* What happened while nobody listened must be looked at. */
	lane_ask(lane);
	return 0;
}

static int present(int fd, struct lane *lane, uint64_t held)
{
	struct door_message hello = {
		.packet =
			{
				.type = DOOR_HELLO,
				.value = DOOR_VERSION,
				.bytes = held,
			},
	};
	struct door_message welcome;
	bool again = lane->memory;
	int r;

	if (again)
		hello.fds[hello.fd_count++] = lane->memory_fd;
	r = call(fd, &hello, DOOR_WELCOME, &welcome);
	if (r < 0)
		return r;
	r = welcome.packet.value;
	if (r == 0)
		r = again ? welcome_again(lane, &welcome)
			  : welcome_new(lane, &welcome);
	door_message_deinit(&welcome);
	return r;
}

static int connect_locked(struct door *door, struct lane *lane, int timeout_ms)
{
	int fd, r;

	if (door->fd >= 0)
		return -EISCONN;
	fd = socket_open(door->path, timeout_ms);
	if (fd < 0)
		return fd;
	r = present(fd, lane, door->held);
	if (r < 0) {
		close(fd);
		return r;
	}
	socket_set_timeout(fd, CALL_TIMEOUT_MS);
	if (door->stale_fd >= 0)
		close(door->stale_fd);
	door->stale_fd = -1;
	door->fd = fd;
	return 0;
}

int door_connect(struct door *door, struct lane *lane, int timeout_ms)
{
	int r;

	pthread_mutex_lock(&door->lock);
	r = connect_locked(door, lane, timeout_ms);
	pthread_mutex_unlock(&door->lock);
	return r;
}

static int charge_locked(struct door *door, uint64_t bytes)
{
	struct door_message charge = {
		.packet = {.type = DOOR_CHARGE, .bytes = bytes},
	};
	struct door_message verdict;

	if (door->fd < 0)
		return -EPIPE;
	if (call(door->fd, &charge, DOOR_VERDICT, &verdict) < 0) {
		door_lose(door);
		return -EPIPE;
	}
	door_message_deinit(&verdict);
	if (verdict.packet.value < 0)
		return -ENOSPC;
	door->held += bytes;
	return 0;
}

int door_charge(struct door *door, uint64_t bytes)
{
	int r;

	pthread_mutex_lock(&door->lock);
	r = charge_locked(door, bytes);
	pthread_mutex_unlock(&door->lock);
	return r;
}

void door_release(struct door *door, uint64_t bytes)
{
	struct door_message release = {
		.packet = {.type = DOOR_RELEASE, .bytes = bytes},
	};

	pthread_mutex_lock(&door->lock);
	door->held -= bytes < door->held ? bytes : door->held;
	if (door->fd >= 0 && door_send(door->fd, &release, 0) < 0)
		door_lose(door);
	pthread_mutex_unlock(&door->lock);
}

int door_fd(struct door *door)
{
	int fd;

	pthread_mutex_lock(&door->lock);
	fd = door->fd;
	pthread_mutex_unlock(&door->lock);
	return fd;
}
