// SPDX-License-Identifier: MIT
/*
 * stand.c - registers the lab host's GPU, or any PCI device that has a driver
 * and that nobody minds, and accepts whatever is made of it
 */
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mdev/transport/sample.h"
#include "tests/lab/kmod/check.h"
#include "tests/lab/kmod/stand.h"

/**
 * file_write() - write a file of sysfs
 * @path: the file
 * @value: what
 *
 * Return: 0 or a negative errno
 */
int file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/**
 * file_read() - read a file of sysfs, without the final newline
 * @path: the file
 * @value: gets it
 * @size: of @value
 *
 * Return: 0 or a negative errno
 */
int file_read(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, value, size - 1);
	close(fd);
	if (length < 0)
		return -errno;
	value[length] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

/**
 * stand_pci() - choose the parent: a source of random numbers, because nobody
 * minds if its driver comes and goes, or with TRANCHE_TEST_GPU the display
 * @pci: gets its address
 * @size: of @pci
 */
void stand_pci(char *pci, size_t size)
{
	const char *wanted = getenv("TRANCHE_TEST_GPU") ? "0x03" : "0x00ff";
	char path[128], class[32], driver[PATH_MAX];
	glob_t found;
	size_t i;

	CHECK(!glob("/sys/bus/pci/devices/*/driver", 0, NULL, &found));
	pci[0] = '\0';
	for (i = 0; i < found.gl_pathc; i++) {
		const char *address = found.gl_pathv[i] + 21;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.12s/class",
			 address);
		CHECK(!file_read(path, class, sizeof(class)));
		CHECK(realpath(found.gl_pathv[i], driver));
		if (!strcmp(basename(driver), "vfio-pci") ||
		    strncmp(class, wanted, strlen(wanted)))
			continue;
		snprintf(pci, size, "%.12s", address);
	}
	globfree(&found);
	CHECK(pci[0]);
}

static void type_fill(struct tranche_type *type, const char *name,
		      uint64_t cost, const char *weight)
{
	const uint32_t both = TRANCHE_REGION_READ | TRANCHE_REGION_WRITE;
	struct tranche_layout *layout = &type->layout;

	memset(type, 0, sizeof(*type));
	snprintf(type->id, sizeof(type->id), "%s", name);
	snprintf(type->name, sizeof(type->name), "sample-%s", name);
	snprintf(type->description, sizeof(type->description),
		 "cost: %u\nkind: sample", (unsigned int)cost);
	snprintf(type->values[0], sizeof(type->values[0]), "%s", weight);
	type->cost = cost;
	type->instances = STAND_CAPACITY;
	layout->regions[SAMPLE_BAR] =
		(struct tranche_region){SAMPLE_BAR_SIZE, both, 0};
	layout->regions[SAMPLE_MSIX_BAR] =
		(struct tranche_region){SAMPLE_MSIX_SIZE, both, 0};
	layout->regions[SAMPLE_WINDOW_BAR] =
		(struct tranche_region){SAMPLE_WINDOW_SIZE, both, 0};
	layout->regions[SAMPLE_CONFIG] = (struct tranche_region){256, both, 0};
	layout->irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	layout->irqs[VFIO_PCI_MSIX_IRQ_INDEX] = SAMPLE_VECTORS;
	layout->window_region = SAMPLE_WINDOW_BAR;
	layout->window_size = SAMPLE_WINDOW_SIZE;
}

static void answer(struct stand *stand, const struct tranche_event *event)
{
	struct tranche_verdict verdict = {.id = event->id};

	if (event->kind == TRANCHE_EVENT_CREATE)
		verdict.error = stand->verdict;
	else if (!strncmp(event->value, "bad", 3))
		verdict.error = EDOM;
	if (!stand->silent)
		(void)ioctl(stand->control, TRANCHE_EVENT_ANSWER, &verdict);
}

static void note(struct stand *stand, const struct tranche_event *event)
{
	pthread_mutex_lock(&stand->lock);
	switch (event->kind) {
	case TRANCHE_EVENT_CREATE:
	case TRANCHE_EVENT_ATTRIBUTE:
		answer(stand, event);
		break;
	case TRANCHE_EVENT_STATE:
		stand->last = *event;
		stand->existing += !!(event->flags & TRANCHE_EVENT_EXISTING);
		if (stand->changed)
			stand->changed(stand, event);
		break;
	case TRANCHE_EVENT_REMOVED:
		stand->removed++;
		break;
	case TRANCHE_EVENT_PARENT_GONE:
		stand->gone++;
		break;
	}
	pthread_mutex_unlock(&stand->lock);
}

static void *listen_thread(void *opaque)
{
	struct stand *stand = opaque;
	struct pollfd polled = {.fd = stand->control, .events = POLLIN};
	struct tranche_event event;

	for (;;) {
		/* The only place where this thread can be cancelled. */
		poll(&polled, 1, -1);
		while (!ioctl(stand->control, TRANCHE_EVENT_RECEIVE, &event))
			note(stand, &event);
	}
	return NULL;
}

