// SPDX-License-Identifier: MIT
/* Unpacked kernels: kept, found again, and not taken for others. */
#include <errno.h>
#include <fcntl.h>
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

#include "vmm-hooks/vmm/boot_cache.h"
#include "vmm-hooks/vmm/boot_kernel.h"
#include "vmm-hooks/vmm/layout.h"

#define ROOM (64 * KIB)
#define LEN 12345
#define WORDS 77
#define KERNELS 6

/* Kernel files that have settled, and a folder for the cache. */
struct fixture {
	char folder[64];
	char cached[96];
	int files[KERNELS];
	struct boot_cache cache;
	uint8_t image[ROOM];
	uint32_t words[WORDS];
	struct boot_kernel kernel;
	uint8_t loaded_image[ROOM];
	struct boot_kernel loaded;
};

static void file_path(const struct fixture *f, unsigned int i, char *path,
		      size_t size)
{
	snprintf(path, size, "%s/kernel-%u", f->folder, i);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];

	*state = f;
	strcpy(f->folder, "/tmp/boot-cache-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->cached, sizeof(f->cached), "%s/cache", f->folder);
	for (unsigned int i = 0; i < KERNELS; i++) {
		file_path(f, i, path, sizeof(path));
		f->files[i] = open(path, O_RDWR | O_CREAT, 0600);
		if (write(f->files[i], path, sizeof(path)) < 0)
			return -1;
	}
	sleep(3);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", f->folder);
	for (unsigned int i = 0; i < KERNELS; i++)
		close(f->files[i]);
	free(f);
	return system(command);
}

static int begin(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < sizeof(f->image); i++)
		f->image[i] = i * 7;
	for (unsigned int i = 0; i < WORDS; i++)
		f->words[i] = i << 20;
	f->kernel = (struct boot_kernel){
		.image = f->image,
		.room = ROOM,
		.base = 16 * MIB,
		.len = LEN,
		.entry = 99,
		.words = f->words,
		.word_count = WORDS,
	};
	memset(f->loaded_image, 0, sizeof(f->loaded_image));
	f->loaded = (struct boot_kernel){
		.image = f->loaded_image,
		.room = ROOM,
		.base = 16 * MIB,
	};
	return boot_cache_open(&f->cache, f->cached);
}

static int end(void **state)
{
	struct fixture *f = *state;
	char command[128];

	boot_cache_close(&f->cache);
	snprintf(command, sizeof(command), "rm -r %s", f->cached);
	return system(command);
}

static int load(struct fixture *f, unsigned int i)
{
	return boot_cache_load(&f->cache, f->files[i], &f->loaded);
}

static int store(struct fixture *f, unsigned int i)
{
	return boot_cache_store(&f->cache, f->files[i], &f->kernel);
}

/* The one file of the cache. */
static int open_cached(const struct fixture *f)
{
	struct stat status;
	char path[160];

	assert_return_code(fstat(f->files[0], &status), 0);
	snprintf(path, sizeof(path), "%s/kernel-%jx-%jx", f->cached,
		 (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return open(path, O_RDWR);
}

static void a_stored_kernel_comes_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, 0), -ENOENT);
	assert_int_equal(store(f, 0), 0);
	assert_int_equal(load(f, 1), -ENOENT);
	assert_int_equal(load(f, 0), 0);
	assert_int_equal(f->loaded.len, LEN);
	assert_int_equal(f->loaded.entry, 99);
	assert_memory_equal(f->loaded_image, f->image, LEN);
	assert_int_equal(f->loaded_image[LEN], 0);
	assert_int_equal(f->loaded.word_count, WORDS);
	assert_memory_equal(f->loaded.words, f->words, sizeof(f->words));
}

static void a_changed_kernel_is_another(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store(f, 0), 0);
	f->loaded.room += MIB;
	assert_int_equal(load(f, 0), -ENOENT);
	f->loaded.room -= MIB;
	assert_int_equal(pwrite(f->files[0], "x", 1, 0), 1);
	assert_int_equal(load(f, 0), -ENOENT);
	assert_int_equal(store(f, 0), -EAGAIN);
	sleep(3);
	assert_int_equal(store(f, 0), 0);
	assert_int_equal(load(f, 0), 0);
}

static void damage_is_noticed(void **state)
{
	struct fixture *f = *state;
	uint64_t entry = LEN;
	struct stat status;
	int file;

	assert_int_equal(store(f, 0), 0);
	file = open_cached(f);
	assert_return_code(file, 0);
	assert_return_code(fstat(file, &status), 0);
	assert_return_code(ftruncate(file, status.st_size - 1), 0);
	assert_int_equal(load(f, 0), -EBADMSG);
	assert_return_code(ftruncate(file, status.st_size), 0);
	assert_int_equal(load(f, 0), 0);
	/* The head ends in the length, the entry and the number of words. */
	assert_int_equal(pwrite(file, &entry, sizeof(entry), 96), 8);
	assert_int_equal(load(f, 0), -EBADMSG);
	assert_return_code(fchmod(file, 0620), 0);
	assert_int_equal(load(f, 0), -EPERM);
	close(file);
}

static void few_kernels_are_kept(void **state)
{
	struct fixture *f = *state;
	unsigned int found = 0;
	char other[160];

	/* What is of somebody else, and the oldest, stays. */
	snprintf(other, sizeof(other), "%s/other", f->cached);
	close(open(other, O_WRONLY | O_CREAT, 0600));
	sleep(1);
	for (unsigned int i = 0; i < KERNELS; i++)
		assert_int_equal(store(f, i), 0);
	assert_return_code(access(other, F_OK), errno);
	for (unsigned int i = 0; i < KERNELS; i++) {
		found += load(f, i) == 0;
		boot_cache_close(&f->cache);
		assert_int_equal(boot_cache_open(&f->cache, f->cached), 0);
	}
	assert_int_equal(found, 4);
}

static void folders_of_others_are_not_used(void **state)
{
	struct fixture *f = *state;
	struct boot_cache cache;
	char path[96];

	assert_return_code(chmod(f->cached, 0770), 0);
	assert_int_equal(boot_cache_open(&cache, f->cached), -EPERM);
	boot_cache_close(&cache);
	assert_return_code(chmod(f->cached, 0755), 0);
	assert_int_equal(boot_cache_open(&cache, f->cached), 0);
	boot_cache_close(&cache);
	snprintf(path, sizeof(path), "%s/link", f->folder);
	assert_return_code(symlink(f->cached, path), 0);
	assert_int_not_equal(boot_cache_open(&cache, path), 0);
	boot_cache_close(&cache);
	file_path(f, 0, path, sizeof(path));
	assert_int_equal(boot_cache_open(&cache, path), -ENOTDIR);
	boot_cache_close(&cache);
	assert_int_equal(boot_cache_open(&cache, "/nowhere/at/all"), -ENOENT);
	boot_cache_close(&cache);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_stored_kernel_comes_back),
		TEST(a_changed_kernel_is_another),
		TEST(damage_is_noticed),
		TEST(few_kernels_are_kept),
		TEST(folders_of_others_are_not_used),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
