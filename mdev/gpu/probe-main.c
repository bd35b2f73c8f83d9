// SPDX-License-Identifier: MIT
/*
 * tranche-probe: asks one Vulkan driver about its devices and tells it as JSON.
 * Whoever needs to know runs this program, and so never loads a driver itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <signal.h>

#include "mdev/gpu/manifest.h"
#include "mdev/gpu/vulkan.h"

/* One driver, without the layers that the host's users have set up. */
static int loader_restrict(const char *manifest)
{
	if (setenv("VK_DRIVER_FILES", manifest, 1) < 0 ||
	    setenv("VK_LOADER_LAYERS_DISABLE", "~all~", 1) < 0 ||
	    unsetenv("VK_ICD_FILENAMES") < 0 ||
	    unsetenv("VK_ADD_DRIVER_FILES") < 0 ||
	    unsetenv("VK_INSTANCE_LAYERS") < 0)
		return -errno;
	return 0;
}

/* Drivers may use select(), whatever the caller's limit is. */
static int files_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur > FD_SETSIZE)
		limit.rlim_cur = FD_SETSIZE;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

/* Its parent's end ends it, and a driver's crash leaves no core file. */
static int process_bound(void)
{
	const struct rlimit none = {0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	return files_limit();
}

static int print_devices(const char *manifest, struct report *report)
{
	char *library, *text;
	int r;

	r = manifest_library(manifest, &library);
	if (r < 0)
		return r;
	r = vulkan_report(library, report);
	free(library);
	if (r < 0)
		return r;
	r = report_format(report, &text);
	report_deinit(report);
	if (r < 0)
		return r;
	r = fputs(text, stdout) < 0 || fflush(stdout) < 0 ? -EIO : 0;
	free(text);
	return r;
}

static const char *reason(int error)
{
	switch (error) {
	case -ENODEV:
		return "the driver has no device on this host";
	case -EBADMSG:
		return "no manifest of a Vulkan driver";
	default:
		return strerror(-error);
	}
}

int main(int argc, char **argv)
{
	static struct report report;
	int r;

	if (argc != 2) {
		fputs("usage: tranche-probe MANIFEST\n", stderr);
		return 2;
	}
	r = process_bound();
	if (r == 0)
		r = loader_restrict(argv[1]);
	if (r == 0)
		r = print_devices(argv[1], &report);
	if (r < 0) {
		fprintf(stderr, "tranche-probe: %s: %s\n", argv[1], reason(r));
		return r == -ENODEV ? 1 : 2;
	}
	return 0;
}
