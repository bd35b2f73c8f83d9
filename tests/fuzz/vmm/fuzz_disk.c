// SPDX-License-Identifier: MIT
/* Requests to a disk: the file keeps its size, and stays in its sectors. */
#include <stdio.h>
#include <sys/mman.h>

#include "tests/fuzz/vmm/harness.h"
#include "vmm-hooks/vmm/disk.c"

#define DISK_SIZE (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct disk *make(void)
{
	static const struct options options;
	int fd = memfd_create("disk", 0);
	char path[32];
	struct options_disk option = {path, false};

	if (fd < 0 || ftruncate(fd, DISK_SIZE) < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return disk_new(harness_machine(&options), &option);
}

/* Requests that the fuzzer would hardly guess: a header where rings point. */
static void write_headers(struct disk *disk, struct input *input)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct virtio_blk_outhdr header = {
			.type = input_take(input, 1) % 14,
			.sector = input_take(input, 2),
		};

		guest_memory_write(&disk->device.ram->memory,
				   HARNESS_RINGS + input_take(input, 2),
				   &header, sizeof(header));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct disk *disk;
	static struct request request;
	struct input input = {data, len};
	struct stat status;

	if (!disk)
		disk = make();
	if (!disk)
		__builtin_trap();
	write_headers(disk, &input);
	harness_start(&disk->device, &input);
	disk->read_only = input_take(&input, 1) & 1;
	do {
		serve_all(disk, &request);
		harness_access(&disk->device, &input);
	} while (input.len);
	virtio_pci_reset(&disk->device.registers);
	if (disk->in_flight || fstat(disk->fd, &status) < 0 ||
	    status.st_size != DISK_SIZE)
		__builtin_trap();
	return 0;
}
