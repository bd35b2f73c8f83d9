// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/cpio.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define CPIO_HEADER_SIZE 110
#define CPIO_TRAILER "TRAILER!!!"

static void write_padding(FILE *file, size_t size)
{
	for (; size % 4; size++)
		fputc(0, file);
}

static void write_member(FILE *file, const char *name, mode_t mode,
			 const void *data, size_t size)
{
	static unsigned int inode;
	size_t name_size = strlen(name) + 1;

	/* ino mode uid gid nlink mtime size dev rdev namesize check */
	fprintf(file,
		"070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		++inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0);
	fwrite(name, 1, name_size, file);
	write_padding(file, CPIO_HEADER_SIZE + name_size);
	fwrite(data, 1, size, file);
	write_padding(file, size);
}

int cpio_write_file(FILE *file, const char *name, mode_t mode, const void *data,
		    size_t size)
{
	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (size > INT32_MAX)
		return -EFBIG;
	write_member(file, name, S_IFREG | (mode & 07777), data, size);
	return 0;
}

void cpio_write_end(FILE *file)
{
	write_member(file, CPIO_TRAILER, 0, "", 0);
}
