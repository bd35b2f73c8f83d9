// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/host.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "units/units.h"
#include "tools/tranche/message.h"

void host_kernel(char path[static HOST_PATH])
{
	struct utsname name;

	uname(&name);
	snprintf(path, HOST_PATH, "/boot/vmlinuz-%s", name.release);
}

int host_check_files(const char *kernel, const char *initrd)
{
	if (access(kernel, R_OK) < 0)
		return message_bad("cannot read the guests' kernel '%s': %s: "
				   "name one with --kernel",
				   kernel, strerror(errno));
	if (access(initrd, R_OK) < 0)
		return message_bad("cannot read the guests' image '%s': %s: "
				   "make it with tranche-guest-image, or name "
				   "one with --initrd",
				   initrd, strerror(errno));
	return 0;
}

int host_take_number(const char *option, uint64_t min, uint64_t max,
		     uint64_t *number)
{
	if (units_parse_count(optarg, min, max, number) == 0)
		return 0;
	return message_bad("%s '%s': give a whole number from %" PRIu64
			   " to %" PRIu64,
			   option, optarg, min, max);
}

static void name_keep(char name[static HOST_PATH], const char *line)
{
	const char *colon = strchr(line, ':');

	if (!colon)
		return;
	snprintf(name, HOST_PATH, "%s", colon + 1 + strspn(colon + 1, " \t"));
	name[strcspn(name, "\n")] = '\0';
}

void host_processor(char name[static HOST_PATH])
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[HOST_PATH];

	snprintf(name, HOST_PATH, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) != 0)
			continue;
		name_keep(name, line);
		break;
	}
	if (file)
		fclose(file);
}
