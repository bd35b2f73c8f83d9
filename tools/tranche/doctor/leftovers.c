// SPDX-License-Identifier: MIT
/* What stayed of vGPUs that the broker does not know any more. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "tools/tranche/doctor/checks.h"
#include "tools/tranche/json.h"

#define UUID_LENGTH 36

/* nftw(3) passes nothing on to its callback. */
static struct {
	struct doctor_report *report;
	sd_json_variant *vgpus;
	size_t found;
} search;

static bool is_uuid(const char *text)
{
	sd_id128_t id;

	return strlen(text) == UUID_LENGTH &&
	       sd_id128_from_string(text, &id) >= 0;
}

static bool is_known(const char *uuid)
{
	size_t count = sd_json_variant_elements(search.vgpus);

	for (size_t i = 0; i < count; i++) {
		sd_json_variant *vgpu =
			sd_json_variant_by_index(search.vgpus, i);

		if (strcasecmp(json_text(vgpu, "uuid", ""), uuid) == 0)
			return true;
	}
	return false;
}

static void tell(const char *what, const char *cure)
{
	doctor_add(search.report, DOCTOR_FAIL, "leftovers", cure, "%s", what);
	search.found++;
}

/* Those of this module: other drivers' devices are none of our business. */
static bool is_ours(const char *uuid)
{
	char path[128], target[512];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/driver", uuid);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strcmp(strrchr(target, '/') ? strrchr(target, '/') + 1 : target,
		      "tranche") == 0;
}

static void check_devices(void)
{
	DIR *folder = opendir("/sys/bus/mdev/devices");
	char what[128], cure[160];
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (!is_uuid(entry->d_name) || is_known(entry->d_name) ||
		    !is_ours(entry->d_name))
			continue;
		snprintf(what, sizeof(what),
			 "the mediated device %.36s, which the broker does not "
			 "know",
			 entry->d_name);
		snprintf(cure, sizeof(cure),
			 "echo 1 >/sys/bus/mdev/devices/%.36s/remove",
			 entry->d_name);
		tell(what, cure);
	}
	closedir(folder);
}

/* The broker gives each vGPU's processes a group named by its UUID. */
static int visit_cgroup(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	const char *name = path + ftw->base;
	char what[512], cure[512];

	(void)st;
	if (type != FTW_D || !is_uuid(name) || is_known(name))
		return 0;
	if (!strstr(path, "/vgpus/") && !strstr(path, "/tranche/"))
		return 0;
	snprintf(what, sizeof(what), "the control group %.400s", path);
	snprintf(cure, sizeof(cure), "echo 1 >%.200s/cgroup.kill; rmdir %.200s",
		 path, path);
	tell(what, cure);
	return 0;
}

static bool read_line(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length <= 0)
		return false;
	/* Arguments are separated by zeros. */
	for (ssize_t i = 0; i < length; i++)
		if (!text[i] || text[i] == '\n')
			text[i] = ' ';
	text[length] = '\0';
	return true;
}

/* A UUID that stands somewhere in a text, and is known. */
static bool names_known(const char *text)
{
	char uuid[UUID_LENGTH + 1];

	for (; strlen(text) >= UUID_LENGTH; text++) {
		memcpy(uuid, text, UUID_LENGTH);
		uuid[UUID_LENGTH] = '\0';
		if (is_uuid(uuid) && is_known(uuid))
			return true;
	}
	return false;
}

static void check_process(pid_t pid)
{
	char text[4096], what[64], cure[64];

	if (!read_line(pid, "comm", text, sizeof(text)) ||
	    strcmp(text, "tranche-vgpu ") != 0)
		return;
	if (read_line(pid, "cgroup", text, sizeof(text)) && names_known(text))
		return;
	if (read_line(pid, "cmdline", text, sizeof(text)) && names_known(text))
		return;
	snprintf(what, sizeof(what), "the device process %d of no vGPU", pid);
	snprintf(cure, sizeof(cure), "kill -KILL %d", pid);
	tell(what, cure);
}

static bool is_device_pid(pid_t pid)
{
	size_t count = sd_json_variant_elements(search.vgpus);

	for (size_t i = 0; i < count; i++)
		if (json_number(sd_json_variant_by_index(search.vgpus, i),
				"devicePid") == (uint64_t)pid)
			return true;
	return false;
}

static void check_processes(void)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0 && !is_device_pid(pid))
			check_process(pid);
	}
	closedir(folder);
}

void doctor_check_leftovers(struct doctor_report *report,
			    sd_json_variant *vgpus)
{
	if (!vgpus) {
		doctor_add(report, DOCTOR_NOTE, "leftovers",
			   "start the broker and run this again",
			   "not looked for: without the broker nobody knows "
			   "which vGPUs there are");
		return;
	}
	search.report = report;
	search.vgpus = vgpus;
	search.found = 0;
	check_devices();
	check_processes();
	nftw("/sys/fs/cgroup", visit_cgroup, 16, FTW_PHYS | FTW_MOUNT);
	if (!search.found)
		doctor_add(report, DOCTOR_OK, "leftovers", NULL, "none");
}
