// SPDX-License-Identifier: MIT
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

#include "mdev/gpu/manifest.h"

static char folder[] = "/tmp/gpu-manifest-XXXXXX";
static const char *const names[] = {"b.json", "a.json", "c.txt", "d.json"};

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < 4; i++)
		write_file(names[i], "{}");
	return 0;
}

static int folder_remove(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void environment_names_files_and_folders(void **state)
{
	struct manifest_list list;
	char value[512], path[128];

	(void)state;
	snprintf(value, sizeof(value), "%s/d.json:%s:/nowhere/e.json", folder,
		 folder);
	setenv("VK_DRIVER_FILES", value, 1);
	assert_int_equal(manifest_list_init(&list), 0);
	unsetenv("VK_DRIVER_FILES");

	/* In the order named, each once, and nothing that is not there. */
	assert_int_equal(list.count, 3);
	snprintf(path, sizeof(path), "%s/d.json", folder);
	assert_string_equal(list.paths[0], path);
	snprintf(path, sizeof(path), "%s/a.json", folder);
	assert_string_equal(list.paths[1], path);
	snprintf(path, sizeof(path), "%s/b.json", folder);
	assert_string_equal(list.paths[2], path);
	manifest_list_deinit(&list);
}

static void check_library(const char *text, const char *wanted)
{
	char path[128], *library;

	write_file("a.json", text);
	snprintf(path, sizeof(path), "%s/a.json", folder);
	assert_int_equal(manifest_library(path, &library), 0);
	assert_string_equal(library, wanted);
	free(library);
}

static void library_is_named_as_loader_reads_it(void **state)
{
	char wanted[128];

	(void)state;
	check_library("{\"ICD\":{\"library_path\":\"/lib/v.so\"}}",
		      "/lib/v.so");
	check_library("{\"ICD\":{\"library_path\":\"libv.so\"}}", "libv.so");
	snprintf(wanted, sizeof(wanted), "%s/../lib/v.so", folder);
	check_library("{\"ICD\":{\"library_path\":\"../lib/v.so\"}}", wanted);
}

static void other_files_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"ICD\":1}",
		"{\"ICD\":{}}",
		"{\"ICD\":{\"library_path\":1}}",
	};
	char path[128], *library;

	(void)state;
	snprintf(path, sizeof(path), "%s/a.json", folder);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_file("a.json", texts[i]);
		assert_int_equal(manifest_library(path, &library), -EBADMSG);
	}
	assert_int_equal(manifest_library("/nowhere/a.json", &library),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_names_files_and_folders),
		cmocka_unit_test(library_is_named_as_loader_reads_it),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
