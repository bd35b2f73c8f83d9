/* SPDX-License-Identifier: MIT */
/*
 * What tranche-probe says of the devices of one Vulkan driver, and its form on
 * the pipe: one JSON object. Both ends of the pipe use this file.
 *
 * States: a report is filled by whoever probes or by report_parse() and then
 * only read. It owns its strings. Locking: none.
 */
#ifndef MDEV_GPU_REPORT_H
#define MDEV_GPU_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_HEAPS 16
#define REPORT_DEVICES 64
/* More than any honest report has. */
#define REPORT_BYTES (256 * 1024)

struct report_heap {
	uint64_t bytes;
	bool local; /* to the device */
};

struct report_device {
	char *name;
	char *driver; /* driverName and driverInfo */
	char *library; /* path of the driver's library */
	char *pci; /* "0000:01:00.0", or NULL: the driver does not say */
	uint32_t api;
	bool has_render;
	uint32_t render_major;
	uint32_t render_minor;
	bool cpu;
	bool exports;
	size_t heap_count;
	struct report_heap heaps[REPORT_HEAPS];
};

struct report {
	size_t count;
	struct report_device devices[REPORT_DEVICES];
};

/**
 * report_format - as text, ended by a newline
 * @report: what was found
 * @textp: the text, to be freed
 *
 * Return: 0 or a negative errno.
 */
int report_format(const struct report *report, char **textp);

/**
 * report_parse - the reverse, which trusts nothing
 * @text: what came over the pipe
 * @report: filled in
 *
 * Return: 0; -EBADMSG: not a report; another negative errno.
 */
int report_parse(const char *text, struct report *report);

void report_deinit(struct report *report);

#endif
