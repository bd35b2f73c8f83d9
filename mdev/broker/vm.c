// SPDX-License-Identifier: MIT
#include "mdev/broker/vm.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mdev/broker/settings.h"

#define MDEV_DEVICES "/sys/bus/mdev/devices"
#define ARGUMENTS_SIZE 65536

/* The files by which a vGPU can be open: its group's and its own. */
struct nodes {
	dev_t node[2];
	unsigned int count;
};

static void node_add(struct nodes *nodes, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISCHR(status.st_mode))
		nodes->node[nodes->count++] = status.st_rdev;
}

static void group_add(struct nodes *nodes, const char *uuid)
{
	char path[PATH_MAX], target[PATH_MAX], *name;
	ssize_t length;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/iommu_group", uuid);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = '\0';
	name = strrchr(target, '/');
	if (!name || strlen(name) > 16)
		return;
	snprintf(path, sizeof(path), "/dev/vfio%.16s", name);
	node_add(nodes, path);
}

static void device_add(struct nodes *nodes, const char *uuid)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/vfio-dev", uuid);
	folder = opendir(path);
	while (folder && nodes->count < 2 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.32s",
			 entry->d_name);
		node_add(nodes, path);
	}
	if (folder)
		closedir(folder);
}

static bool is_node(const struct nodes *nodes, int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, 0) < 0 || !S_ISCHR(status.st_mode))
		return false;
	for (unsigned int i = 0; i < nodes->count; i++)
		if (nodes->node[i] == status.st_rdev)
			return true;
	return false;
}

static bool has_open(const struct nodes *nodes, const char *pid)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	folder = opendir(path);
	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_node(nodes, dirfd(folder), entry->d_name);
	closedir(folder);
	return found;
}

/* The end of a string in @arguments, or their end. */
static const char *next(const char *text, const char *end)
{
	const char *nul = memchr(text, '\0', end - text);

	return nul ? nul + 1 : end;
}

static void name_copy(char name[VM_NAME_SIZE], const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length && i < VM_NAME_SIZE - 1 && text[i]; i++)
		name[i] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	/* Not within a character of several bytes. */
	while (i && i < length && (text[i] & 0xc0) == 0x80)
		i--;
	name[i] = '\0';
	for (i = 0; name[i] && !name_is_utf8(name); i++)
		if ((unsigned char)name[i] >= 0x80)
			name[i] = '?';
}

void vm_name(char name[VM_NAME_SIZE], const char *arguments, size_t length)
{
	const char *end = arguments + length, *text, *value, *program;

	name[0] = '\0';
	if (!length || arguments[length - 1])
		return;
	for (text = arguments; text < end; text = next(text, end)) {
		value = next(text, end);
		if (value == end)
			break;
		if (strcmp(text, "-name") && strcmp(text, "--name"))
			continue;
		if (!strncmp(value, "guest=", 6))
			value += 6;
		name_copy(name, value, strcspn(value, ","));
		return;
	}
	program = strrchr(arguments, '/');
	program = program ? program + 1 : arguments;
	name_copy(name, program, strlen(program));
}

static void name_read(struct vm *vm)
{
	char path[64], *arguments = malloc(ARGUMENTS_SIZE);
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", vm->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (arguments && fd >= 0)
		length = read(fd, arguments, ARGUMENTS_SIZE - 1);
	if (length > 0) {
		/* It may have been longer than this. */
		arguments[length] = '\0';
		vm_name(vm->name, arguments, length + 1);
	}
	if (fd >= 0)
		close(fd);
	free(arguments);
}

int vm_find(struct vm *vm, const char *uuid)
{
	struct nodes nodes = {.count = 0};
	struct dirent *entry;
	DIR *processes;

	*vm = (struct vm){0};
	group_add(&nodes, uuid);
	device_add(&nodes, uuid);
	processes = nodes.count ? opendir("/proc") : NULL;
	if (!processes)
		return -ENOENT;
	while (!vm->pid && (entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    has_open(&nodes, entry->d_name))
			vm->pid = atoi(entry->d_name);
	closedir(processes);
	if (!vm->pid)
		return -ENOENT;
	name_read(vm);
	return 0;
}
