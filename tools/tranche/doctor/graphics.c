// SPDX-License-Identifier: MIT
/* The GPUs, their drivers, and the version of virglrenderer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mdev/gpu/gpu.h"
#include "tools/tranche/doctor/checks.h"
#include "tools/tranche/doctor/rules.h"

/*
 * The library does not tell its version: the package manager does. Constants,
 * for they are run by a shell.
 */
static const char *const version_commands[] = {
	"dpkg-query -W -f '${Version}\\n' 'libvirglrenderer1' 2>/dev/null",
	"rpm -q --qf '%{VERSION}\\n' virglrenderer 2>/dev/null",
	"pacman -Q virglrenderer 2>/dev/null",
	"pkg-config --modversion virglrenderer 2>/dev/null",
};

static struct rules_version virglrenderer_version(void)
{
	struct rules_version version = {0};
	size_t count = sizeof(version_commands) / sizeof(*version_commands);
	char line[128];
	FILE *pipe;

	for (size_t i = 0; i < count && !version.major; i++) {
		pipe = popen(version_commands[i], "re");
		if (!pipe)
			continue;
		if (fgets(line, sizeof(line), pipe))
			version = rules_version_parse(line);
		if (pclose(pipe) != 0)
			version = (struct rules_version){0};
	}
	return version;
}

static bool cpu_is_intel(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool intel = false;
	char line[256];

	if (!file)
		return false;
	while (!intel && fgets(line, sizeof(line), file))
		intel = strncmp(line, "vendor_id", 9) == 0 &&
			strstr(line, "GenuineIntel");
	fclose(file);
	return intel;
}

static void host_fill(struct rules_host *host)
{
	struct utsname name;

	if (uname(&name) == 0)
		host->kernel = rules_version_parse(name.release);
	host->virglrenderer = virglrenderer_version();
	host->cpu_intel = cpu_is_intel();
	host->udmabuf = access("/dev/udmabuf", F_OK) == 0;
}

static void check_render_node(struct doctor_report *report,
			      const struct gpu *gpu)
{
	int fd;

	if (gpu->software)
		return;
	if (!gpu->render_node) {
		doctor_add(report, DOCTOR_FAIL, "render node",
			   "load the driver of this GPU: modprobe it, or "
			   "install its firmware (see dmesg)",
			   "%s (%s %s) has none: driver %s", gpu->address,
			   gpu->vendor, gpu->name,
			   gpu->driver ? gpu->driver : "none");
		return;
	}
	fd = open(gpu->render_node, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		doctor_add(report, DOCTOR_OK, "render node", NULL, "%s of %s",
			   gpu->render_node, gpu->address);
		return;
	}
	doctor_add(report, errno == EACCES ? DOCTOR_NOTE : DOCTOR_FAIL,
		   "render node",
		   "run this as root, or add this user to the group render",
		   "%s: cannot open %s: %s", gpu->address, gpu->render_node,
		   strerror(errno));
}

/* A display controller without Vulkan is no GPU, unless it has a render node. */
static void check_gpu(struct doctor_report *report,
		      const struct rules_host *host, const struct gpu *gpu)
{
	const struct rules_gpu rules = {
		.address = gpu->address,
		.driver = gpu->vulkan_driver,
		.exports = gpu->exports,
		.software = gpu->software,
	};

	if (!gpu->vulkan_name && !gpu->render_node) {
		doctor_add(report, DOCTOR_NOTE, "GPU",
			   "none, if it is only for a console or passed "
			   "through; else load its driver",
			   "%s (%s %s) can't be shared: it has no Vulkan",
			   gpu->address, gpu->vendor, gpu->name);
		return;
	}
	check_render_node(report, gpu);
	if (gpu->vulkan_name)
		rules_check_gpu(report, host, &rules);
	else
		doctor_add(report, DOCTOR_FAIL, "Vulkan driver",
			   "install its Vulkan driver (Debian: "
			   "mesa-vulkan-drivers), and see whether vulkaninfo "
			   "lists it",
			   "%s has none that works", gpu->address);
}

static bool is_usable(const struct gpu_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->gpus[i].vulkan_name)
			return true;
	return false;
}

void doctor_check_graphics(struct doctor_report *report)
{
	struct rules_host host = {0};
	struct gpu_list list;
	int r;

	host_fill(&host);
	rules_check_host(report, &host);
	r = gpu_list_init(&list);
	if (r < 0) {
		doctor_add(report, DOCTOR_FAIL, "GPU",
			   r == -ENOENT ? "install Tranche anew: "
					  "tranche-probe is missing"
					: "close something and try again",
			   "the GPUs can't be listed: %s", strerror(-r));
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		check_gpu(report, &host, &list.gpus[i]);
	if (!is_usable(&list))
		doctor_add(report, DOCTOR_FAIL, "GPU",
			   "install a Vulkan driver (Debian: "
			   "mesa-vulkan-drivers), and see whether vulkaninfo "
			   "lists a GPU",
			   "none with Vulkan");
	gpu_list_deinit(&list);
}
