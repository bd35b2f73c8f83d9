// SPDX-License-Identifier: MIT
/*
 * A file is its head, a page; the kernel's image; and the list of the words that
 * move, all as in memory of this machine.
 */
#include "vmm-hooks/vmm/boot_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "vmm-hooks/vmm/boot.h"
#include "vmm-hooks/vmm/boot_kernel.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"

#define ROOT_FOLDER "/var/cache/tranche-vmm"
#define NAME "tranche-vmm"
#define PREFIX "kernel-" /* of files; others are not ours */
#define MAGIC "tranche kernel 1"
#define HEAD_SIZE 4096
#define KERNELS_MAX 4
#define WORDS_MAX (64 * MIB)
#define SETTLED_S 2

/* Which kernel, and in which state: what has to be equal. */
struct key {
	char magic[16];
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	int64_t written_s, written_ns;
	int64_t changed_s, changed_ns;
	uint64_t room;
	uint64_t base;
};

struct head {
	struct key key;
	uint64_t len;
	uint64_t entry;
	uint64_t word_count;
};

static int folder_path(char *path, size_t size, const char *wanted)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (wanted)
		n = snprintf(path, size, "%s", wanted);
	else if (geteuid() == 0)
		n = snprintf(path, size, ROOT_FOLDER);
	else if (cache && *cache == '/')
		n = snprintf(path, size, "%s/" NAME, cache);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.cache/" NAME, home);
	else
		return -ENOENT;
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static bool is_ours_alone(const struct stat *status)
{
	return status->st_uid == geteuid() &&
	       !(status->st_mode & (S_IWGRP | S_IWOTH));
}

int boot_cache_open(struct boot_cache *cache, const char *wanted)
{
	char path[PATH_MAX];
	struct stat status;
	int r;

	*cache = (struct boot_cache){.folder = -1};
	r = folder_path(path, sizeof(path), wanted);
	if (r < 0)
		return r;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	cache->folder =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cache->folder < 0 || fstat(cache->folder, &status) < 0)
		return -errno;
	if (is_ours_alone(&status))
		return 0;
	close_fd(&cache->folder);
	return -EPERM;
}

void boot_cache_close(struct boot_cache *cache)
{
	if (cache->words)
		munmap(cache->words, cache->size);
	cache->words = NULL;
	close_fd(&cache->folder);
}

static int key_of(int fd, const struct boot_kernel *kernel, struct key *key)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*key = (struct key){
		.magic = MAGIC,
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = status.st_size,
		.written_s = status.st_mtim.tv_sec,
		.written_ns = status.st_mtim.tv_nsec,
		.changed_s = status.st_ctim.tv_sec,
		.changed_ns = status.st_ctim.tv_nsec,
		.room = kernel->room,
		.base = kernel->base,
	};
	return 0;
}

static void name_of(const struct key *key, char *name, size_t size)
{
	snprintf(name, size, PREFIX "%" PRIx64 "-%" PRIx64, key->device,
		 key->inode);
}

/* ------------------------------------------------------------------------
 * Load
 * ------------------------------------------------------------------------ */

/* Whether the file holds what its head says, and no less. */
static bool head_fits(const struct head *head, const struct stat *status)
{
	return head->len <= head->key.room && head->entry < head->len &&
	       head->word_count <= WORDS_MAX / sizeof(uint32_t) &&
	       (uint64_t)status->st_size ==
		       HEAD_SIZE + head->len +
			       head->word_count * sizeof(uint32_t);
}

static int read_head(int fd, const struct key *key, struct head *head)
{
	struct stat status;
	int r = boot_read_all(fd, head, sizeof(*head), 0);

	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!is_ours_alone(&status))
		return -EPERM;
	if (memcmp(&head->key, key, sizeof(*key)))
		return -ENOENT;
	return head_fits(head, &status) ? 0 : -EBADMSG;
}

