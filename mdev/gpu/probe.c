// SPDX-License-Identifier: MIT
#include "mdev/gpu/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mdev/clock.h"

/* How long a child may take from its last word to its end. */
#define REAP_MS 5000

/*
 * One child. Reading while fd >= 0; then pid is reaped. The text is grown up
 * to REPORT_BYTES.
 */
struct probe {
	pid_t pid;
	int fd;
	char *text;
	size_t length;
};

/* Beside the calling program (a build), else where it is installed. */
static const char *program_find(char *path, size_t size)
{
	static const char name[] = "tranche-probe";
	ssize_t length;
	char *slash;

	length = readlink("/proc/self/exe", path, size - 1);
	if (length < 0)
		return TRANCHE_PROBE;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + sizeof(name) > size)
		return TRANCHE_PROBE;
	memcpy(slash + 1, name, sizeof(name));
	return access(path, X_OK) == 0 ? path : TRANCHE_PROBE;
}

/* The caller's signal handling is none of the child's business. */
static int attributes_init(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int r;

	r = posix_spawnattr_init(attributes);
	if (r != 0)
		return -r;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF);
	return 0;
}

static int actions_init(posix_spawn_file_actions_t *actions, int output)
{
	int r;

	r = posix_spawn_file_actions_init(actions);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY,
					     0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, output, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, 2, "/dev/null",
						     O_WRONLY, 0);
	if (r != 0)
		posix_spawn_file_actions_destroy(actions);
	return -r;
}

static int child_spawn(struct probe *probe, const char *program,
		       const char *manifest, int output)
{
	char *argv[] = {(char *)program, (char *)manifest, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	r = attributes_init(&attributes);
	if (r < 0)
		return r;
	r = actions_init(&actions, output);
	if (r < 0)
		goto destroy_attributes;
	r = -posix_spawn(&probe->pid, program, &actions, &attributes, argv,
			 environ);
	posix_spawn_file_actions_destroy(&actions);
destroy_attributes:
	posix_spawnattr_destroy(&attributes);
	return r;
}

static int probe_start(struct probe *probe, const char *program,
		       const char *manifest)
{
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = child_spawn(probe, program, manifest, ends[1]);
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	probe->fd = ends[0];
	return 0;
}

static void probe_finish(struct probe *probe)
{
	close(probe->fd);
	probe->fd = -1;
}

static void probe_read(struct probe *probe)
{
	ssize_t count;

	count = read(probe->fd, probe->text + probe->length,
		     REPORT_BYTES - 1 - probe->length);
	if (count < 0 && errno == EINTR)
		return;
	if (count > 0)
		probe->length += (size_t)count;
	/* Full: what is longer is no report. */
	if (count <= 0 || probe->length == REPORT_BYTES - 1)
		probe_finish(probe);
}

static void probes_gather(struct probe *probes, size_t count, int64_t deadline)
{
	struct pollfd *polled;
	int64_t left;
	size_t open;

	polled = calloc(count + 1, sizeof(*polled));
	if (!polled)
		return;
	for (;;) {
		open = 0;
		for (size_t i = 0; i < count; i++) {
			polled[i].fd = probes[i].fd;
			polled[i].events = POLLIN;
			open += probes[i].fd >= 0;
		}
		left = deadline - clock_now_ms();
		if (!open || left <= 0 ||
		    (poll(polled, count, (int)left) < 0 && errno != EINTR))
			break;
		for (size_t i = 0; i < count; i++)
			if (probes[i].fd >= 0 && polled[i].revents)
				probe_read(&probes[i]);
	}
	free(polled);
}

/* False: it is still there after REAP_MS. */
static bool child_wait(pid_t pid, int *statusp)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	int64_t deadline = clock_now_ms() + REAP_MS;
	pid_t ended;

	for (;;) {
		ended = waitpid(pid, statusp, WNOHANG);
		if (ended == pid)
			return true;
		if ((ended < 0 && errno != EINTR) || clock_now_ms() > deadline)
			return false;
		nanosleep(&pause, NULL);
	}
}

/*
 * True: it ended well. One that a driver holds in the kernel even when killed
 * is given up.
 */
static bool probe_reap(struct probe *probe)
{
	bool silent = probe->fd >= 0;
	int status;

	if (silent)
		probe_finish(probe);
	else if (child_wait(probe->pid, &status))
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	kill(probe->pid, SIGKILL);
	child_wait(probe->pid, &status);
	return false;
}

static int probe_init(struct probe *probe, const char *program,
		      const char *manifest)
{
	probe->fd = -1;
	probe->text = malloc(REPORT_BYTES);
	if (!probe->text)
		return -ENOMEM;
	return probe_start(probe, program, manifest);
}

static int probe_deinit(struct probe *probe, struct report *report)
{
	bool well = probe->pid > 0 && probe_reap(probe);
	int r = 0;

	*report = (struct report){0};
	if (well) {
		probe->text[probe->length] = '\0';
		r = report_parse(probe->text, report);
	}
	free(probe->text);
	return r == -EBADMSG ? 0 : r;
}

int probe_drivers(const char *program, const struct manifest_list *manifests,
		  int64_t ms, struct report *reports)
{
	int64_t deadline = clock_now_ms() + ms;
	struct probe *probes;
	char path[4096];
	int r = 0, error;

	if (!program)
		program = program_find(path, sizeof(path));
	probes = calloc(manifests->count + 1, sizeof(*probes));
	if (!probes)
		return -ENOMEM;
	for (size_t i = 0; i < manifests->count; i++) {
		error = probe_init(&probes[i], program, manifests->paths[i]);
		if (error < 0)
			r = error;
	}
	if (r == 0)
		probes_gather(probes, manifests->count, deadline);
	for (size_t i = 0; i < manifests->count; i++) {
		error = probe_deinit(&probes[i], &reports[i]);
		if (error < 0)
			r = error;
	}
	free(probes);
	return r;
}
