/* SPDX-License-Identifier: MIT */
/*
 * gate-calls: submits one short job after the other, and counts what the gate
 * asks of the C library meanwhile that may end in a system call: how often in
 * the thread that submits, and how often in its own threads. Calls of the driver
 * are not counted, nor are locks that nobody else holds.
 *
 *   gate-calls COUNT   prints "submitter N others N"
 *
 * The functions below stand before those of the C library, because a program's
 * symbols come first; who called is told by the address to return to.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/gate/rig.h"

#define WARM 500
#define VISIBLE __attribute__((visibility("default")))

static _Thread_local bool is_submitter;
static atomic_bool counting;
static atomic_ulong by_submitter, by_others;

static bool is_gate(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) && info.dli_fname &&
	       strstr(info.dli_fname, "libtranche-gate");
}

static void count(const void *caller)
{
	if (!atomic_load(&counting) || !is_gate(caller))
		return;
	atomic_fetch_add(is_submitter ? &by_submitter : &by_others, 1);
}

/* The next definition of @name; conditions have old ones of that name too. */
static void *next_of(const char *name)
{
	void *next = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");

	return next ? next : dlsym(RTLD_NEXT, name);
}

#define COUNTED(result, name, parameters, arguments)                 \
	VISIBLE result name parameters                               \
	{                                                            \
		static result(*_Atomic next) parameters;             \
                                                                     \
		count(__builtin_return_address(0));                  \
		if (!next)                                           \
			next = (result(*) parameters)next_of(#name); \
		return next arguments;                               \
	}

COUNTED(int, pthread_cond_signal, (pthread_cond_t * cond), (cond))
COUNTED(int, pthread_cond_broadcast, (pthread_cond_t * cond), (cond))
COUNTED(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *lock),
	(cond, lock))
COUNTED(int, pthread_cond_timedwait,
	(pthread_cond_t * cond, pthread_mutex_t *lock,
	 const struct timespec *until),
	(cond, lock, until))
COUNTED(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
COUNTED(int, poll, (struct pollfd * fds, nfds_t fd_count, int timeout),
	(fds, fd_count, timeout))
COUNTED(int, eventfd_write, (int fd, eventfd_t value), (fd, value))
COUNTED(int, usleep, (useconds_t us), (us))
COUNTED(ssize_t, write, (int fd, const void *data, size_t size),
	(fd, data, size))
COUNTED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
	(fd, message, flags))
COUNTED(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags),
	(fd, message, flags))

#define COUNTED_LOCK(name, try, type)                           \
	VISIBLE int name(type *lock)                            \
	{                                                       \
		static int (*_Atomic next)(type *);             \
		int r = try(lock);                              \
                                                                \
		if (r != EBUSY)                                 \
			return r;                               \
		count(__builtin_return_address(0));             \
		if (!next)                                      \
			next = (int (*)(type *))next_of(#name); \
		return next(lock);                              \
	}

COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_trylock, pthread_mutex_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_tryrdlock, pthread_rwlock_t)

VISIBLE long syscall(long number, ...)
{
	static long (*_Atomic next)(long, ...);
	long a[6];
	va_list list;

	count(__builtin_return_address(0));
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!next)
		next = (long (*)(long, ...))next_of("syscall");
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void submit(struct rig *rig, VkCommandBuffer commands, VkFence fence,
		   unsigned long times)
{
	while (times--) {
		rig_submit(rig, (struct rig_batch){.commands = commands},
			   fence);
		rig_await(rig, fence);
	}
}

int main(int argc, char **argv)
{
	const struct rig_options options = {
		.api_version = VK_API_VERSION_1_2,
	};
	unsigned long times = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;
	VkCommandBuffer commands;
	struct rig rig;
	VkFence fence;

	if (!times) {
		fprintf(stderr, "usage: gate-calls COUNT\n");
		return 2;
	}
	rig_open(&rig, &options);
	commands = rig_record(&rig, (struct rig_job){3, 1, 1});
	fence = rig_fence(&rig);
	submit(&rig, commands, fence, WARM);
	is_submitter = true;
	atomic_store(&counting, true);
	submit(&rig, commands, fence, times);
	atomic_store(&counting, false);
	printf("submitter %lu others %lu\n", atomic_load(&by_submitter),
	       atomic_load(&by_others));
	vkDestroyFence(rig.device, fence, NULL);
	rig_close(&rig);
	return 0;
}
