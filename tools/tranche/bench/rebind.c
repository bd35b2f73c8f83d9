// SPDX-License-Identifier: MIT
#include "tools/tranche/bench/rebind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/tranche/message.h"

#define DEVICES "/sys/bus/pci/devices"
#define VFIO_DRIVER "vfio-pci"

/* The keeper's word that the device is taken. */
#define TAKEN '+'

static int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void driver_read(const char *address, char *name, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX] = "";
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "/%s/driver", address);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		target[0] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : "");
}

static bool is_bound(const char *address, const char *driver)
{
	char now[NAME_MAX + 1];

	driver_read(address, now, sizeof(now));
	return strcmp(now, driver) == 0;
}

/* @override: which driver alone may have it; "\n" for any. */
static int device_move(const char *address, const char *override,
		       const char *driver)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), DEVICES "/%s/driver_override", address);
	r = file_write(path, override);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), DEVICES "/%s/driver/unbind", address);
	r = file_write(path, address);
	if (r < 0 && r != -ENOENT)
		return r;
	r = file_write("/sys/bus/pci/drivers_probe", address);
	if (r < 0)
		return r;
	return is_bound(address, driver) ? 0 : -ENXIO;
}

/*
 * What the keeper does, from beginning to end. It must not be killed with its
 * parent's group, and not by what ends the parent.
 */
static int keeper_main(const char *address, int hold, int answer)
{
	char driver[NAME_MAX + 1], byte;
	int r;

	setsid();
	signal(SIGPIPE, SIG_IGN);
	driver_read(address, driver, sizeof(driver));
	r = device_move(address, VFIO_DRIVER, VFIO_DRIVER);
	if (r == 0) {
		byte = TAKEN;
		r = write(answer, &byte, 1) == 1 ? 0 : -errno;
		while (read(hold, &byte, 1) < 0 && errno == EINTR)
			;
	}
	if (driver[0])
		r = device_move(address, "\n", driver);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void keeper_start(struct rebind *rebind, const char *address, int hold,
			 int answer)
{
	rebind->keeper = fork();
	if (rebind->keeper != 0)
		return;
	/* Its own copy of this end would keep it from seeing the other's end. */
	close(rebind->hold);
	_exit(keeper_main(address, hold, answer));
}

static int keeper_wait(struct rebind *rebind)
{
	int status;

	while (waitpid(rebind->keeper, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int taken_wait(struct rebind *rebind, const char *address, int answer)
{
	char byte = 0;
	ssize_t n;

	do
		n = read(answer, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1 && byte == TAKEN)
		return 0;
	close(rebind->hold);
	keeper_wait(rebind);
	return message_bad("%s can't be given to vfio-pci: load it with "
			   "'modprobe vfio-pci', and end what uses the GPU",
			   address);
}

int rebind_take(struct rebind *rebind, const char *address)
{
	int hold[2], answer[2], r;

	if (pipe2(hold, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(answer, O_CLOEXEC) < 0) {
		r = -errno;
		close(hold[0]);
		close(hold[1]);
		return r;
	}
	rebind->hold = hold[1];
	fflush(NULL);
	keeper_start(rebind, address, hold[0], answer[1]);
	r = rebind->keeper < 0 ? -errno : 0;
	close(hold[0]);
	close(answer[1]);
	if (r == 0)
		r = taken_wait(rebind, address, answer[0]);
	else
		close(rebind->hold);
	close(answer[0]);
	return r;
}

int rebind_return(struct rebind *rebind)
{
	int r;

	close(rebind->hold);
	r = keeper_wait(rebind);
	if (r < 0)
		message_error("the GPU did not go back to its driver: see "
			      "'dmesg', and bind it by hand");
	return r;
}
