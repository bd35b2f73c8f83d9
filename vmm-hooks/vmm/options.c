// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"

#define MEMORY_MIN (64 * MIB)
#define MEMORY_MAX (4096 * GIB)
#define MEMORY_UNIT (2 * MIB)
#define CID_MIN 3

static const char usage[] =
	"Usage: tranche-vmm run --kernel FILE [OPTION]...\n"
	"\n"
	"Runs a Linux guest under KVM, with vGPUs and physical GPUs by VFIO.\n"
	"\n"
	"The guest:\n"
	"  --kernel FILE        bzImage, or vmlinux with a PVH entry\n"
	"  --initrd FILE        initial file system\n"
	"  --append TEXT        kernel command line (default: console=ttyS0)\n"
	"  --memory SIZE        such as 512M or 2G (default: 1G)\n"
	"  --hugepages          take the memory from reserved 2 MiB pages\n"
	"  --cpus N             processors, 1 to 255 (default: 1)\n"
	"  --name NAME          name of the guest in events and process lists\n"
	"\n"
	"Its devices:\n"
	"  --disk FILE[,ro]     disk image (raw) or block device; repeatable\n"
	"  --net tap=NAME|none  network by an existing tap (default: none)\n"
	"  --vsock CID          sockets to the host, 3 to 4294967294\n"
	"  --vgpu UUID          vGPU that exists (a mediated device)\n"
	"  --vgpu TYPE[@GPU]    vGPU made now and removed at exit; repeatable\n"
	"  --gpu PCI            physical device bound to vfio-pci; repeatable\n"
	"  --console stdio|pty|none\n"
	"                       where its serial port goes (default: stdio;\n"
	"                       Ctrl-A X ends the guest, Ctrl-A A sends Ctrl-A)\n"
	"\n"
	"This program:\n"
	"  --user NAME          become this user once everything is open\n"
	"  --kernel-cache DIR|none\n"
	"                       where unpacked kernels are kept for the next "
	"start\n"
	"                       (default: /var/cache/tranche-vmm for root, "
	"else\n"
	"                       ~/.cache/tranche-vmm)\n"
	"  --json-events FILE   append one JSON object a line for what happens\n"
	"  --help, --version\n"
	"\n"
	"Signals: TERM and INT press the guest's power button; a second one "
	"ends it.\n"
	"\n"
	"Exit status:\n"
	"  0  the guest powered off       2  bad input, nothing was started\n"
	"  1  the guest was ended, or     3  the guest asked for a reboot: run\n"
	"     failed                         it again\n"
	"\n"
	"Examples:\n"
	"  tranche-vmm run --kernel vmlinuz --initrd initrd.img \\\n"
	"      --append 'console=ttyS0 root=/dev/vda' --disk debian.img\n"
	"  tranche-vmm run --kernel vmlinuz --initrd initrd.img --memory 4G \\\n"
	"      --cpus 2 --net tap=tap0 --vgpu 2g.4gb\n"
	"  tranche-vmm run --kernel vmlinuz --gpu 0000:01:00.0 --user nobody\n";

/* Whole number in a range; reports and returns false otherwise. */
static bool number(const char *option, const char *text, uint64_t least,
		   uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && !errno &&
	    *value >= least && *value <= most)
		return true;
	report(-EINVAL, "%s: '%s' is not a number from %" PRIu64 " to %" PRIu64,
	       option, text, least, most);
	return false;
}

static unsigned int unit_shift(const char *unit)
{
	switch (*unit) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

static bool memory(struct options *options, const char *text)
{
	unsigned int shift;
	char *end;

	errno = 0;
	options->memory = strtoull(text, &end, 10);
	shift = unit_shift(end);
	if (isdigit((unsigned char)*text) && !errno && shift && !end[1] &&
	    options->memory <= MEMORY_MAX >> shift) {
		options->memory <<= shift;
		if (options->memory >= MEMORY_MIN &&
		    options->memory % MEMORY_UNIT == 0)
			return true;
	}
	report(-EINVAL,
	       "--memory: '%s' is not a size from 64M to 4096G in steps of 2M: "
	       "write for example 512M or 2G",
	       text);
	return false;
}

static bool disk(struct options *options, const char *text)
{
	struct options_disk *added = &options->disks[options->disk_count];
	size_t len = strlen(text);

	if (options->disk_count == OPTIONS_DISKS_MAX) {
		report(-E2BIG, "--disk: a guest takes at most %d disks",
		       OPTIONS_DISKS_MAX);
		return false;
	}
	added->read_only = len > 3 && !strcmp(text + len - 3, ",ro");
	added->path = strndup(text, added->read_only ? len - 3 : len);
	if (added->path)
		options->disk_count++;
	return added->path;
}

static bool net(struct options *options, const char *text)
{
	options->tap = NULL;
	if (!strcmp(text, "none"))
		return true;
	if (!strncmp(text, "tap=", 4) && text[4] && strlen(text + 4) < 16) {
		options->tap = text + 4;
		return true;
	}
	report(-EINVAL, "--net: '%s' is neither tap=NAME nor none", text);
	return false;
}

static bool console(struct options *options, const char *text)
{
	static const char *const names[] = {
		[OPTIONS_CONSOLE_STDIO] = "stdio",
		[OPTIONS_CONSOLE_PTY] = "pty",
		[OPTIONS_CONSOLE_NONE] = "none",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]))
			continue;
		options->console = i;
		return true;
	}
	report(-EINVAL, "--console: '%s' is not one of stdio, pty, none", text);
	return false;
}

