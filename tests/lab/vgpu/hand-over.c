// SPDX-License-Identifier: MIT
/*
 * hand-over: the least broker that a vGPU needs, for tests of the device
 * process alone.
 *
 *   hand-over PCI-ADDRESS WINDOW-MIB PROGRAM [ARGUMENT]...
 *
 * Makes the GPU a parent of mediated devices with one type, "test", accepts
 * every vGPU, and starts PROGRAM for each, with " --device-fd N" behind its
 * arguments. A program that ends while its vGPU is there is started again when
 * a VMM opens the vGPU. Prints "ready" once vGPUs can be made. Ends on SIGTERM,
 * and its programs with it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kmod/uapi/tranche.h"
#include "mdev/device/layout.h"

#define MIB (1ull << 20)
#define INSTANCES 4

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

static void start(int fd, char *const *program, int count)
{
	char option[] = "--device-fd";
	char number[16];
	char **argv;

	if (fork() != 0)
		return;
	argv = calloc(count + 3, sizeof(*argv));
	if (!argv)
		err(127, "arguments");
	/* Else the children of an ignored signal could not be waited for. */
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(number, sizeof(number), "%d", fd);
	memcpy(argv, program, count * sizeof(*argv));
	argv[count] = option;
	argv[count + 1] = number;
	argv[count + 2] = NULL;
	fcntl(fd, F_SETFD, 0);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

/* Whoever serves it goes on; a vGPU without anybody gets a process. */
static void serve(int control, const struct tranche_event *event,
		  char *const *program, int count)
{
	struct tranche_vgpu_attach attach = {0};

	memcpy(attach.uuid, event->uuid, sizeof(attach.uuid));
	if (ioctl(control, TRANCHE_VGPU_ATTACH, &attach) < 0) {
		if (errno != EBUSY && errno != ENOENT)
			warn("attach %s", event->uuid);
		return;
	}
	start(attach.fd, program, count);
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

int main(int argc, char **argv)
{
	struct tranche_event event;
	int control;

	if (argc < 4)
		errx(2,
		     "usage: hand-over PCI WINDOW-MIB PROGRAM [ARGUMENT]...");
	signal(SIGCHLD, SIG_IGN);
	control = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC);
	if (control < 0)
		err(1, TRANCHE_DEVICE);
	register_parent(control, argv[1], strtoull(argv[2], NULL, 10) * MIB);
	puts("ready");
	fflush(stdout);
	while (ioctl(control, TRANCHE_EVENT_RECEIVE, &event) == 0) {
		if (event.kind == TRANCHE_EVENT_CREATE || wants_process(&event))
			serve(control, &event, argv + 3, argc - 3);
		answer(control, event.id);
	}
	err(1, "events");
}