static void listen_start(struct stand *stand)
{
	glob_t found;
	char path[128];

	CHECK(!pthread_mutex_init(&stand->lock, NULL));
	CHECK(!pthread_create(&stand->thread, NULL, listen_thread, stand));
	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/mdev_supported_types/*-" STAND_TYPE,
		 stand->pci);
	CHECK(!glob(path, 0, NULL, &found));
	snprintf(stand->types, sizeof(stand->types), "%.*s",
		 (int)(strlen(found.gl_pathv[0]) - strlen(STAND_TYPE)),
		 found.gl_pathv[0]);
	globfree(&found);
}

static void stand_open(struct stand *stand)
{
	memset(stand, 0, sizeof(*stand));
	stand_pci(stand->pci, sizeof(stand->pci));
	stand->control = open(TRANCHE_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	CHECK(stand->control >= 0);
}

/**
 * stand_begin() - become the broker of a new parent
 * @stand: the broker
 * @timeout_ms: both time-outs
 */
void stand_begin(struct stand *stand, uint32_t timeout_ms)
{
	struct tranche_attribute attributes[] = {
		{"weight"},
		{"tenant"},
	};
	struct tranche_type types[2];
	struct tranche_parent_register args = {
		.name = "test",
		.capacity = STAND_CAPACITY,
		.types = (uintptr_t)types,
		.nr_types = 2,
		.attributes = (uintptr_t)attributes,
		.nr_attributes = 2,
		.access_timeout_ms = timeout_ms,
		.verdict_timeout_ms = timeout_ms,
	};
	unsigned int domain, bus, device, function;

	type_fill(&types[0], STAND_TYPE, 1, "100");
	type_fill(&types[1], STAND_BIG, 4, "400");
	stand_open(stand);
	CHECK(sscanf(stand->pci, "%x:%x:%x.%x", &domain, &bus, &device,
		     &function) == 4);
	args.domain = domain;
	args.bus = bus;
	args.devfn = device << 3 | function;
	CHECK(!ioctl(stand->control, TRANCHE_PARENT_REGISTER, &args));
	stand->parent = args.parent;
	listen_start(stand);
}

/**
 * stand_attach() - become the broker of the parent that is there
 * @stand: the broker
 *
 * Return: how many vGPUs it has
 */
int stand_attach(struct stand *stand)
{
	struct tranche_parent_attach args = {.name = "test"};

	stand_open(stand);
	CHECK(!ioctl(stand->control, TRANCHE_PARENT_ATTACH, &args));
	stand->parent = args.parent;
	listen_start(stand);
	return args.nr_vgpus;
}

/**
 * stand_leave() - die as a broker; the parent stays
 * @stand: the broker
 */
void stand_leave(struct stand *stand)
{
	pthread_cancel(stand->thread);
	pthread_join(stand->thread, NULL);
	close(stand->control);
}

/**
 * stand_end() - unregister the parent
 * @stand: the broker
 */
void stand_end(struct stand *stand)
{
	struct tranche_parent_unregister args = {.parent = stand->parent};

	CHECK(!ioctl(stand->control, TRANCHE_PARENT_UNREGISTER, &args));
	stand_leave(stand);
}

/**
 * stand_uuid() - make a UUID up
 * @uuid: gets it
 */
void stand_uuid(char *uuid)
{
	CHECK(!file_read("/proc/sys/kernel/random/uuid", uuid,
			 TRANCHE_UUID_SIZE));
}

/**
 * stand_create() - make a vGPU, as mdevctl does
 * @stand: the broker
 * @type: STAND_TYPE or STAND_BIG
 * @uuid: its name
 */
int stand_create(struct stand *stand, const char *type, const char *uuid)
{
	char path[192];

	snprintf(path, sizeof(path), "%s%s/create", stand->types, type);
	return file_write(path, uuid);
}

/**
 * stand_remove() - remove a vGPU
 * @uuid: its name
 */
int stand_remove(const char *uuid)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", uuid);
	return file_write(path, "1");
}

/**
 * stand_available() - read available_instances
 * @stand: the broker
 * @type: STAND_TYPE or STAND_BIG
 */
int stand_available(struct stand *stand, const char *type)
{
	char path[192], value[32];

	snprintf(path, sizeof(path), "%s%s/available_instances", stand->types,
		 type);
	CHECK(!file_read(path, value, sizeof(value)));
	return atoi(value);
}

/**
 * stand_serve() - get a vGPU's descriptor
 * @stand: the broker
 * @uuid: of the vGPU
 * @flags: TRANCHE_ATTACH_*
 *
 * Return: it, or a negative errno
 */
int stand_serve(struct stand *stand, const char *uuid, uint32_t flags)
{
	struct tranche_vgpu_attach args = {.flags = flags};

	snprintf(args.uuid, sizeof(args.uuid), "%s", uuid);
	if (ioctl(stand->control, TRANCHE_VGPU_ATTACH, &args))
		return -errno;
	return args.fd;
}

/**
 * stand_device() - start a sample device
 * @stand: the broker
 * @uuid: of the vGPU
 * @flags: TRANCHE_ATTACH_*
 */
pid_t stand_device(struct stand *stand, const char *uuid, uint32_t flags)
{
	int fd = stand_serve(stand, uuid, flags);
	char text[16];
	pid_t pid;

	errno = -fd;
	CHECK(fd >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CHECK(!fcntl(fd, F_SETFD, 0));
		snprintf(text, sizeof(text), "%d", fd);
		execlp("tranche-sample-device", "tranche-sample-device", text,
		       NULL);
		_exit(127);
	}
	close(fd);
	return pid;
}
