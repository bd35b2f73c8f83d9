/* SPDX-License-Identifier: MIT */
/*
 * Which versions of kernel, virglrenderer and GPU driver do not go together.
 * Pure: judges what it is given.
 */
#ifndef TRANCHE_DOCTOR_RULES_H
#define TRANCHE_DOCTOR_RULES_H

#include <stdbool.h>

#include "tools/tranche/doctor/report.h"

struct rules_version {
	unsigned int major;
	unsigned int minor; /* both 0: not known */
};

struct rules_host {
	struct rules_version kernel;
	struct rules_version virglrenderer;
	bool cpu_intel;
	bool udmabuf; /* /dev/udmabuf is there */
};

/**
 * struct rules_gpu - what matters of one
 * @address: for the finding
 * @driver: Vulkan's driverName and driverInfo, such as "radv Mesa 25.0.7"
 * @exports: its host-visible memory can be exported
 * @software: it runs on the processor
 */
struct rules_gpu {
	const char *address;
	const char *driver;
	bool exports;
	bool software;
};

/**
 * rules_version_parse - the first two numbers of a text
 * @text: such as "6.12.117+deb13-amd64" or "Mesa 25.0.7-2"
 *
 * Return: the version; 0.0 when there is none.
 */
struct rules_version rules_version_parse(const char *text);

/* rules_version_before - whether a version is older; one not known is not */
bool rules_version_before(struct rules_version version, unsigned int major,
			  unsigned int minor);

/* rules_check_host - what holds for every GPU */
void rules_check_host(struct doctor_report *report,
		      const struct rules_host *host);

/* rules_check_gpu - this GPU's driver on this host */
void rules_check_gpu(struct doctor_report *report,
		     const struct rules_host *host,
		     const struct rules_gpu *gpu);

#endif
