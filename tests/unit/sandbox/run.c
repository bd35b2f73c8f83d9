// SPDX-License-Identifier: MIT
/*
 * sandbox-run: a program in a sandbox such as a device process gets, for tests
 * and for a look at what a driver misses there.
 *
 *   sandbox-run [--gpu RENDER-NODE] [--show PATH]... PROGRAM [ARGUMENT]...
 *
 * PROGRAM is a path. VK_DRIVER_FILES stays in the environment. Exit status: the
 * program's.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev/sandbox/paths.h"

#define USER 61235

static void check(int r, const char *what)
{
	if (r < 0)
		errx(1, "%s: %s", what, strerror(-r));
}

static int parse(int argc, char **argv, struct sandbox_paths *paths)
{
	static const struct option known[] = {
		{"gpu", required_argument, NULL, 'g'},
		{"show", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (c == 'g')
			check(sandbox_paths_add_gpu(paths, optarg), optarg);
		else if (c == 's')
			check(sandbox_paths_add(paths, optarg, NULL, 0),
			      optarg);
		else
			return -1;
	}
	return optind < argc ? optind : -1;
}

static int run(const struct sandbox_config *config)
{
	siginfo_t info;
	pid_t pid;
	int pidfd = sandbox_spawn(config, &pid);

	if (pidfd < 0)
		return 1;
	if (waitid(P_PIDFD, pidfd, &info, WEXITED) < 0)
		err(1, "wait");
	return info.si_code == CLD_EXITED ? info.si_status
					  : 128 + info.si_status;
}

int main(int argc, char **argv)
{
	const char *drivers = getenv("VK_DRIVER_FILES");
	struct sandbox_paths paths = {0};
	char *environment[2] = {NULL};
	struct sandbox_config config = {
		.name = "run",
		.uid = USER,
		.environment = environment,
		.log_fd = STDOUT_FILENO,
		.files_max = 4096,
	};
	struct rlimit locked;
	int at;

	check(sandbox_paths_add_system(&paths), "paths");
	at = parse(argc, argv, &paths);
	if (at < 0)
		errx(2,
		     "usage: sandbox-run [--gpu NODE] [--show PATH]... PROGRAM");
	if (drivers && asprintf(environment, "VK_DRIVER_FILES=%s", drivers) < 0)
		err(1, "environment");
	getrlimit(RLIMIT_MEMLOCK, &locked);
	config.memlock_max = locked.rlim_max;
	config.argv = argv + at;
	config.paths = paths.list;
	config.path_count = paths.count;
	return run(&config);
}
