// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vgpu.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/report.h"

#define TYPES_LEN 1024
#define REMOVE_TRIES 100
#define REMOVE_PAUSE_US 100000

/* What to make, and where. */
struct choice {
	const char *sysfs;
	char type[64];
	char gpu[64]; /* empty: any */
	char found[PATH_MAX]; /* the type's folder */
	char known[TYPES_LEN]; /* for the message when there is none */
	bool full; /* the type exists but none is left */
};

static bool is_uuid(const char *text)
{
	for (unsigned int i = 0; i < VGPU_UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[VGPU_UUID_LEN];
}

static int make_uuid(char *text)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[6] = (b[6] & 0x0f) | 0x40; /* version 4, RFC 9562 §5.4 */
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(text, VGPU_UUID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

/* Joins a path; false when it does not fit. */
__attribute__((format(printf, 2, 3))) static bool join(char *path,
						       const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	return len > 0 && len < PATH_MAX;
}

/* One line of a file in sysfs; empty when it can't be read. */
static void read_line(const char *folder, const char *file, char *line,
		      size_t size)
{
	char path[PATH_MAX];
	CLEANUP_FD int fd = -1;
	ssize_t len;

	line[0] = '\0';
	if (!join(path, "%s/%s", folder, file))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, line, size - 1);
	line[len > 0 ? len : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

static int write_text(const char *path, const char *text)
{
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* A type is called by its folder, what follows the driver's name, or name. */
static bool is_called(const char *folder, const char *id, const char *wanted)
{
	size_t id_len = strlen(id), wanted_len = strlen(wanted);
	char name[128];

	if (!strcmp(id, wanted))
		return true;
	if (id_len > wanted_len && id[id_len - wanted_len - 1] == '-' &&
	    !strcmp(id + id_len - wanted_len, wanted))
		return true;
	read_line(folder, "name", name, sizeof(name));
	return !strcmp(name, wanted);
}

static void consider_type(struct choice *choice, const char *folder,
			  const char *id, const char *gpu)
{
	size_t len = strlen(choice->known);
	char left[32];

	snprintf(choice->known + len, sizeof(choice->known) - len, "%s%s@%s",
		 len ? ", " : "", id, gpu);
	if (choice->found[0] || !is_called(folder, id, choice->type))
		return;
	read_line(folder, "available_instances", left, sizeof(left));
	if (strtoul(left, NULL, 10) > 0)
		snprintf(choice->found, sizeof(choice->found), "%s", folder);
	else
		choice->full = true;
}

static void consider_gpu(struct choice *choice, const char *gpu)
{
	char types[PATH_MAX], folder[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	if (choice->gpu[0] && !strstr(gpu, choice->gpu))
		return;
	if (!join(types, "%s/class/mdev_bus/%s/mdev_supported_types",
		  choice->sysfs, gpu))
		return;
	directory = opendir(types);
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' &&
		    join(folder, "%s/%s", types, entry->d_name))
			consider_type(choice, folder, entry->d_name, gpu);
	if (directory)
		closedir(directory);
}

static int choose(struct choice *choice)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *directory;

	if (!join(path, "%s/class/mdev_bus", choice->sysfs))
		return -ENAMETOOLONG;
	directory = opendir(path);
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			consider_gpu(choice, entry->d_name);
	if (directory)
		closedir(directory);
	if (choice->found[0])
		return 0;
	if (choice->full)
		return report(-ENOSPC,
			      "--vgpu: no vGPU of type '%s' is left: remove "
			      "one, or choose a smaller type",
			      choice->type);
	if (!choice->known[0])
		return report(-ENODEV, "--vgpu: no GPU offers vGPUs: start "
				       "tranched, then see 'tranche types'");
	return report(-ENODEV, "--vgpu: there is no type '%s': there is %s",
		      choice->type, choice->known);
}

static int parse_choice(struct choice *choice, const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text);

	if (!len || len >= sizeof(choice->type) || strchr(text, '/') ||
	    (at && strlen(at + 1) >= sizeof(choice->gpu)))
		return report(-EINVAL,
			      "--vgpu: '%s' is neither a UUID nor TYPE[@GPU]",
			      text);
	memcpy(choice->type, text, len);
	if (at)
		strcpy(choice->gpu, at + 1);
	return 0;
}

/* Waits for the other end of the pipe to close, then removes the vGPU. */
__attribute__((noreturn)) static void keep(int pipe, const char *path)
{
	char remove[PATH_MAX];
	char byte;

	if (!join(remove, "%s/remove", path))
		_exit(1);
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	for (unsigned int i = 0; i < REMOVE_TRIES; i++) {
		if (write_text(remove, "1") == 0 || access(path, F_OK) < 0)
			_exit(0);
		usleep(REMOVE_PAUSE_US);
	}
	_exit(1);
}

/* The keeper is no part of our session: what ends us must not end it. */
__attribute__((noreturn)) static void become_keeper(int pipe, const char *path)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t all;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "vgpu-keeper");
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	if (dup2(pipe, 3) < 0)
		_exit(1);
	close_range(4, UINT_MAX, 0);
	keep(3, path);
}

static int start_keeper(struct vgpu *vgpu)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	vgpu->keeper_pid = fork();
	if (vgpu->keeper_pid == 0) {
		close(ends[1]);
		become_keeper(ends[0], vgpu->path);
	}
	close(ends[0]);
	vgpu->keeper = ends[1];
	if (vgpu->keeper_pid > 0)
		return 0;
	close_fd(&vgpu->keeper);
	return -errno;
}

static int create(struct vgpu *vgpu, const struct choice *choice)
{
	char path[PATH_MAX];
	int r = make_uuid(vgpu->uuid);

	if (r < 0)
		return r;
	if (!join(vgpu->path, "%s/bus/mdev/devices/%s", choice->sysfs,
		  vgpu->uuid) ||
	    !join(path, "%s/create", choice->found))
		return -ENAMETOOLONG;
	/* First the keeper: from here on no end leaves anything behind. */
	r = start_keeper(vgpu);
	if (r == 0)
		r = write_text(path, vgpu->uuid);
	if (r < 0)
		return report(r,
			      "--vgpu: cannot make a vGPU of type '%s': "
			      "%s%s",
			      choice->type, strerror(-r),
			      r == -EACCES ? "; run as root, or give a UUID"
					   : "");
	return 0;
}

int vgpu_open(struct vgpu *vgpu, const char *sysfs, const char *text)
{
	struct choice choice = {.sysfs = sysfs};
	int r;

	*vgpu = (struct vgpu){.keeper = -1};
	if (is_uuid(text)) {
		strcpy(vgpu->uuid, text);
		join(vgpu->path, "%s/bus/mdev/devices/%s", sysfs, text);
		return 0;
	}
	r = parse_choice(&choice, text);
	if (r == 0)
		r = choose(&choice);
	if (r == 0)
		r = create(vgpu, &choice);
	if (r < 0)
		vgpu_close(vgpu);
	return r;
}

void vgpu_close(struct vgpu *vgpu)
{
	if (vgpu->keeper < 0)
		return;
	close_fd(&vgpu->keeper);
	waitpid(vgpu->keeper_pid, NULL, 0);
}
