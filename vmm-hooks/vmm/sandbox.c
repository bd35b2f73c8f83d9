// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vmm-hooks/vmm/report.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* The C library's own needs: locks, memory, messages, a thread's end. */
static const int common_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(madvise),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(munmap),
	SCMP_SYS(prctl), /* a thread's name */
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(tgkill), /* abort() */
};

static int become(const char *user)
{
	const struct passwd *entry = getpwnam(user);

	if (!entry)
		return report(-ENOENT, "--user: there is no user '%s'", user);
	if (entry->pw_uid == getuid())
		return 0;
	if (initgroups(user, entry->pw_gid) < 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
		return report(-errno,
			      "--user: cannot become '%s': %s; start as root",
			      user, strerror(errno));
	return 0;
}

int sandbox_drop(const char *user)
{
	int r = user ? become(user) : 0;

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return report(-errno, "cannot give up new privileges: %s",
			      strerror(errno));
	return 0;
}

static int add(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

int sandbox_enter(const int *calls, size_t count)
{
	scmp_filter_ctx filter;
	int r;

	if (SANITIZED)
		return 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return report(-ENOMEM, "cannot make a seccomp filter");
	r = add(filter, common_calls,
		sizeof(common_calls) / sizeof(common_calls[0]));
	if (r == 0)
		r = add(filter, calls, count);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	if (r < 0)
		return report(r, "cannot enter the seccomp filter: %s",
			      strerror(-r));
	return 0;
}
