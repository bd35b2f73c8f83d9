// SPDX-License-Identifier: MIT
#include "mdev/device/server.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev/device/pace.h"

/* Where the server finds its socket. */
#define SERVER_FD 3
#define XSTR(x) #x
#define STR(x) XSTR(x)

void server_init(struct server *server, const char *path)
{
	server->path = path;
	server->pidfd = -1;
	server->pid = 0;
	pthread_mutex_init(&server->lock, NULL);
}

void server_deinit(struct server *server)
{
	pthread_mutex_destroy(&server->lock);
}

/* After fork() in a process with threads: only calls that are safe there. */
static _Noreturn void child(const char *path, int socket, pid_t parent,
			    uint64_t slack_ns, char *environment[])
{
	static char option[] = "--socket-fd", number[] = STR(SERVER_FD);
	char *const argv[] = {(char *)(uintptr_t)path, option, number, NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It may have died before we asked to die with it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    setpgid(0, 0) < 0)
		_exit(127);
	/* Of all threads that will be; without it they are only too busy. */
	prctl(PR_SET_TIMERSLACK, (unsigned long)slack_ns);
	/* dup2() onto itself would keep close-on-exec. */
	if (socket == SERVER_FD)
		socket = dup(socket);
	if (socket < 0 || dup2(socket, SERVER_FD) < 0)
		_exit(127);
	execve(path, argv, environment);
	_exit(127);
}

/*
 * This process's environment, and for a gate in the server what its threads' slack
 * is (scheduler/gate/slack.h). Nobody changes ours meanwhile. Return: the caller's
 * array, or NULL.
 */
static char **environment_new(char *slack)
{
	char **environment;
	size_t count = 0;

	while (environ[count])
		count++;
	environment = calloc(count + 2, sizeof(*environment));
	if (!environment)
		return NULL;
	environment[0] = slack;
	memcpy(environment + 1, environ, count * sizeof(*environment));
	return environment;
}

static void pid_set(struct server *server, pid_t pid)
{
	pthread_mutex_lock(&server->lock);
	server->pid = pid;
	pthread_mutex_unlock(&server->lock);
}

static int spawn(struct server *server, int socket)
{
	uint64_t slack_ns = pace_slack_ns(pace_look_ns());
	char slack[sizeof("TRANCHE_GATE_SLACK=") + 20];
	char **environment = environment_new(slack);
	pid_t parent = getpid();
	pid_t pid;

	if (!environment)
		return -ENOMEM;
	snprintf(slack, sizeof(slack), "TRANCHE_GATE_SLACK=%" PRIu64, slack_ns);
	pid = fork();
	if (pid == 0)
		child(server->path, socket, parent, slack_ns, environment);
	free(environment);
	if (pid < 0)
		return -errno;
	/* Whoever of the two comes first: it is a group before it can be ended. */
	setpgid(pid, pid);
	server->pidfd = pidfd_open(pid, 0);
	if (server->pidfd >= 0) {
		pid_set(server, pid);
		return 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -EMFILE;
}

int server_start(struct server *server)
{
	int sockets[2];
	int r;

	if (access(server->path, X_OK) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	r = spawn(server, sockets[1]);
	close(sockets[1]);
	if (r == 0)
		return sockets[0];
	close(sockets[0]);
	return r;
}

bool server_alive(const struct server *server)
{
	struct pollfd fd = {.fd = server->pidfd, .events = POLLIN};

	return server->pidfd >= 0 && poll(&fd, 1, 0) == 0;
}

void server_kill(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	if (server->pid)
		kill(-server->pid, SIGKILL);
	pthread_mutex_unlock(&server->lock);
}

/* Nowhere else do they come to us. */
static void orphans_reap(pid_t group)
{
	if (getpid() != 1)
		return;
	while (waitpid(-group, NULL, 0) > 0 || errno == EINTR)
		;
}

void server_stop(struct server *server)
{
	pid_t group = server->pid;
	siginfo_t info;

	if (server->pidfd < 0)
		return;
	server_kill(server);
	while (waitid(P_PIDFD, server->pidfd, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	/* Once it is reaped its number may be another's. */
	pid_set(server, 0);
	waitid(P_PIDFD, server->pidfd, &info, WEXITED);
	orphans_reap(group);
	close(server->pidfd);
	server->pidfd = -1;
}
