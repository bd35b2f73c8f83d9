// SPDX-License-Identifier: MIT
#include "tests/unit/sandbox/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* An attempt's result is that of a system call: negative with errno. */

static int socket_of(int domain, int type)
{
	return socket(domain, type | SOCK_CLOEXEC, 0);
}

static int try_inet(void)
{
	return socket_of(AF_INET, SOCK_STREAM);
}

static int try_inet6(void)
{
	return socket_of(AF_INET6, SOCK_DGRAM);
}

static int try_netlink(void)
{
	return socket_of(AF_NETLINK, SOCK_RAW);
}

static int try_packet(void)
{
	return socket_of(AF_PACKET, SOCK_RAW);
}

static int try_abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket_of(AF_UNIX, SOCK_STREAM);

	strcpy(address.sun_path + 1, ATTEMPT_ABSTRACT);
	if (fd < 0)
		return -1;
	return connect(fd, (struct sockaddr *)&address,
		       offsetof(struct sockaddr_un, sun_path) + 1 +
			       strlen(ATTEMPT_ABSTRACT));
}

/* A neighbour in the same sandbox, for as long as an attempt lasts. */
static int with_neighbour(int (*attempt)(pid_t pid))
{
	pid_t pid = fork();
	int r, error;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	r = attempt(pid);
	error = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	errno = error;
	return r;
}

static int ptrace_of(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

static int try_ptrace(void)
{
	return with_neighbour(ptrace_of);
}

static int memory_of(pid_t pid)
{
	char here[16], there[16];
	struct iovec local = {here, sizeof(here)};
	struct iovec remote = {there, sizeof(there)};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static int try_memory(void)
{
	return with_neighbour(memory_of);
}

static int memory_write_of(pid_t pid)
{
	char here[16] = "", there[16];
	struct iovec local = {here, sizeof(here)};
	struct iovec remote = {there, sizeof(there)};

	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

static int try_memory_write(void)
{
	return with_neighbour(memory_write_of);
}

static int memory_file_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int try_memory_file(void)
{
	return with_neighbour(memory_file_of);
}

static int descriptor_of(pid_t pid)
{
	return pidfd_getfd(pidfd_open(pid, 0), STDOUT_FILENO, 0);
}

static int try_descriptor(void)
{
	return with_neighbour(descriptor_of);
}

/* What nobody gave us: all but the standard ones and the first given one. */
static int try_inherited(void)
{
	for (int fd = 4; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd;
	return -1;
}

static int try_root_list(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int create(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		unlink(path);
	return fd;
}

static int try_create_root(void)
{
	return create("/attempt");
}

static int try_create_dev(void)
{
	return create("/dev/attempt");
}

static int try_mknod(void)
{
	int r = mknod("/dev/attempt", S_IFCHR | 0600, makedev(1, 3));

	unlink("/dev/attempt");
	return r;
}

static int try_mount(void)
{
	return mount(NULL, "/", NULL, MS_PRIVATE, NULL);
}

static int try_fsopen(void)
{
	return fsopen("tmpfs", FSOPEN_CLOEXEC);
}

static int try_open_tree(void)
{
	return open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int try_chroot(void)
{
	return chroot("/");
}

/* In a process of its own, since it changes what it succeeds in. */
static int in_child(int (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attempt() < 0 ? errno : 0);
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return errno ? -1 : 0;
}

static int unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static int try_unshare_user(void)
{
	return in_child(unshare_user);
}

static int unshare_mount(void)
{
	return unshare(CLONE_NEWNS);
}

static int try_unshare_mount(void)
{
	return in_child(unshare_mount);
}

static int try_clone_user(void)
{
	pid_t pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static int try_clone3(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static int try_setuid(void)
{
	return setuid(0);
}

static int try_setgroups(void)
{
	return syscall(SYS_setgroups, 0, NULL);
}

static int try_capset(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	errno = EPERM;
	return data[0].permitted || data[1].permitted ? 0 : -1;
}

/* Programs that gain privileges by being executed would count again. */
static int try_new_privileges(void)
{
	errno = EPERM;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? -1 : 0;
}

static int try_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int try_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
		       KEY_SPEC_SESSION_KEYRING, 1);
}

static int try_io_uring(void)
{
	struct io_uring_params params = {0};

	return syscall(SYS_io_uring_setup, 1, &params);
}

static int try_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static int try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC);
}

static int try_kernel_log(void)
{
	return klogctl(10, NULL, 0);
}

static int try_module(void)
{
	int r = syscall(SYS_finit_module, -1, "", 0);

	/* That far it must not come. */
	return r < 0 && errno == EBADF ? 0 : r;
}

/* The kernel takes 32 bits of the number; a filter might take more. */
static int try_terminal_input(void)
{
	int r = syscall(SYS_ioctl, STDIN_FILENO, 0x100005412ul, "x");

	return r < 0 && (errno == ENOTTY || errno == EIO) ? 0 : r;
}

#ifdef __x86_64__
static int other_abi(void)
{
	int number = 20, result; /* getpid */

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(number) : "memory");
	return result;
}

static int try_other_abi(void)
{
	return in_child(other_abi);
}
#endif

static const struct {
	const char *name;
	int (*attempt)(void);
} attempts[] = {
	/* First: attempts leave descriptors open. */
	{"inherited-descriptor", try_inherited},
	{"socket-inet", try_inet},
	{"socket-inet6", try_inet6},
	{"socket-netlink", try_netlink},
	{"socket-packet", try_packet},
	{"socket-abstract", try_abstract},
	{"ptrace-neighbour", try_ptrace},
	{"read-neighbour", try_memory},
	{"write-neighbour", try_memory_write},
	{"proc-neighbour", try_memory_file},
	{"descriptor-of-neighbour", try_descriptor},
	{"list-root", try_root_list},
	{"create-in-root", try_create_root},
	{"create-in-dev", try_create_dev},
	{"mknod", try_mknod},
	{"mount", try_mount},
	{"fsopen", try_fsopen},
	{"open-tree", try_open_tree},
	{"chroot", try_chroot},
	{"unshare-user", try_unshare_user},
	{"unshare-mount", try_unshare_mount},
	{"clone-user", try_clone_user},
	{"clone3", try_clone3},
	{"setuid", try_setuid},
	{"setgroups", try_setgroups},
	{"capabilities", try_capset},
	{"new-privileges", try_new_privileges},
	{"bpf", try_bpf},
	{"keyctl", try_keyctl},
	{"io-uring", try_io_uring},
	{"perf", try_perf},
	{"userfaultfd", try_userfaultfd},
	{"kernel-log", try_kernel_log},
	{"module", try_module},
	{"terminal-input", try_terminal_input},
#ifdef __x86_64__
	{"other-abi", try_other_abi},
#endif
};

/* By either way in: a file, or a socket that somebody listens on. */
static int reach(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 || errno != ENXIO)
		return fd;
	fd = socket_of(AF_UNIX, SOCK_STREAM);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return fd < 0 ? -1
		      : connect(fd, (struct sockaddr *)&address,
				sizeof(address));
}

static int tell(const char *name, int r)
{
	if (r >= 0)
		printf("%s done\n", name);
	else
		printf("%s denied: %s\n", name, strerror(errno));
	return r >= 0;
}

int attempts_run(char *const *paths)
{
	int done = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		done += tell(attempts[i].name, attempts[i].attempt());
	for (; *paths; paths++)
		done += tell(*paths, reach(*paths));
	return done;
}
