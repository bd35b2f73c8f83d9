// SPDX-License-Identifier: MIT
/*
 * sandbox-inside: what tests start in a sandbox.
 *
 *   attempts PATH...  tries what must be denied; status 1 if anything is done
 *   echo              gives back what it reads from descriptor 3
 *   family            makes a child that holds descriptor 3, and waits
 *   processes         forks until it fails; prints how many there were
 *   memory            a child takes memory without end; prints how it ended
 *   environment       prints its environment, its user and its process number
 *   write PATH        writes a file and prints the error, or 0
 *   exec PATH         executes a file; prints the error
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sandbox/attempts.h"

#define GIVEN_FD 3
#define PROCESSES_MAX 4096

static int run_attempts(char **arguments)
{
	return attempts_run(arguments) ? 1 : 0;
}

static int run_echo(char **arguments)
{
	char text[256];
	ssize_t length;

	(void)arguments;
	while ((length = read(GIVEN_FD, text, sizeof(text))) > 0)
		if (write(GIVEN_FD, text, length) != length)
			return 1;
	return 0;
}

static int run_family(char **arguments)
{
	(void)arguments;
	if (fork() != 0)
		close(GIVEN_FD);
	while (pause() < 0)
		;
	return 0;
}

static int run_processes(char **arguments)
{
	int count = 0;

	(void)arguments;
	while (count < PROCESSES_MAX) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
		count++;
	}
	printf("%d\n", count);
	return 0;
}

static _Noreturn void take_memory(void)
{
	const size_t step = 1 << 20;

	for (;;) {
		char *more = mmap(NULL, step, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (more == MAP_FAILED)
			_exit(1);
		memset(more, 1, step);
	}
}

static int run_memory(char **arguments)
{
	pid_t pid = fork();
	int status;

	(void)arguments;
	if (pid == 0)
		take_memory();
	waitpid(pid, &status, 0);
	puts(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "killed"
								: "ended");
	return 0;
}

static int run_environment(char **arguments)
{
	(void)arguments;
	for (char **variable = environ; *variable; variable++)
		puts(*variable);
	printf("user %u %u process %d\n", getuid(), getgid(), getpid());
	return 0;
}

static int run_write(char **arguments)
{
	int fd = open(arguments[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0755);

	if (fd < 0 || write(fd, "#!", 2) != 2) {
		printf("%d\n", errno);
		return 0;
	}
	close(fd);
	puts("0");
	return 0;
}

static int run_exec(char **arguments)
{
	execv(arguments[0], arguments);
	printf("%d\n", errno);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **arguments);
} modes[] = {
	{"attempts", run_attempts}, {"echo", run_echo},
	{"family", run_family},	    {"processes", run_processes},
	{"memory", run_memory},	    {"environment", run_environment},
	{"write", run_write},	    {"exec", run_exec},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]);
	     i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argv + 2);
	fputs("sandbox-inside: no such mode\n", stderr);
	return 2;
}
