// SPDX-License-Identifier: MIT
#include "mdev/device/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the server finds its socket. */
#define SERVER_FD 3
#define XSTR(x) #x
#define STR(x) XSTR(x)

void server_init(struct server *server, const char *path)
{
	server->path = path;
	server->pidfd = -1;
}

/* After fork() in a process with threads: only calls that are safe there. */
static _Noreturn void child(const char *path, int socket, pid_t parent)
{
	static char option[] = "--socket-fd", number[] = STR(SERVER_FD);
	char *const argv[] = {(char *)(uintptr_t)path, option, number, NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It may have died before we asked to die with it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	/* dup2() onto itself would keep close-on-exec. */
	if (socket == SERVER_FD)
		socket = dup(socket);
	if (socket < 0 || dup2(socket, SERVER_FD) < 0)
		_exit(127);
	execv(path, argv);
	_exit(127);
}

static int spawn(struct server *server, int socket)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(server->path, socket, parent);
	server->pidfd = pidfd_open(pid, 0);
	if (server->pidfd >= 0)
		return 0;
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

void server_stop(struct server *server)
{
	siginfo_t info;

	if (server->pidfd < 0)
		return;
	pidfd_send_signal(server->pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, server->pidfd, &info, WEXITED) < 0 &&
	       errno == EINTR)
		;
	close(server->pidfd);
	server->pidfd = -1;
}
