// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tranche/doctor/rules.h"

static const struct rules_host new_host = {
	.kernel = {7, 0},
	.virglrenderer = {1, 3},
	.udmabuf = true,
};

static const struct rules_host trixie = {
	.kernel = {6, 12},
	.virglrenderer = {1, 1},
};

static enum doctor_level worst(const struct doctor_report *report)
{
	enum doctor_level level = DOCTOR_OK;

	assert_false(report->incomplete);
	assert_true(report->count > 0);
	for (size_t i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		if (finding->level > level)
			level = finding->level;
		/* What is not well has a cure. */
		assert_true(finding->level == DOCTOR_OK || finding->cure);
	}
	return level;
}

static enum doctor_level gpu_level(const struct rules_host *host,
				   const char *driver, bool exports,
				   bool software)
{
	const struct rules_gpu gpu = {
		.address = "0000:01:00.0",
		.driver = driver,
		.exports = exports,
		.software = software,
	};
	struct doctor_report report = {0};
	enum doctor_level level;

	rules_check_gpu(&report, host, &gpu);
	level = worst(&report);
	doctor_report_deinit(&report);
	return level;
}

static enum doctor_level host_level(struct rules_host host)
{
	struct doctor_report report = {0};
	enum doctor_level level;

	rules_check_host(&report, &host);
	level = worst(&report);
	doctor_report_deinit(&report);
	return level;
}

static void check_version(const char *text, unsigned int major,
			  unsigned int minor)
{
	struct rules_version version = rules_version_parse(text);

	assert_int_equal(version.major, major);
	assert_int_equal(version.minor, minor);
}

static void versions_are_read(void **state)
{
	(void)state;
	check_version("6.12.117+deb13-amd64", 6, 12);
	check_version("radv Mesa 25.0.7-2+deb13u1", 25, 0);
	check_version("NVIDIA 570.86.10", 570, 86);
	check_version("1.1.0-2", 1, 1);
	check_version("v2 x86 3.4", 3, 4);
	check_version("none", 0, 0);
	check_version("", 0, 0);
	check_version("7", 0, 0);
}

static void host_needs_versions(void **state)
{
	struct rules_host host = new_host;

	(void)state;
	assert_int_equal(host_level(new_host), DOCTOR_OK);
	assert_int_equal(host_level(trixie), DOCTOR_OK);
	host.kernel = (struct rules_version){6, 1};
	assert_int_equal(host_level(host), DOCTOR_FAIL);
	host = new_host;
	host.virglrenderer = (struct rules_version){1, 0};
	assert_int_equal(host_level(host), DOCTOR_FAIL);
	host.virglrenderer = (struct rules_version){0, 10};
	assert_int_equal(host_level(host), DOCTOR_FAIL);
	host.virglrenderer = (struct rules_version){0, 0};
	assert_int_equal(host_level(host), DOCTOR_NOTE);
}

static void nvidia_needs_renderer_and_driver(void **state)
{
	struct rules_host host = new_host;

	(void)state;
	assert_int_equal(gpu_level(&host, "NVIDIA 575.1.2", true, false),
			 DOCTOR_OK);
	assert_int_equal(gpu_level(&trixie, "NVIDIA 575.1.2", true, false),
			 DOCTOR_FAIL);
	assert_int_equal(gpu_level(&host, "NVIDIA 550.90.7", true, false),
			 DOCTOR_FAIL);
	host.cpu_intel = true;
	assert_int_equal(gpu_level(&host, "NVIDIA 575.1.2", true, false),
			 DOCTOR_NOTE);
	host.kernel = (struct rules_version){6, 15};
	assert_int_equal(gpu_level(&host, "NVIDIA 575.1.2", true, false),
			 DOCTOR_FAIL);
}

static void radv_needs_kernel(void **state)
{
	struct rules_host host = trixie;

	(void)state;
	assert_int_equal(gpu_level(&host, "radv Mesa 25.0.7", true, false),
			 DOCTOR_FAIL);
	host.kernel = (struct rules_version){6, 13};
	assert_int_equal(gpu_level(&host, "radv Mesa 25.0.7", true, false),
			 DOCTOR_OK);
	host.cpu_intel = true;
	assert_int_equal(gpu_level(&host, "radv Mesa 25.0.7", true, false),
			 DOCTOR_NOTE);
}

static void others_are_well(void **state)
{
	struct rules_host host = trixie;

	(void)state;
	host.cpu_intel = true;
	assert_int_equal(gpu_level(&host,
				   "Intel open-source Mesa driver "
				   "Mesa 25.0.7",
				   true, false),
			 DOCTOR_OK);
	assert_int_equal(gpu_level(&host, "venus Mesa 25.0.7", true, false),
			 DOCTOR_OK);
	assert_int_equal(gpu_level(&host, "other", false, false), DOCTOR_NOTE);
}

static void lavapipe_without_udmabuf_is_noted(void **state)
{
	(void)state;
	assert_int_equal(gpu_level(&trixie, "llvmpipe Mesa 25", false, true),
			 DOCTOR_NOTE);
	assert_int_equal(gpu_level(&new_host, "llvmpipe Mesa 25", true, true),
			 DOCTOR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(host_needs_versions),
		cmocka_unit_test(nvidia_needs_renderer_and_driver),
		cmocka_unit_test(radv_needs_kernel),
		cmocka_unit_test(others_are_well),
		cmocka_unit_test(lavapipe_without_udmabuf_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