static bool add(const char *option, const char **list, unsigned int *count,
		const char *text)
{
	if (*count == OPTIONS_VFIO_MAX) {
		report(-E2BIG, "%s: a guest takes at most %d of them", option,
		       OPTIONS_VFIO_MAX);
		return false;
	}
	list[(*count)++] = text;
	return true;
}

enum {
	KERNEL = 256,
	INITRD,
	APPEND,
	MEMORY,
	HUGEPAGES,
	CPUS,
	NAME,
	DISK,
	NET,
	VSOCK,
	VGPU,
	GPU,
	CONSOLE,
	USER,
	KERNEL_CACHE,
	EVENTS,
	HELP,
	VERSION,
};

static const struct option long_options[] = {
	{"kernel", required_argument, NULL, KERNEL},
	{"initrd", required_argument, NULL, INITRD},
	{"append", required_argument, NULL, APPEND},
	{"memory", required_argument, NULL, MEMORY},
	{"hugepages", no_argument, NULL, HUGEPAGES},
	{"cpus", required_argument, NULL, CPUS},
	{"name", required_argument, NULL, NAME},
	{"disk", required_argument, NULL, DISK},
	{"net", required_argument, NULL, NET},
	{"vsock", required_argument, NULL, VSOCK},
	{"vgpu", required_argument, NULL, VGPU},
	{"gpu", required_argument, NULL, GPU},
	{"console", required_argument, NULL, CONSOLE},
	{"user", required_argument, NULL, USER},
	{"kernel-cache", required_argument, NULL, KERNEL_CACHE},
	{"json-events", required_argument, NULL, EVENTS},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, VERSION},
	{NULL, 0, NULL, 0},
};

/* Options about this program. */
static bool take_program(struct options *options, int option, char *text)
{
	switch (option) {
	case USER:
		options->user = text;
		return true;
	case KERNEL_CACHE:
		options->files.no_kernel_cache = !strcmp(text, "none");
		options->files.kernel_cache = text;
		return true;
	case EVENTS:
		options->events = text;
		return true;
	default:
		return false;
	}
}

/* Options that describe the machine. */
static bool take_machine(struct options *options, int option, char *text)
{
	uint64_t value;

	switch (option) {
	case KERNEL:
		options->files.kernel = text;
		return true;
	case INITRD:
		options->files.initrd = text;
		return true;
	case APPEND:
		options->files.command_line = text;
		return true;
	case MEMORY:
		return memory(options, text);
	case HUGEPAGES:
		options->hugepages = true;
		return true;
	case CPUS:
		if (!number("--cpus", text, 1, OPTIONS_CPUS_MAX, &value))
			return false;
		options->cpus = value;
		return true;
	case NAME:
		options->name = text;
		return true;
	default:
		return take_program(options, option, text);
	}
}

static bool take_device(struct options *options, int option, char *text)
{
	uint64_t value;

	switch (option) {
	case DISK:
		return disk(options, text);
	case NET:
		return net(options, text);
	case VSOCK:
		if (!number("--vsock", text, CID_MIN, UINT32_MAX - 1, &value))
			return false;
		options->vsock_cid = value;
		return true;
	case VGPU:
		return add("--vgpu", options->vgpus, &options->vgpu_count,
			   text);
	case GPU:
		return add("--gpu", options->gpus, &options->gpu_count, text);
	case CONSOLE:
		return console(options, text);
	default:
		return take_machine(options, option, text);
	}
}

static enum options_result print(const char *text)
{
	fputs(text, stdout);
	return OPTIONS_DONE;
}

static enum options_result unknown(char **argv, int option)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		report(-EINVAL, "%s needs a value: see tranche-vmm --help",
		       word);
	else
		report(-EINVAL,
		       "there is no option '%s': see tranche-vmm "
		       "--help",
		       word);
	return OPTIONS_BAD;
}

static enum options_result parse_run(struct options *options, int argc,
				     char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) >=
	       0) {
		if (option == HELP)
			return print(usage);
		if (option == VERSION)
			return print("tranche-vmm " TRANCHE_VERSION "\n");
		if (option == '?' || option == ':')
			return unknown(argv, option);
		if (!take_device(options, option, optarg))
			return OPTIONS_BAD;
	}
	if (optind < argc) {
		report(-EINVAL, "'%s' is not an option: see tranche-vmm --help",
		       argv[optind]);
		return OPTIONS_BAD;
	}
	if (!options->files.kernel) {
		report(-EINVAL, "run needs --kernel: see tranche-vmm --help");
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

enum options_result options_parse(struct options *options, int argc,
				  char **argv)
{
	*options = (struct options){
		.files.command_line = "console=ttyS0",
		.memory = GIB,
		.cpus = 1,
		.name = "guest",
	};
	if (argc > 1 && !strcmp(argv[1], "run"))
		return parse_run(options, argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return print(usage);
	if (argc > 1 && !strcmp(argv[1], "--version"))
		return print("tranche-vmm " TRANCHE_VERSION "\n");
	report(-EINVAL,
	       "'%s' is not a command: the command is 'run', see "
	       "tranche-vmm --help",
	       argc > 1 ? argv[1] : "");
	return OPTIONS_BAD;
}

void options_deinit(struct options *options)
{
	for (unsigned int i = 0; i < options->disk_count; i++)
		free(options->disks[i].path);
	options->disk_count = 0;
}
