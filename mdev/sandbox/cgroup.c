// SPDX-License-Identifier: MIT
#include "mdev/sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mdev/clock.h"

#define CONTROLLERS "+memory +pids"

static int folder_open(int at, const char *path)
{
	int fd = openat(at, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int text_write(int folder, const char *file, const char *text)
{
	int fd = openat(folder, file, O_WRONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int number_write(int folder, const char *file, uint64_t number)
{
	char text[32] = "max";

	if (number)
		snprintf(text, sizeof(text), "%" PRIu64, number);
	return text_write(folder, file, text);
}

/* Return: bytes read, and a NUL behind them, or a negative errno. */
static ssize_t text_read(int folder, const char *file, char *text, size_t size)
{
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int r;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	r = -errno;
	close(fd);
	if (length < 0)
		return r;
	text[length] = '\0';
	return length;
}

/* Whether processes are in it. */
static bool populated(int folder)
{
	char text[128];

	return text_read(folder, "cgroup.events", text, sizeof(text)) > 0 &&
	       strstr(text, "populated 1");
}

/* The folder of all, with controllers for the ones below it. */
static int base_open(const char *path)
{
	int base, above, r;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	base = folder_open(AT_FDCWD, path);
	if (base < 0)
		return base;
	/* Somebody else may have given them, and kept us from doing so. */
	above = folder_open(base, "..");
	if (above >= 0) {
		text_write(above, "cgroup.subtree_control", CONTROLLERS);
		close(above);
	}
	r = text_write(base, "cgroup.subtree_control", CONTROLLERS);
	if (r == 0)
		return base;
	close(base);
	return r;
}

static int limits_set(int folder, const struct sandbox_config *config)
{
	int r = number_write(folder, "memory.max", config->memory_max);

	if (r == 0)
		r = number_write(folder, "pids.max", config->pids_max);
	if (r < 0 || !config->memory_max)
		return r;
	/* What the limit keeps out of memory must not go to swap instead. */
	r = text_write(folder, "memory.swap.max", "0");
	return r == -ENOENT ? 0 : r;
}

int cgroup_make(const struct sandbox_config *config)
{
	int base = base_open(config->cgroup);
	int folder, r;

	if (base < 0)
		return base;
	if (mkdirat(base, config->name, 0755) < 0 && errno != EEXIST)
		folder = -errno;
	else
		folder = folder_open(base, config->name);
	close(base);
	if (folder < 0)
		return folder;
	r = populated(folder) ? -EBUSY : limits_set(folder, config);
	if (r == 0)
		return folder;
	close(folder);
	return r;
}

static int own_path(char *path, const char *cgroup, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", cgroup, name);

	return length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

void cgroup_remove(const struct sandbox_config *config)
{
	char path[PATH_MAX];

	if (own_path(path, config->cgroup, config->name) == 0)
		rmdir(path);
}

static int own_open(const char *cgroup, const char *name)
{
	char path[PATH_MAX];
	int r = own_path(path, cgroup, name);

	return r < 0 ? r : folder_open(AT_FDCWD, path);
}

/* Whether it is process 1 of a namespace below ours. */
static bool is_first(pid_t pid)
{
	char path[64], line[256];
	bool first = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		char *last;

		if (strncmp(line, "NSpid:", 6))
			continue;
		last = strrchr(line, '\t');
		first = last && atoi(last + 1) == 1;
		break;
	}
	if (file)
		fclose(file);
	return first;
}

/* A number may be another's by the time it is looked at; a pidfd is not. */
static int first_open(pid_t pid, int folder)
{
	int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return -errno;
	if (is_first(pid) && populated(folder) &&
	    pidfd_send_signal(pidfd, 0, NULL, 0) == 0)
		return pidfd;
	close(pidfd);
	return -ENOENT;
}

static int first_find(int folder, pid_t *pid)
{
	int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	int pidfd = -ENOENT;

	if (!file) {
		pidfd = -errno;
		if (fd >= 0)
			close(fd);
		return pidfd;
	}
	while (pidfd < 0 && fscanf(file, "%d", pid) == 1)
		pidfd = first_open(*pid, folder);
	fclose(file);
	return pidfd < 0 ? -ENOENT : pidfd;
}

int sandbox_find(const char *cgroup, const char *name, pid_t *pid)
{
	int folder = own_open(cgroup, name);
	int pidfd;

	if (folder < 0)
		return folder;
	pidfd = first_find(folder, pid);
	close(folder);
	return pidfd;
}

/* The kernel signals a change of cgroup.events as an exceptional condition. */
static int wait_empty(int folder)
{
	int64_t end = clock_now_ms() + SANDBOX_KILL_MS;
	struct pollfd events = {
		.fd = openat(folder, "cgroup.events", O_RDONLY | O_CLOEXEC),
		.events = POLLPRI,
	};
	char text[128];
	int r = 0;

	if (events.fd < 0)
		return -errno;
	while (r == 0) {
		int64_t left = end - clock_now_ms();
		ssize_t length = pread(events.fd, text, sizeof(text) - 1, 0);

		text[length < 0 ? 0 : length] = '\0';
		if (!strstr(text, "populated 1"))
			break;
		if (left <= 0)
			r = -ETIMEDOUT;
		else
			poll(&events, 1, left);
	}
	close(events.fd);
	return r;
}

/* The last process may still be on its way out of it. */
static int remove_patiently(const char *cgroup, const char *name)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	char path[PATH_MAX];
	int r = own_path(path, cgroup, name);

	for (int i = 0; r == 0 && rmdir(path) < 0; i++) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBUSY || i == 100)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return r;
}

int sandbox_kill(const char *cgroup, const char *name)
{
	int folder = own_open(cgroup, name);
	int r;

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	r = text_write(folder, "cgroup.kill", "1");
	if (r == 0)
		r = wait_empty(folder);
	close(folder);
	return r < 0 ? r : remove_patiently(cgroup, name);
}
