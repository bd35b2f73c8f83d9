/* SPDX-License-Identifier: MIT */
/*
 * A confined process: what tranche-vgpu and all below it run in.
 *
 *   own uid and gid, no capabilities, no new privileges; own user, mount, net,
 *   pid, ipc and uts namespaces; a root that holds only what was asked for;
 *   Landlock; a seccomp filter that virglrenderer's workers and the GPU's
 *   driver get by with; a cgroup with limits of memory and processes.
 *
 * States: running (sandbox_spawn()) -> ended (its first process is gone, and
 * with it, by the pid namespace, all others). It does not end with the process
 * that started it: whoever comes next finds it again by its cgroup.
 *
 * The program is process 1 of its namespace: it gets its orphans as children,
 * and signals reach it only where it handles or blocks them.
 *
 * The caller needs CAP_SYS_ADMIN (mounts, namespaces), CAP_SETUID and
 * CAP_SETGID (maps), CAP_SYS_RESOURCE (limits), CAP_MKNOD and CAP_CHOWN
 * (devices), and write access to its cgroup folder; it must not be in a chroot.
 * It may have threads.
 *
 * Ownership: the caller owns the struct; the kernel owns the processes.
 * Locking: none.
 */
#ifndef MDEV_SANDBOX_SANDBOX_H
#define MDEV_SANDBOX_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

struct sandbox_path {
	const char *host; /* what to show */
	const char *inside; /* where; NULL: at the same place */
	int flags; /* SANDBOX_PATH_* */
};

#define SANDBOX_KILL_MS 10000

#define SANDBOX_PATH_WRITE (1 << 0)
/* A character device below /dev; there the process's own, read and write. */
#define SANDBOX_PATH_DEVICE (1 << 1)
#define SANDBOX_PATH_OPTIONAL (1 << 2) /* skip it when it is not there */
#define SANDBOX_PATH_LINK (1 << 3) /* the symbolic link, not what it names */

struct sandbox_fd {
	int host; /* descriptor of the caller's */
	int inside; /* its number there */
};

/**
 * struct sandbox_config - what a process gets
 * @name: of its cgroup, below @cgroup: a UUID
 * @cgroup: folder in the cgroup2 file system, by its whole path, made if it is
 *	    missing; its parent must be able to give the controllers memory and
 *	    pids. NULL: none
 * @uid: its user and group, inside as outside; not 0
 * @argv: program and arguments, ending with NULL; a path inside
 * @environment: NAME=VALUE, ending with NULL; nothing else is inherited
 * @paths: what its root holds, besides /dev/null and /dev/urandom; a later one
 *	   may lie in an earlier one. Only what was asked to be writable is, and
 *	   nothing in it can be executed
 * @path_count: how many
 * @fds: descriptors it gets, at 3 and above; all others are closed; 0 is
 *	 /dev/null
 * @fd_count: how many
 * @log_fd: its standard output and error
 * @memory_max: bytes; 0: no limit; else it needs @cgroup
 * @pids_max: processes and threads; 0: no limit; else it needs @cgroup
 * @memlock_max: RLIMIT_MEMLOCK in bytes
 * @files_max: RLIMIT_NOFILE
 */
struct sandbox_config {
	const char *name;
	const char *cgroup;
	uid_t uid;
	char *const *argv;
	char *const *environment;
	const struct sandbox_path *paths;
	unsigned int path_count;
	const struct sandbox_fd *fds;
	unsigned int fd_count;
	int log_fd;
	uint64_t memory_max;
	uint64_t pids_max;
	uint64_t memlock_max;
	uint64_t files_max;
};

/**
 * sandbox_spawn - start a process
 * @config: what it gets
 * @pid: its number outside
 *
 * Returns after the program has begun, with all of the above in force: what
 * can't be had is an error, nothing runs, and a line on @log_fd says what it
 * was. The process is a child of the caller, who reaps it when the pidfd says
 * that it ended: waitid(P_PIDFD).
 *
 * Return: a pidfd, the caller's, or a negative errno; -EBUSY: something runs in
 * its cgroup already.
 */
int sandbox_spawn(const struct sandbox_config *config, pid_t *pid);

/**
 * sandbox_find - a process that an earlier caller started
 * @cgroup: as in the configuration
 * @name: as in the configuration
 * @pid: its first process
 *
 * Return: a pidfd, the caller's; -ENOENT when none runs.
 */
int sandbox_find(const char *cgroup, const char *name, pid_t *pid);

/**
 * sandbox_kill - end every process of it at once, wait, and remove its cgroup
 * @cgroup: as in the configuration
 * @name: as in the configuration
 *
 * Does not reap the first process. Good after its end as well, for the cgroup.
 *
 * Return: 0, also when there is none; -ETIMEDOUT when the kernel does not get
 * rid of a process within SANDBOX_KILL_MS; another negative errno.
 */
int sandbox_kill(const char *cgroup, const char *name);

#endif
