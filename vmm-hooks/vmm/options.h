/* SPDX-License-Identifier: MIT */
/*
 * The command line of tranche-vmm, checked. Strings point into argv.
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm-hooks/vmm/boot.h"

#define OPTIONS_DISKS_MAX 16
#define OPTIONS_VFIO_MAX 8
#define OPTIONS_CPUS_MAX 255

enum options_console {
	OPTIONS_CONSOLE_STDIO,
	OPTIONS_CONSOLE_PTY,
	OPTIONS_CONSOLE_NONE,
};

struct options_disk {
	char *path; /* owned */
	bool read_only;
};

struct options {
	struct boot_files files;
	uint64_t memory; /* bytes */
	bool hugepages;
	unsigned int cpus;
	struct options_disk disks[OPTIONS_DISKS_MAX];
	unsigned int disk_count;
	const char *tap; /* NULL: no network */
	uint32_t vsock_cid; /* 0: none */
	const char *vgpus[OPTIONS_VFIO_MAX]; /* UUID, or TYPE[@GPU] */
	unsigned int vgpu_count;
	const char *gpus[OPTIONS_VFIO_MAX]; /* PCI addresses */
	unsigned int gpu_count;
	enum options_console console;
	const char *name;
	const char *events; /* NULL: none */
	const char *user; /* NULL: stay who we are */
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* help or version was printed */
	OPTIONS_BAD, /* reported */
};

/**
 * options_parse - read the command line; reports what is wrong with it
 * @options: what to fill
 * @argc: as in main()
 * @argv: as in main()
 *
 * Return: what to do next.
 */
enum options_result options_parse(struct options *options, int argc,
				  char **argv);
void options_deinit(struct options *options);

#endif
