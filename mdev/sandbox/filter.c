// SPDX-License-Identifier: MIT
#include "mdev/sandbox/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Each list ends with NULL. A name that this library does not know is new. */
static const char *const memory[] = {
	/* allocators, the loader, drivers that compile to machine code */
	"brk", "madvise", "mlock", "mlock2", "mmap", "mprotect", "mremap",
	"msync", "munlock", "munmap", "pkey_alloc", "pkey_free",
	"pkey_mprotect",
	/* blobs and shared memory, sealed */
	"memfd_create", "fallocate", "ftruncate", NULL};

static const char *const files[] = {
	/* what Landlock and the root restrict */
	"access", "faccessat", "faccessat2", "fstat", "fstatfs", "getcwd",
	"getdents64", "lstat", "newfstatat", "open", "openat", "readlink",
	"readlinkat", "stat", "statfs", "statx",
	/* folders that may be written */
	"mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink",
	"unlinkat", "umask",
	/* open ones */
	"close", "close_range", "dup", "dup2", "dup3", "fadvise64", "fcntl",
	"fdatasync", "flock", "fsync", "lseek", "pread64", "preadv", "preadv2",
	"pwrite64", "pwritev", "pwritev2", "read", "readv", "write", "writev",
	NULL};

static const char *const waiting[] = {
	/* event loops, fences, the loader's and the driver's locks */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "futex",
	"futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
	"get_robust_list", "membarrier", "pipe", "pipe2", "poll", "ppoll",
	"pselect6", "rseq", "select", "set_robust_list", "signalfd",
	"signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
	/* time */
	"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday",
	"nanosleep", "time", "timer_create", "timer_delete", "timer_getoverrun",
	"timer_gettime", "timer_settime", NULL};

static const char *const processes[] = {
	/* the server, its workers, and threads; namespaces: see below */
	"execve", "exit", "exit_group", "fork", "gettid", "getpgid", "getpgrp",
	"getpid", "getppid", "getsid", "kill", "pidfd_open",
	"pidfd_send_signal", "set_tid_address", "setpgid", "setsid", "tgkill",
	"vfork", "wait4", "waitid",
	/* signals */
	"pause", "restart_syscall", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "rt_tgsigqueueinfo", "sigaltstack",
	/* who and where am I */
	"arch_prctl", "capget", "getcpu", "getegid", "geteuid", "getgid",
	"getgroups", "getrandom", "getresgid", "getresuid", "getrlimit",
	"getrusage", "getuid", "prlimit64", "sysinfo", "times", "uname",
	/* priorities of drivers' threads; only root may raise them */
	"getpriority", "sched_get_priority_max", "sched_get_priority_min",
	"sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_setaffinity", "sched_setattr",
	"sched_setparam", "sched_setscheduler", "sched_yield", "setpriority",
	NULL};

/* To the server, its workers, and the gate's door; making some: see below. */
static const char *const sockets[] = {
	"connect",    "getpeername", "getsockname", "getsockopt", "recvfrom",
	"recvmmsg",   "recvmsg",     "sendmmsg",    "sendmsg",	  "sendto",
	"setsockopt", "shutdown",    NULL};

static const char *const *const lists[] = {memory, files, waiting, processes,
					   sockets};

/* New namespaces would bring new privileges, and with them more of the kernel. */
#define NAMESPACES                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Drivers' requests by their letter, the second byte of the number. */
static const unsigned char ioctl_letters[] = {
	'd', /* DRM */
	'b', /* dma-buf */
	'>', /* fences of the kernel */
	'u', /* udmabuf, which stands in for device memory of software drivers */
	'F', /* NVIDIA's driver */
	0, /* NVIDIA's unified memory, whose numbers have none */
	0xb9, /* the vGPU's descriptor */
};

/* Of everything: blocking or not, how much is there, is it a terminal. */
static const unsigned int ioctl_numbers[] = {FIOCLEX, FIONCLEX, FIONBIO,
					     FIONREAD, TCGETS};

static const int prctl_options[] = {
	PR_SET_NAME,	     PR_GET_NAME,	  PR_SET_PDEATHSIG,
	PR_GET_DUMPABLE,     PR_SET_DUMPABLE,	  PR_CAPBSET_READ,
	PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP,
	PR_SET_TIMERSLACK,   PR_SET_VMA, /* names of anonymous memory */
};

/* The kernel looks at 32 bits of these arguments, and so must the filter. */
#define LOW32 0xffffffffull

static int allow(scmp_filter_ctx filter, const char *name, unsigned int count,
		 const struct scmp_arg_cmp *compare)
{
	int number = seccomp_syscall_resolve_name(name);
	int r;

	if (number == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count,
				   compare);
	/* Of other architectures only, or covered by a rule before. */
	return r == -EDOM || r == -EEXIST ? 0 : r;
}

static int allow_lists(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const char *const *name = lists[i]; r == 0 && *name;
		     name++)
			r = allow(filter, *name, 0, NULL);
	return r;
}

static int allow_masked(scmp_filter_ctx filter, const char *name,
			unsigned int arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp compare =
		SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value);

	return allow(filter, name, 1, &compare);
}

static int allow_ioctls(scmp_filter_ctx filter)
{
	const size_t letters = sizeof(ioctl_letters);
	const size_t numbers = sizeof(ioctl_numbers) / sizeof(ioctl_numbers[0]);
	int r = 0;

	for (size_t i = 0; r == 0 && i < letters; i++)
		r = allow_masked(filter, "ioctl", 1, 0xff00,
				 ioctl_letters[i] << 8);
	for (size_t i = 0; r == 0 && i < numbers; i++)
		r = allow_masked(filter, "ioctl", 1, LOW32, ioctl_numbers[i]);
	return r;
}

static int allow_prctls(scmp_filter_ctx filter)
{
	const size_t count = sizeof(prctl_options) / sizeof(prctl_options[0]);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = allow_masked(filter, "prctl", 0, LOW32, prctl_options[i]);
	return r;
}

/* clone3() can't be looked into: without it the C library takes clone(). */
static int rules_add(scmp_filter_ctx filter)
{
	int r = allow_lists(filter);

	if (r == 0)
		r = allow_masked(filter, "clone", 0, NAMESPACES, 0);
	if (r == 0)
		r = allow_masked(filter, "socket", 0, LOW32, AF_UNIX);
	if (r == 0)
		r = allow_masked(filter, "socketpair", 0, LOW32, AF_UNIX);
	if (r == 0)
		r = allow_ioctls(filter);
	return r == 0 ? allow_prctls(filter) : r;
}

static int export(scmp_filter_ctx filter, struct sock_fprog *program)
{
	size_t size = 0;
	int r = seccomp_export_bpf_mem(filter, NULL, &size);

	if (r < 0)
		return r;
	program->filter = malloc(size);
	if (!program->filter)
		return -ENOMEM;
	r = seccomp_export_bpf_mem(filter, program->filter, &size);
	program->len = size / sizeof(*program->filter);
	return r;
}

int filter_make(struct sock_fprog *program)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	program->filter = NULL;
	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
			     SCMP_ACT_KILL_PROCESS);
	/* A tree, since every call pays for its place in a list. */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = rules_add(filter);
	if (r == 0)
		r = export(filter, program);
	seccomp_release(filter);
	if (r < 0)
		filter_free(program);
	return r;
}

void filter_free(struct sock_fprog *program)
{
	free(program->filter);
	program->filter = NULL;
}
