// SPDX-License-Identifier: MIT
/* What Vulkan said is used again for the same GPU, and for no other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "mdev/broker/vulkan_cache.h"

static char run[64];
static char manifest[96];
static char file[96];

/* A GPU owns its strings; these are not given up. */
static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static struct gpu found(void)
{
	return (struct gpu){
		.address = "0000:01:00.0",
		.driver = text("nouveau"),
		.render_node = text("/dev/null"),
		.vendor_id = 0x10de,
		.device_id = 0x1234,
	};
}

static struct gpu said(void)
{
	struct gpu gpu = found();

	gpu.vulkan_name = text("A GPU");
	gpu.vulkan_driver = text("driver 1.2");
	gpu.vulkan_library = manifest;
	gpu.vulkan_api = 0x403000;
	gpu.vram = UINT64_C(8) << 30;
	gpu.heaps[0] = UINT64_C(8) << 30;
	gpu.heaps[1] = UINT64_C(16) << 30;
	gpu.exports = true;
	return gpu;
}

static void text_write(const char *path, const char *content)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(content, out);
	assert_int_equal(fclose(out), 0);
}

static void expect(const struct gpu *gpu, int error)
{
	struct gpu copy = *gpu;

	assert_int_equal(vulkan_cache_read(run, &copy), error);
	if (error < 0)
		assert_null(copy.vulkan_name);
	free(copy.vulkan_name);
	free(copy.vulkan_driver);
	free(copy.vulkan_library);
}

static int write_answer(void **state)
{
	const struct gpu gpu = said();

	(void)state;
	text_write(manifest, "{\"ICD\":{\"library_path\":\"x.so\"}}");
	return vulkan_cache_write(run, &gpu);
}

static void same(void **state)
{
	const struct gpu wanted = said();
	struct gpu gpu = found();

	(void)state;
	assert_int_equal(vulkan_cache_read(run, &gpu), 0);
	assert_string_equal(gpu.vulkan_name, wanted.vulkan_name);
	assert_string_equal(gpu.vulkan_driver, wanted.vulkan_driver);
	assert_string_equal(gpu.vulkan_library, wanted.vulkan_library);
	assert_int_equal(gpu.vulkan_api, wanted.vulkan_api);
	assert_true(gpu.vram == wanted.vram);
	assert_memory_equal(gpu.heaps, wanted.heaps, sizeof(gpu.heaps));
	assert_true(gpu.exports);
	free(gpu.vulkan_name);
	free(gpu.vulkan_driver);
	free(gpu.vulkan_library);
}

static void other_gpu(void **state)
{
	struct gpu gpu = found();

	(void)state;
	gpu.device_id++;
	expect(&gpu, -ESTALE);
	gpu = found();
	gpu.vendor_id++;
	expect(&gpu, -ESTALE);
	gpu = found();
	gpu.driver = text("nvidia");
	expect(&gpu, -ESTALE);
	gpu.driver = NULL;
	expect(&gpu, -ESTALE);
	gpu = found();
	gpu.render_node = text("/dev/zero");
	expect(&gpu, -ESTALE);
	gpu = found();
	strcpy(gpu.address, "0000:02:00.0");
	expect(&gpu, -ENOENT);
}

static void other_drivers(void **state)
{
	const struct gpu gpu = found();

	(void)state;
	expect(&gpu, 0);
	text_write(manifest, "{\"ICD\":{\"library_path\":\"other.so\"}}");
	expect(&gpu, -ESTALE);
	assert_int_equal(unlink(manifest), 0);
	expect(&gpu, -ESTALE);
}

static void other_boot(void **state)
{
	const struct gpu gpu = found();
	char all[4096], *boot;
	FILE *in;
	size_t n;

	(void)state;
	in = fopen(file, "r");
	assert_non_null(in);
	n = fread(all, 1, sizeof(all) - 1, in);
	all[n] = '\0';
	fclose(in);
	boot = strstr(all, "facts=");
	assert_non_null(boot);
	boot += strlen("facts=");
	*boot = *boot == '0' ? '1' : '0';
	text_write(file, all);
	expect(&gpu, -ESTALE);
}

static void no_answer(void **state)
{
	static const char *const bad[] = {
		"",	   "nonsense\n", "facts=x\n",  "name=a\nname=b\n",
		"api=x\n", "name=\n",	 "exports=2\n"};
	const struct gpu gpu = found();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text_write(file, bad[i]);
		expect(&gpu, -EBADMSG);
	}
}

static void names_of_many_lines(void **state)
{
	struct gpu gpu = said();

	(void)state;
	gpu.vulkan_name = text("A GPU\nlibrary=/tmp/evil.so");
	assert_int_equal(vulkan_cache_write(run, &gpu), -EINVAL);
	gpu.vulkan_name = text(" padded");
	assert_int_equal(vulkan_cache_write(run, &gpu), -EINVAL);
	gpu.vulkan_name = NULL;
	assert_int_equal(vulkan_cache_write(run, &gpu), -EINVAL);
}

static int folder_make(void **state)
{
	char path[96];

	(void)state;
	strcpy(run, "/tmp/vulkan-cache-XXXXXX");
	if (!mkdtemp(run))
		return -1;
	snprintf(path, sizeof(path), "%s/vulkan", run);
	snprintf(manifest, sizeof(manifest), "%s/driver.json", run);
	snprintf(file, sizeof(file), "%s/vulkan/0000:01:00.0", run);
	setenv("VK_DRIVER_FILES", manifest, 1);
	return mkdir(path, 0700);
}

static int folder_remove(void **state)
{
	char path[96];

	(void)state;
	unlink(file);
	unlink(manifest);
	snprintf(path, sizeof(path), "%s/vulkan", run);
	return rmdir(path) || rmdir(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(same, write_answer),
		cmocka_unit_test_setup(other_gpu, write_answer),
		cmocka_unit_test_setup(other_drivers, write_answer),
		cmocka_unit_test_setup(other_boot, write_answer),
		cmocka_unit_test_setup(no_answer, write_answer),
		cmocka_unit_test_setup(names_of_many_lines, write_answer),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
