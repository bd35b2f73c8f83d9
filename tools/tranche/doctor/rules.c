// SPDX-License-Identifier: MIT
#include "tools/tranche/doctor/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK "Vulkan driver"

struct rules_version rules_version_parse(const char *text)
{
	struct rules_version version = {0};
	char *end;

	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			continue;
		version.major = (unsigned int)strtoul(text, &end, 10);
		if (*end == '.' && isdigit((unsigned char)end[1])) {
			version.minor =
				(unsigned int)strtoul(end + 1, NULL, 10);
			return version;
		}
		text = end - 1;
	}
	return (struct rules_version){0};
}

bool rules_version_before(struct rules_version version, unsigned int major,
			  unsigned int minor)
{
	if (!version.major && !version.minor)
		return false;
	if (version.major != major)
		return version.major < major;
	return version.minor < minor;
}

static bool driver_is(const struct rules_gpu *gpu, const char *name)
{
	return strncasecmp(gpu->driver, name, strlen(name)) == 0;
}

static void check_kernel(struct doctor_report *report,
			 const struct rules_host *host)
{
	if (rules_version_before(host->kernel, 6, 12))
		doctor_add(report, DOCTOR_FAIL, "kernel",
			   "boot Linux 6.12 or later",
			   "Linux %u.%u: the module is for 6.12 and later",
			   host->kernel.major, host->kernel.minor);
	else
		doctor_add(report, DOCTOR_OK, "kernel", NULL, "Linux %u.%u",
			   host->kernel.major, host->kernel.minor);
}

static void check_virglrenderer(struct doctor_report *report,
				const struct rules_host *host)
{
	struct rules_version version = host->virglrenderer;

	if (!version.major && !version.minor)
		doctor_add(report, DOCTOR_NOTE, "virglrenderer",
			   "see that it is 1.1 or later, 1.2 for NVIDIA's "
			   "driver",
			   "its version is not known here");
	else if (rules_version_before(version, 1, 1))
		doctor_add(report, DOCTOR_FAIL, "virglrenderer",
			   "install virglrenderer 1.1 or later",
			   "version %u.%u is too old", version.major,
			   version.minor);
	else
		doctor_add(report, DOCTOR_OK, "virglrenderer", NULL,
			   "version %u.%u", version.major, version.minor);
}

void rules_check_host(struct doctor_report *report,
		      const struct rules_host *host)
{
	check_kernel(report, host);
	check_virglrenderer(report, host);
}

/* Each of these says whether it found something. */

static bool nvidia_renderer(struct doctor_report *report,
			    const struct rules_host *host,
			    const struct rules_gpu *gpu)
{
	if (!driver_is(gpu, "NVIDIA") ||
	    !rules_version_before(host->virglrenderer, 1, 2))
		return false;
	doctor_add(report, DOCTOR_FAIL, CHECK,
		   "install virglrenderer 1.2 or later",
		   "%s: with NVIDIA's driver, virglrenderer %u.%u forks after "
		   "it has loaded the driver, and no guest gets Vulkan",
		   gpu->address, host->virglrenderer.major,
		   host->virglrenderer.minor);
	return true;
}

static bool nvidia_version(struct doctor_report *report,
			   const struct rules_gpu *gpu)
{
	struct rules_version version = rules_version_parse(gpu->driver);

	if (!driver_is(gpu, "NVIDIA") ||
	    !rules_version_before(version, 570, 86))
		return false;
	doctor_add(report, DOCTOR_FAIL, CHECK,
		   "install NVIDIA's driver 570.86 or later",
		   "%s: NVIDIA's driver %u.%u can't share its memory with "
		   "guests",
		   gpu->address, version.major, version.minor);
	return true;
}

static bool radv_kernel(struct doctor_report *report,
			const struct rules_host *host,
			const struct rules_gpu *gpu)
{
	if (!driver_is(gpu, "radv") ||
	    !rules_version_before(host->kernel, 6, 13))
		return false;
	doctor_add(report, DOCTOR_FAIL, CHECK,
		   "boot Linux 6.13 or later (Debian 13: from "
		   "trixie-backports)",
		   "%s: KVM of Linux %u.%u can't map RADV's memory into guests",
		   gpu->address, host->kernel.major, host->kernel.minor);
	return true;
}

/* Memory types of guests' mappings: an Intel processor alone obeys them. */
static bool intel_kernel(struct doctor_report *report,
			 const struct rules_host *host,
			 const struct rules_gpu *gpu)
{
	bool old = rules_version_before(host->kernel, 6, 16);

	if (!host->cpu_intel ||
	    (!driver_is(gpu, "NVIDIA") && !driver_is(gpu, "radv")))
		return false;
	doctor_add(report,
		   old && driver_is(gpu, "NVIDIA") ? DOCTOR_FAIL : DOCTOR_NOTE,
		   CHECK,
		   old ? "boot Linux 6.16 or later"
		       : "let KVM honour the guest's memory types: QEMU's "
			 "-accel kvm,honor-guest-pat=on, or turn the quirk "
			 "KVM_X86_QUIRK_IGNORE_GUEST_PAT off",
		   "%s: on an Intel processor a discrete GPU's memory is "
		   "wrongly cached in guests unless KVM honours their memory "
		   "types",
		   gpu->address);
	return true;
}

static bool lavapipe_udmabuf(struct doctor_report *report,
			     const struct rules_host *host,
			     const struct rules_gpu *gpu)
{
	if (!gpu->software || gpu->exports)
		return false;
	doctor_add(report, DOCTOR_NOTE, CHECK,
		   host->udmabuf ? "give this user access to /dev/udmabuf"
				 : "load the module udmabuf, if the kernel has "
				   "it",
		   "%s: without udmabuf the software driver can't export "
		   "memory; Tranche's layer does it in its place, and guests "
		   "see Vulkan 1.2",
		   gpu->address);
	return true;
}

static bool memory_stays(struct doctor_report *report,
			 const struct rules_gpu *gpu)
{
	if (gpu->software || gpu->exports)
		return false;
	doctor_add(report, DOCTOR_NOTE, CHECK,
		   "install a later driver, one that exports host-visible "
		   "memory as dma-buf",
		   "%s: %s can't export all its memory; Tranche's layer does "
		   "it in its place, with memory of the host",
		   gpu->address, gpu->driver);
	return true;
}

void rules_check_gpu(struct doctor_report *report,
		     const struct rules_host *host, const struct rules_gpu *gpu)
{
	bool found = false;

	found |= nvidia_renderer(report, host, gpu);
	found |= nvidia_version(report, gpu);
	found |= radv_kernel(report, host, gpu);
	found |= intel_kernel(report, host, gpu);
	found |= lavapipe_udmabuf(report, host, gpu);
	found |= memory_stays(report, gpu);
	if (!found)
		doctor_add(report, DOCTOR_OK, CHECK, NULL, "%s: %s",
			   gpu->address, gpu->driver);
}
