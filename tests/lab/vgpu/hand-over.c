// SPDX-License-Identifier: MIT
/*
 * hand-over: the least broker that a vGPU needs, for tests of the device
 * process alone.
 *
 *   hand-over PCI-ADDRESS RENDER-NODE WINDOW-MIB PROGRAM [ARGUMENT]...
 *
 * Makes the GPU a parent of mediated devices with one type, "test", accepts
 * every vGPU, and starts PROGRAM, a path, for each in a sandbox of its own, with
 * " --device-fd N" behind its arguments and VK_DRIVER_FILES in its environment.
 * A program that ends while its vGPU is there is started again when a VMM opens
 * the vGPU. Prints "ready" once vGPUs can be made. Ends on SIGTERM, and its
 * programs with it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmod/uapi/tranche.h"
#include "mdev/device/layout.h"
#include "mdev/sandbox/paths.h"

#define MIB (1ull << 20)
#define INSTANCES 4
#define CGROUP "/sys/fs/cgroup/hand-over"
#define FIRST_UID 60000
#define DEVICE_FD 3

/* What every vGPU gets. */
struct service {
	int control;
	char **argv;
	char *environment[4];
	struct sandbox_paths paths;
	char names[INSTANCES][TRANCHE_UUID_SIZE]; /* of vGPUs; "": free */
};

static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

static void parse_address(const char *text,
			  struct tranche_parent_register *parent)
{
	unsigned int domain, bus, device, function;

	if (sscanf(text, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
		errx(2, "'%s' is no PCI address", text);
	parent->domain = domain;
	parent->bus = bus;
	parent->devfn = device << 3 | function;
}

static void register_parent(int control, const char *address, uint64_t window)
{
	struct tranche_type type = {
		.id = "test",
		.name = "test",
		.description = "vram: all",
		.cost = 1,
		.instances = INSTANCES,
	};
	struct tranche_parent_register parent = {
		.name = "hand-over",
		.capacity = INSTANCES,
		.types = (uintptr_t)&type,
		.nr_types = 1,
	};

	parse_address(address, &parent);
	if (layout_init(&type.layout, window) < 0)
		errx(2, "no window can have %llu MiB",
		     (unsigned long long)(window / MIB));
	if (ioctl(control, TRANCHE_PARENT_REGISTER, &parent) < 0)
		err(1, "register %s", address);
}

static void check(int r, const char *what)
{
	if (r < 0)
		errx(1, "%s: %s", what, strerror(-r));
}

static void service_init(struct service *service, const char *node, int argc,
			 char **argv)
{
	static char option[] = "--device-fd", number[] = "3";
	static char cache[] = "MESA_SHADER_CACHE_DISABLE=true";
	const char *drivers = getenv("VK_DRIVER_FILES");
	char *program = strdup(argv[0]);

	service->argv = calloc(argc + 3, sizeof(*argv));
	if (!program || !service->argv)
		err(1, "arguments");
	memcpy(service->argv, argv, argc * sizeof(*argv));
	service->argv[argc] = option;
	service->argv[argc + 1] = number;
	service->environment[0] = cache;
	if (drivers && asprintf(&service->environment[1], "VK_DRIVER_FILES=%s",
				drivers) < 0)
		err(1, "environment");
	check(sandbox_paths_add_system(&service->paths), "paths");
	check(sandbox_paths_add_gpu(&service->paths, node), node);
	check(sandbox_paths_add(&service->paths, dirname(program), NULL, 0),
	      "paths");
	free(program);
}

/* The place of a vGPU in the service, whose number its user has. */
static int place(struct service *service, const char *uuid)
{
	int first_free = -1;

	for (int i = 0; i < INSTANCES; i++) {
		if (strcmp(service->names[i], uuid) == 0)
			return i;
		if (!*service->names[i] && first_free < 0)
			first_free = i;
	}
	if (first_free >= 0)
		strcpy(service->names[first_free], uuid);
	return first_free;
}

static void start(struct service *service, const char *uuid, int fd)
{
	const struct sandbox_fd given = {fd, DEVICE_FD};
	const struct sandbox_config config = {
		.name = uuid,
		.cgroup = CGROUP,
		.uid = FIRST_UID + place(service, uuid),
		.argv = service->argv,
		.environment = service->environment,
		.paths = service->paths.list,
		.path_count = service->paths.count,
		.fds = &given,
		.fd_count = 1,
		.log_fd = STDERR_FILENO,
		.memory_max = 1024 * MIB,
		.pids_max = 512,
		.memlock_max = 512 * MIB,
		.files_max = 65536,
	};
	pid_t pid;
	int pidfd;

	/* What is left of the one before. */
	sandbox_kill(CGROUP, uuid);
	pidfd = sandbox_spawn(&config, &pid);
	if (pidfd < 0)
		warnx("start: %s", strerror(-pidfd));
	else
		close(pidfd);
}

static void forget(struct service *service, const char *uuid)
{
	sandbox_kill(CGROUP, uuid);
	*service->names[place(service, uuid)] = '\0';
}

/* Whoever serves it goes on; a vGPU without anybody gets a process. */
static void serve(struct service *service, const char *uuid)
{
	struct tranche_vgpu_attach attach = {0};

	memcpy(attach.uuid, uuid, sizeof(attach.uuid));
	if (ioctl(service->control, TRANCHE_VGPU_ATTACH, &attach) < 0) {
		if (errno != EBUSY && errno != ENOENT)
			warn("attach %s", uuid);
		return;
	}
	start(service, uuid, attach.fd);
	close(attach.fd);
}

static void answer(int control, uint64_t id)
{
	const struct tranche_verdict verdict = {.id = id};

	if (id && ioctl(control, TRANCHE_EVENT_ANSWER, &verdict) < 0)
		warn("answer");
}

static bool wants_process(const struct tranche_event *event)
{
	return event->kind == TRANCHE_EVENT_STATE &&
	       event->state & TRANCHE_STATE_OPEN &&
	       !(event->state & TRANCHE_STATE_SERVED);
}

static void handle(struct service *service, const struct tranche_event *event)
{
	if (event->kind == TRANCHE_EVENT_CREATE || wants_process(event))
		serve(service, event->uuid);
	if (event->kind == TRANCHE_EVENT_REMOVED)
		forget(service, event->uuid);
	answer(service->control, event->id);
}

int main(int argc, char **argv)
{
	const struct sigaction on_end = {.sa_handler = on_term};
	struct service service = {0};
	struct tranche_event event;

	if (argc < 5)
		errx(2,
		     "usage: hand-over PCI NODE WINDOW-MIB PROGRAM [ARGUMENT]...");
	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGTERM, &on_end, NULL);
	service_init(&service, argv[2], argc - 4, argv + 4);
	service.control = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC);
	if (service.control < 0)
		err(1, TRANCHE_DEVICE);
	register_parent(service.control, argv[1],
			strtoull(argv[3], NULL, 10) * MIB);
	puts("ready");
	fflush(stdout);
	while (!ended &&
	       ioctl(service.control, TRANCHE_EVENT_RECEIVE, &event) == 0)
		handle(&service, &event);
	for (int i = 0; i < INSTANCES; i++)
		if (*service.names[i])
			forget(&service, service.names[i]);
	if (!ended)
		err(1, "events");
	return 0;
}