/* The whole file is mapped: lists begin anywhere in a page. */
static int map_words(struct boot_cache *cache, int fd, const struct head *head,
		     struct boot_kernel *kernel)
{
	uint64_t words = HEAD_SIZE + head->len;
	uint64_t size = words + head->word_count * sizeof(uint32_t);
	uint8_t *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (file == MAP_FAILED)
		return -errno;
	cache->words = file;
	cache->size = size;
	kernel->words = file + words;
	kernel->word_count = head->word_count;
	return 0;
}

int boot_cache_load(struct boot_cache *cache, int fd,
		    struct boot_kernel *kernel)
{
	CLEANUP_FD int file = -1;
	struct head head;
	struct key key = {0};
	char name[64];
	int r = key_of(fd, kernel, &key);

	if (r < 0)
		return r;
	name_of(&key, name, sizeof(name));
	file = openat(cache->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return -errno;
	r = read_head(file, &key, &head);
	if (r < 0)
		return r;
	r = boot_read_all(file, kernel->image, head.len, HEAD_SIZE);
	if (r < 0)
		return r;
	kernel->len = head.len;
	kernel->entry = head.entry;
	return map_words(cache, file, &head, kernel);
}

/* ------------------------------------------------------------------------
 * Store
 * ------------------------------------------------------------------------ */

/* Finds the file that was written longest ago. Return: how many there are. */
static unsigned int find_oldest(DIR *folder, char *oldest, size_t size)
{
	struct timespec when = {0};
	unsigned int count = 0;
	struct dirent *entry;
	struct stat status;

	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    fstatat(dirfd(folder), entry->d_name, &status,
			    AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		if (!count++ || status.st_mtim.tv_sec < when.tv_sec) {
			when = status.st_mtim;
			snprintf(oldest, size, "%s", entry->d_name);
		}
	}
	return count;
}

/* Leaves room for one more. */
static void make_room(const struct boot_cache *cache)
{
	char oldest[NAME_MAX + 1];
	DIR *folder = fdopendir(
		openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (!folder)
		return;
	while (find_oldest(folder, oldest, sizeof(oldest)) >= KERNELS_MAX &&
	       unlinkat(cache->folder, oldest, 0) == 0)
		rewinddir(folder);
	closedir(folder);
}

static int write_all(int fd, const void *from, uint64_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, from, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		from = (const uint8_t *)from + n;
		offset += n;
		len -= n;
	}
	return 0;
}

/* A power cut may come after the rename: so what is in it goes first. */
static int write_file(int fd, const struct key *key,
		      const struct boot_kernel *kernel)
{
	const struct head head = {
		.key = *key,
		.len = kernel->len,
		.entry = kernel->entry,
		.word_count = kernel->word_count,
	};
	int r = write_all(fd, &head, sizeof(head), 0);

	if (r == 0)
		r = write_all(fd, kernel->image, kernel->len, HEAD_SIZE);
	if (r == 0)
		r = write_all(fd, kernel->words,
			      kernel->word_count * sizeof(uint32_t),
			      HEAD_SIZE + kernel->len);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

/* Times have steps: after a change there may be another with the same time. */
static bool has_settled(const struct key *key)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - key->changed_s >= SETTLED_S;
}

int boot_cache_store(struct boot_cache *cache, int fd,
		     const struct boot_kernel *kernel)
{
	CLEANUP_FD int file = -1;
	char name[64], new_name[80];
	struct key key = {0};
	int r = key_of(fd, kernel, &key);

	if (r < 0)
		return r;
	if (!has_settled(&key))
		return -EAGAIN;
	make_room(cache);
	name_of(&key, name, sizeof(name));
	snprintf(new_name, sizeof(new_name), "%s.%d", name, (int)getpid());
	file = openat(cache->folder, new_name,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		      0600);
	if (file < 0)
		return -errno;
	r = write_file(file, &key, kernel);
	if (r == 0 &&
	    renameat(cache->folder, new_name, cache->folder, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(cache->folder, new_name, 0);
	return r;
}
