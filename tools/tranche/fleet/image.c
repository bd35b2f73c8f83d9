// SPDX-License-Identifier: MIT
#include "tools/tranche/fleet/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/tranche/fleet/cpio.h"

#define COPY_MAX (1 << 30)

static int copy_all(int to, int from)
{
	ssize_t n;

	do {
		n = sendfile(to, from, NULL, COPY_MAX);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

static int copy_initrd(int image, const char *initrd)
{
	int fd = open(initrd, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = copy_all(image, fd);
	close(fd);
	return r;
}

/* An archive begins at a multiple of 4 bytes, whatever is before it. */
static int append_script(FILE *file)
{
	int r;

	while (ftell(file) % 4)
		fputc(0, file);
	r = cpio_write_file(file, "run.sh", 0755, image_script,
			    strlen(image_script));
	cpio_write_end(file);
	return r;
}

static int append(int image)
{
	int fd = fcntl(image, F_DUPFD_CLOEXEC, 3), r;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

	if (!file) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = fseek(file, 0, SEEK_END) < 0 ? -errno : append_script(file);
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	return r;
}

int image_open(const char *initrd)
{
	int image = memfd_create("tranche-guest-image", MFD_CLOEXEC), r;

	if (image < 0)
		return -errno;
	r = copy_initrd(image, initrd);
	if (r == 0)
		r = append(image);
	if (r == 0)
		return image;
	close(image);
	return r;
}
