// SPDX-License-Identifier: MIT
#include "mdev/sandbox/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mdev/sandbox/landlock.h"
#include "mdev/sandbox/root.h"

static const char host_name[] = "sandbox";

/*
 * Until the maps are there, nothing has an owner. A parent that dies meanwhile
 * shows as the end of the stream, once its end is nowhere else.
 */
static int start(const struct sandbox_plan *plan)
{
	char go;

	close(plan->parent_end);
	if (read(plan->child_end, &go, 1) == 1)
		return 0;
	errno = ECANCELED;
	return -1;
}

/* Without a user 0 in the namespace, a change of user keeps capabilities. */
static int user_become(const struct sandbox_plan *plan)
{
	uid_t id = plan->config->uid;

	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, id, id, id) < 0 ||
	    syscall(SYS_setresuid, id, id, id) < 0)
		return -1;
	umask(077);
	return setsid() < 0 || sethostname(host_name, sizeof(host_name) - 1) < 0
		       ? -1
		       : 0;
}

static int capabilities_drop(void)
{
	/* Not SECURE_ALL_BITS, which has bits that older kernels refuse. */
	const unsigned long bits =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE |
		SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = {0};

	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -1;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	return syscall(SYS_capset, &header, none);
}

static int landlock_begin(const struct sandbox_plan *plan)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return landlock_enter(plan);
}

static int highest(const struct sandbox_config *config)
{
	int most = STDERR_FILENO;

	for (unsigned int i = 0; i < config->fd_count; i++)
		if (config->fds[i].inside > most)
			most = config->fds[i].inside;
	return most;
}

/* Out of the way of the numbers that are wanted. */
static int lift(int fd, int above)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, above + 1);
}

static int standard_set(const struct sandbox_config *config, int above)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = config->log_fd < 0 ? null : config->log_fd;

	if (null < 0)
		return -1;
	null = lift(null, above);
	log = lift(log, above);
	if (null < 0 || log < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		return -1;
	return 0;
}

/* Everything that is not asked for closes with exec. */
static int descriptors_set(const struct sandbox_plan *plan, int *report)
{
	const struct sandbox_config *config = plan->config;
	int above = highest(config);
	int lifted[SANDBOX_FDS_MAX];

	*report = lift(plan->child_end, above);
	if (*report < 0)
		return -1;
	for (unsigned int i = 0; i < config->fd_count; i++) {
		lifted[i] = lift(config->fds[i].host, above);
		if (lifted[i] < 0)
			return -1;
	}
	if (standard_set(config, above) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (unsigned int i = 0; i < config->fd_count; i++)
		if (dup2(lifted[i], config->fds[i].inside) < 0)
			return -1;
	return 0;
}

/*
 * Exec keeps what is ignored and what is blocked. The C library's sigaction()
 * takes a lock for SIGABRT, which a thread that spawned a process held when this
 * one was made, perhaps; the kernel's structure of zeros is SIG_DFL.
 */
static void signals_reset(void)
{
	const unsigned long fresh[8] = {0};
	sigset_t none;

	for (int i = 1; i < _NSIG; i++)
		syscall(SYS_rt_sigaction, i, fresh, NULL, _NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int filter_enter(const struct sandbox_plan *plan)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &plan->filter);
}

/* Return: never, or -1 with errno when a step failed. */
static int become(const struct sandbox_plan *plan,
		  struct sandbox_failure *failure, int *report)
{
	const struct sandbox_config *config = plan->config;

	failure->step = SANDBOX_STEP_START;
	if (start(plan) < 0)
		return -1;
	failure->step = SANDBOX_STEP_USER;
	if (user_become(plan) < 0 || root_enter(plan, failure) < 0)
		return -1;
	failure->step = SANDBOX_STEP_LANDLOCK;
	if (landlock_begin(plan) < 0)
		return -1;
	failure->step = SANDBOX_STEP_DESCRIPTORS;
	if (descriptors_set(plan, report) < 0)
		return -1;
	failure->step = SANDBOX_STEP_CAPABILITIES;
	if (capabilities_drop() < 0)
		return -1;
	signals_reset();
	failure->step = SANDBOX_STEP_FILTER;
	if (filter_enter(plan) < 0)
		return -1;
	failure->step = SANDBOX_STEP_EXEC;
	return execve(config->argv[0], config->argv, config->environment);
}

void child_main(const struct sandbox_plan *plan)
{
	struct sandbox_failure failure = {0};
	int report = plan->child_end;
	ssize_t written;

	become(plan, &failure, &report);
	failure.error = errno;
	written = write(report, &failure, sizeof(failure));
	_exit(written == sizeof(failure) ? 127 : 126);
}
