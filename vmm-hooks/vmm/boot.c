// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/boot.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/initrd.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/power.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"

#define PAGE 0x1000ull

static int open_file(const char *path, const char *option, uint64_t *size)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return report(-errno, "%s: cannot open '%s': %s", option, path,
			      strerror(errno));
	if (!S_ISREG(status.st_mode))
		return report(-EINVAL, "%s: '%s' is not a file", option, path);
	*size = status.st_size;
	return take_fd(&fd);
}

int boot_read_all(int fd, void *to, uint64_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pread(fd, to, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		to = (uint8_t *)to + n;
		len -= n;
		offset += n;
	}
	return 0;
}

int boot_read_file(int fd, uint8_t *to, uint64_t len, uint64_t offset,
		   const char *what)
{
	int r = boot_read_all(fd, to, len, offset);

	if (r == -ENODATA)
		return report(r,
			      "the %s file is shorter than it says: it is "
			      "truncated, copy it again",
			      what);
	if (r < 0)
		return report(r, "cannot read the %s: %s", what, strerror(-r));
	return 0;
}

int boot_read(struct boot_image *image, int fd, uint64_t offset, uint64_t addr,
	      uint64_t len, const char *what)
{
	uint8_t *to = ram_at(image->ram, addr, len);

	if (!to)
		return report(-ENOMEM,
			      "the %s needs %" PRIu64 " MiB at %#" PRIx64
			      ": give the guest more with --memory",
			      what, len / MIB + 1, addr);
	return boot_read_file(fd, to, len, offset, what);
}

static int check_initrd(const struct boot_image *image)
{
	const char *path = image->files->initrd;
	int r = initrd_check(
		ram_at(image->ram, image->initrd, image->initrd_len),
		image->initrd_len);

	if (r == -ENODATA)
		return report(r,
			      "--initrd: '%s' ends too early: it is "
			      "truncated, make it again",
			      path);
	if (r < 0)
		return report(r,
			      "--initrd: '%s' is neither a cpio archive "
			      "nor a compressed one",
			      path);
	return 0;
}

/* As high as the kernel allows, so that it has room to unpack itself. */
int boot_load_initrd(struct boot_image *image)
{
	uint64_t limit = image->ram->ranges[0].size;
	CLEANUP_FD int fd = -1;
	uint64_t size;
	int r;

	if (!image->files->initrd)
		return 0;
	fd = open_file(image->files->initrd, "--initrd", &size);
	if (fd < 0)
		return fd;
	if (!size)
		return report(-EINVAL,
			      "--initrd: '%s' is empty: it is truncated, make "
			      "it again",
			      image->files->initrd);
	if (limit > image->initrd_limit)
		limit = image->initrd_limit;
	if (size > limit || (limit - size) / PAGE * PAGE < image->kernel_end)
		return report(-ENOMEM,
			      "kernel and initrd ('%s', %" PRIu64
			      " MiB) do not fit: give the guest more with "
			      "--memory",
			      image->files->initrd, size / MIB + 1);
	image->initrd = (limit - size) / PAGE * PAGE;
	image->initrd_len = size;
	r = boot_read(image, fd, 0, image->initrd, size, "initrd");
	return r < 0 ? r : check_initrd(image);
}

int boot_load_command_line(struct boot_image *image, uint32_t limit)
{
	size_t len = strlen(image->files->command_line);
	void *to = ram_at(image->ram, LAYOUT_COMMAND_LINE,
			  LAYOUT_COMMAND_LINE_SIZE);

	if (limit > LAYOUT_COMMAND_LINE_SIZE - 1)
		limit = LAYOUT_COMMAND_LINE_SIZE - 1;
	if (len > limit)
		return report(-E2BIG,
			      "--append: %zu bytes are too long: this kernel "
			      "takes %u",
			      len, limit);
	memcpy(to, image->files->command_line, len + 1);
	return 0;
}

unsigned int boot_ranges(const struct ram *ram, struct boot_range *ranges)
{
	const struct boot_range low[] = {
		{0, LAYOUT_LOW_MEMORY_END, BOOT_RANGE_RAM},
		{LAYOUT_ACPI, LAYOUT_ACPI_SIZE, BOOT_RANGE_RESERVED},
		{MIB, ram->ranges[0].size - MIB, BOOT_RANGE_RAM},
		{LAYOUT_ECAM, LAYOUT_ECAM_SIZE, BOOT_RANGE_RESERVED},
	};
	unsigned int count = sizeof(low) / sizeof(low[0]);

	memcpy(ranges, low, sizeof(low));
	if (ram->range_count > 1)
		ranges[count++] = (struct boot_range){ram->ranges[1].addr,
						      ram->ranges[1].size,
						      BOOT_RANGE_RAM};
	return count;
}

/* Flat code and data segments, at the selectors the processor starts with. */
static void write_descriptors(struct ram *ram, bool long_mode)
{
	uint64_t code = long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff;
	uint64_t table[] = {0, 0, code, 0x00cf93000000ffff, 0x00008b0000000067};

	memcpy(ram_at(ram, LAYOUT_GDT, sizeof(table)), table, sizeof(table));
}

/* The first 4 GiB, one to one, in pages of 2 MiB. */
static void write_page_tables(struct ram *ram)
{
	uint64_t *pml4 = ram_at(ram, LAYOUT_PAGE_TABLES, 6 * PAGE);
	uint64_t *pdpt = pml4 + 512;
	uint64_t *pd = pdpt + 512;

	memset(pml4, 0, 2 * PAGE);
	pml4[0] = (LAYOUT_PAGE_TABLES + PAGE) | 3;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (LAYOUT_PAGE_TABLES + (2 + i) * PAGE) | 3;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MIB | 0x83;
}

/*
 * Linux restarts a hardware-reduced machine by EFI or, without it, by a jump to
 * the firmware's restart vector in real mode. Ours writes the reset register.
 */
static void write_restart(struct ram *ram)
{
	static const uint8_t code[] = {
		0xb0,
		POWER_RESET_VALUE, /* mov $value, %al */
		0xba,
		(LAYOUT_POWER_PORT + POWER_RESET) & 0xff,
		(LAYOUT_POWER_PORT + POWER_RESET) >> 8, /* mov $port, %dx */
		0xee, /* out %al, (%dx) */
		0xf4, /* hlt */
		0xeb,
		0xfd, /* jmp to the hlt */
	};

	memcpy(ram_at(ram, LAYOUT_RESTART, sizeof(code)), code, sizeof(code));
}

static int load_kernel(struct boot_image *image, struct vcpu_entry *entry)
{
	uint8_t magic[SELFMAG];
	uint64_t size;
	CLEANUP_FD int fd = open_file(image->files->kernel, "--kernel", &size);

	if (fd < 0)
		return fd;
	if (size < sizeof(magic) ||
	    boot_read_all(fd, magic, sizeof(magic), 0) < 0)
		return report(
			-EINVAL,
			"--kernel: '%s' is too short to be a kernel: give "
			"a bzImage or vmlinux",
			image->files->kernel);
	if (!memcmp(magic, ELFMAG, SELFMAG))
		return boot_pvh(image, fd, entry);
	return boot_linux(image, fd, entry);
}

int boot_load(struct ram *ram, const struct boot_files *files, uint64_t rsdp,
	      struct vcpu_entry *entry)
{
	struct boot_image image = {.ram = ram, .files = files, .rsdp = rsdp};
	int r = load_kernel(&image, entry);

	if (r < 0)
		return r;
	write_restart(ram);
	write_descriptors(ram, entry->long_mode);
	if (entry->long_mode)
		write_page_tables(ram);
	return 0;
}
