// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev/sandbox/cgroup.h"
#include "mdev/sandbox/child.h"
#include "mdev/sandbox/filter.h"
#include "mdev/sandbox/landlock.h"
#include "mdev/sandbox/root.h"

#define NAMESPACES                                                   \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | \
	 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static const char *const step_names[] = {
	[SANDBOX_STEP_START] = "start",
	[SANDBOX_STEP_USER] = "change of user",
	[SANDBOX_STEP_ROOT] = "new root",
	[SANDBOX_STEP_PATH] = "path",
	[SANDBOX_STEP_PIVOT] = "change of root",
	[SANDBOX_STEP_LANDLOCK] = "Landlock",
	[SANDBOX_STEP_CAPABILITIES] = "giving up capabilities",
	[SANDBOX_STEP_DESCRIPTORS] = "descriptors",
	[SANDBOX_STEP_FILTER] = "system call filter",
	[SANDBOX_STEP_EXEC] = "program",
};

static int complain(const struct sandbox_config *config, const char *what,
		    const char *name, int error)
{
	if (config->log_fd >= 0)
		dprintf(config->log_fd, "sandbox %s: %s%s%s: %s\n",
			config->name, what, name ? " " : "", name ? name : "",
			strerror(-error));
	return error;
}

static bool name_valid(const char *name)
{
	return name && *name && *name != '.' && !strchr(name, '/');
}

static int config_check(const struct sandbox_config *config)
{
	bool limited = config->memory_max || config->pids_max;

	if (!name_valid(config->name) || !config->uid || !config->argv ||
	    !config->argv[0] || !config->environment || !config->files_max ||
	    config->fd_count > SANDBOX_FDS_MAX || (limited && !config->cgroup))
		return -EINVAL;
	for (unsigned int i = 0; i < config->fd_count; i++)
		if (config->fds[i].host < 0 ||
		    config->fds[i].inside <= STDERR_FILENO)
			return -EINVAL;
	return 0;
}

/* The child of this clone has all of our memory, copied when it is touched. */
static pid_t child_clone(const struct sandbox_plan *plan, int cgroup,
			 int *pidfd)
{
	struct clone_args args = {
		.flags = NAMESPACES | CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = cgroup;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		child_main(plan);
	return pid < 0 ? -errno : pid;
}

static int map_write(pid_t pid, const char *file, uid_t id)
{
	char path[64], line[64];
	int length = snprintf(line, sizeof(line), "%u %u 1\n", id, id);
	int fd, r = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, line, length) != length)
		r = -errno;
	close(fd);
	return r;
}

static int limit_set(pid_t pid, int resource, uint64_t value)
{
	const struct rlimit limit = {value, value};

	return prlimit(pid, resource, &limit, NULL) < 0 ? -errno : 0;
}

/* What the child has no privilege for. */
static int child_prepare(const struct sandbox_config *config, pid_t pid)
{
	int r = map_write(pid, "uid_map", config->uid);

	if (r == 0)
		r = map_write(pid, "gid_map", config->uid);
	if (r == 0)
		r = limit_set(pid, RLIMIT_NOFILE, config->files_max);
	if (r == 0)
		r = limit_set(pid, RLIMIT_MEMLOCK, config->memlock_max);
	return r == 0 ? limit_set(pid, RLIMIT_CORE, 0) : r;
}

/* Exec closes the socket without a word. */
static int child_await(const struct sandbox_plan *plan)
{
	const struct sandbox_config *config = plan->config;
	struct sandbox_failure failure;
	const char *name = NULL;
	ssize_t length;

	do {
		length = read(plan->parent_end, &failure, sizeof(failure));
	} while (length < 0 && errno == EINTR);
	if (length == 0)
		return 0;
	if (length != sizeof(failure))
		return -EIO;
	if (failure.step == SANDBOX_STEP_PATH)
		name = plan->entries[failure.path].inside;
	if (failure.step == SANDBOX_STEP_EXEC)
		name = config->argv[0];
	return complain(config, step_names[failure.step], name, -failure.error);
}

static int child_run(const struct sandbox_plan *plan, pid_t pid)
{
	int r = child_prepare(plan->config, pid);

	if (r < 0)
		return complain(plan->config, "user map and limits", NULL, r);
	/* If it is gone already, its end of the socket says so. */
	send(plan->parent_end, "", 1, MSG_NOSIGNAL);
	return child_await(plan);
}

/* Whatever happened, no child stays that did not become the program. */
static void child_end(int pidfd)
{
	siginfo_t info;

	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	close(pidfd);
}

/* No handler of ours may run in the child. */
static int child_start(struct sandbox_plan *plan, int cgroup, pid_t *pid)
{
	sigset_t all, before;
	int pidfd, r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	*pid = child_clone(plan, cgroup, &pidfd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(plan->child_end);
	if (*pid < 0)
		return complain(plan->config, "new namespaces", NULL, *pid);
	r = child_run(plan, *pid);
	if (r == 0)
		return pidfd;
	child_end(pidfd);
	return r;
}

static int start_with_socket(struct sandbox_plan *plan, int cgroup, pid_t *pid)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	plan->parent_end = ends[0];
	plan->child_end = ends[1];
	r = child_start(plan, cgroup, pid);
	close(ends[0]);
	return r;
}

static int start_in_cgroup(struct sandbox_plan *plan, pid_t *pid)
{
	const struct sandbox_config *config = plan->config;
	int cgroup, r;

	if (!config->cgroup)
		return start_with_socket(plan, -1, pid);
	cgroup = cgroup_make(config);
	if (cgroup < 0)
		return complain(config, "cgroup", config->cgroup, cgroup);
	r = start_with_socket(plan, cgroup, pid);
	close(cgroup);
	if (r < 0)
		cgroup_remove(config);
	return r;
}

static int plan_make(struct sandbox_plan *plan)
{
	const char *culprit = NULL;
	int r = root_open(plan, &culprit);

	if (r < 0)
		return complain(plan->config, "path", culprit, r);
	r = landlock_make(plan);
	if (r < 0)
		return complain(plan->config, "Landlock", NULL, r);
	r = filter_make(&plan->filter);
	if (r < 0)
		return complain(plan->config, "system call filter", NULL, r);
	return 0;
}

int sandbox_spawn(const struct sandbox_config *config, pid_t *pid)
{
	struct sandbox_plan plan = {
		.config = config,
		.ruleset = -1,
		.devices = -1,
	};
	int r = config_check(config);

	if (r < 0)
		return r;
	r = plan_make(&plan);
	if (r == 0)
		r = start_in_cgroup(&plan, pid);
	filter_free(&plan.filter);
	if (plan.ruleset >= 0)
		close(plan.ruleset);
	root_close(&plan);
	return r;
}
