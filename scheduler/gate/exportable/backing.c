/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/exportable/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKING_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
/*
 * The mark of our files. Others have the same seals (lavapipe's opaque files
 * do), but a memory file comes into being with mode 0777, or 0666 where the
 * system forbids executable ones. That nobody else may open it is welcome too.
 */
#define BACKING_MODE 0600

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

size_t backing_round(uint64_t size, uint64_t alignment)
{
	uint64_t unit = page_size();

	if (alignment > unit)
		unit = alignment;
	/* Room is left for the alignment slack that backing_map() adds. */
	if (size > (uint64_t)INT64_MAX - 2 * unit)
		return 0;
	return (size + unit - 1) & ~(unit - 1);
}

/* An address range of @size, aligned beyond what mmap() promises. */
static void *range_reserve(size_t size, size_t alignment)
{
	char *start, *aligned;
	size_t head;

	start = mmap(NULL, size + alignment, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return MAP_FAILED;
	head = -(uintptr_t)start & (alignment - 1);
	aligned = start + head;
	if (head)
		munmap(start, head);
	munmap(aligned + size, alignment - head);
	return aligned;
}

static void *file_map_aligned(int fd, size_t size, size_t alignment)
{
	void *range, *address;

	range = range_reserve(size, alignment);
	if (range == MAP_FAILED)
		return MAP_FAILED;
	address = mmap(range, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, 0);
	if (address == MAP_FAILED)
		munmap(range, size);
	return address;
}

static int backing_map(struct backing *backing, size_t size, uint64_t alignment)
{
	void *address;

	if (alignment > page_size())
		address = file_map_aligned(backing->fd, size, alignment);
	else
		address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       backing->fd, 0);
	if (address == MAP_FAILED)
		return -errno;
	backing->address = address;
	backing->size = size;
	return 0;
}

static int file_new(size_t size)
{
	int fd, r;

	fd = memfd_create("tranche-exportable",
			  MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, BACKING_MODE) < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, BACKING_SEALS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int backing_init(struct backing *backing, uint64_t size, uint64_t alignment)
{
	size_t rounded = backing_round(size, alignment);
	int r;

	*backing = BACKING_EMPTY;
	if (!rounded)
		return -EINVAL;
	r = file_new(rounded);
	if (r < 0)
		return r;
	backing->fd = r;
	r = backing_map(backing, rounded, alignment);
	if (r < 0)
		backing_deinit(backing);
	return r;
}

/* Whether @fd is a memory file that will hold @size bytes for good. */
static int file_check(int fd, size_t size)
{
	struct stat st;
	int kind = backing_identify(fd);

	if (kind < 0)
		return kind;
	if (kind != BACKING_SHAREABLE && kind != BACKING_OURS)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < size ? -EINVAL : 0;
}

int backing_init_fd(struct backing *backing, int fd, uint64_t size,
		    uint64_t alignment)
{
	size_t rounded = backing_round(size, alignment);
	int r;

	*backing = BACKING_EMPTY;
	if (!rounded)
		return -EINVAL;
	r = file_check(fd, rounded);
	if (r < 0)
		return r;
	backing->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (backing->fd < 0) {
		r = -errno;
		*backing = BACKING_EMPTY;
		return r;
	}
	r = backing_map(backing, rounded, alignment);
	if (r < 0)
		backing_deinit(backing);
	return r;
}

void backing_deinit(struct backing *backing)
{
	if (backing->address)
		munmap(backing->address, backing->size);
	if (backing->fd >= 0)
		close(backing->fd);
	*backing = BACKING_EMPTY;
}

int backing_identify(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0)
		return errno == EBADF ? -EBADF : BACKING_FOREIGN;
	if (!(seals & F_SEAL_SHRINK))
		return BACKING_UNSAFE;
	if (seals != BACKING_SEALS || fstat(fd, &st) < 0)
		return BACKING_SHAREABLE;
	return (st.st_mode & 07777) == BACKING_MODE ? BACKING_OURS
						    : BACKING_SHAREABLE;
}
