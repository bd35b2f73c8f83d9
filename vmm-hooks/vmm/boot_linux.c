// SPDX-License-Identifier: MIT
/*
 * The Linux boot protocol's 64-bit entry (Documentation/arch/x86/boot.rst,
 * "64-bit Boot Protocol"): the protected-mode part goes where it prefers to be
 * and is entered 0x200 bytes in, with a zero page in RSI. The kernel inside,
 * once unpacked, is entered in the same way at its own start.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm-hooks/vmm/boot.h"
#include "vmm-hooks/vmm/boot_direct.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"

#define SECTOR 512
#define HEADER_MAGIC 0x53726448 /* "HdrS" */
#define BOOT_FLAG 0xaa55
#define PROTOCOL_MIN 0x020c /* xloadflags */
#define LOADER_UNKNOWN 0xff
#define ENTRY_64 0x200

static int refuse(const struct boot_image *image, const char *why)
{
	return report(-EINVAL,
		      "--kernel: '%s' %s: give a bzImage of x86-64 Linux 3.8 "
		      "or later, or a vmlinux",
		      image->files->kernel, why);
}

static int check(const struct boot_image *image,
		 const struct setup_header *header)
{
	if (header->boot_flag != BOOT_FLAG || header->header != HEADER_MAGIC)
		return refuse(image, "is not a Linux kernel");
	if (header->version < PROTOCOL_MIN)
		return refuse(image, "is too old");
	if (!(header->loadflags & LOADED_HIGH) ||
	    !(header->xloadflags & XLF_KERNEL_64))
		return refuse(image, "has no 64-bit entry");
	return 0;
}

static uint64_t load_address(const struct setup_header *header)
{
	if (header->relocatable_kernel && header->pref_address < MIB)
		return MIB;
	return header->pref_address ? header->pref_address : MIB;
}

/* The header sits at the zero page's place, both in the file and in memory. */
static void fill_zero_page(const struct boot_image *image,
			   const struct setup_header *header,
			   struct boot_params *params)
{
	struct boot_range ranges[BOOT_RANGES_MAX];
	unsigned int count = boot_ranges(image->ram, ranges);

	memset(params, 0, sizeof(*params));
	params->hdr = *header;
	params->hdr.type_of_loader = LOADER_UNKNOWN;
	params->hdr.cmd_line_ptr = LAYOUT_COMMAND_LINE;
	params->hdr.ramdisk_image = image->initrd;
	params->hdr.ramdisk_size = image->initrd_len;
	params->acpi_rsdp_addr = image->rsdp;
	for (unsigned int i = 0; i < count; i++)
		params->e820_table[i] = (struct boot_e820_entry){
			ranges[i].addr, ranges[i].size, ranges[i].type};
	params->e820_entries = count;
}

static int load_companions(struct boot_image *image,
			   const struct setup_header *header)
{
	int r;

	image->initrd_limit = (uint64_t)header->initrd_addr_max + 1;
	r = boot_load_initrd(image);
	return r < 0 ? r : boot_load_command_line(image, header->cmdline_size);
}

/*
 * The size is taken from the header, not from the file: a signature may follow
 * the kernel, and a file that was cut short must be found out.
 */
static int load_code(struct boot_image *image, int fd, uint64_t offset,
		     const struct setup_header *header,
		     struct vcpu_entry *entry)
{
	uint64_t addr = load_address(header);
	uint64_t len = (uint64_t)header->syssize * 16;

	*entry = (struct vcpu_entry){
		.rip = addr + ENTRY_64,
		.rsi = LAYOUT_ZERO_PAGE,
		.long_mode = true,
	};
	return boot_read(image, fd, offset, addr, len, "kernel");
}

/* Checks the place that the kernel takes, packed and unpacked. */
static int check_room(struct boot_image *image,
		      const struct setup_header *header)
{
	uint64_t addr = load_address(header);
	uint64_t len = (uint64_t)header->syssize * 16;

	image->kernel_end = addr + header->init_size;
	if (!len || len > header->init_size)
		return refuse(image, "has a damaged header");
	if (ram_at(image->ram, addr, header->init_size))
		return 0;
	return report(-ENOMEM,
		      "the kernel needs %" PRIu64
		      " MiB: give the guest more with --memory",
		      image->kernel_end / MIB + 1);
}

static int load_kernel(struct boot_image *image, int fd,
		       struct setup_header *header, struct vcpu_entry *entry)
{
	unsigned int sectors = header->setup_sects ? header->setup_sects : 4;
	uint64_t offset = (uint64_t)(sectors + 1) * SECTOR;
	int r = boot_direct(image, fd, offset, header, entry);

	if (r == -ENOTSUP)
		r = load_code(image, fd, offset, header, entry);
	return r;
}

int boot_linux(struct boot_image *image, int fd, struct vcpu_entry *entry)
{
	struct boot_params *params =
		ram_at(image->ram, LAYOUT_ZERO_PAGE, sizeof(*params));
	struct setup_header header;
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0 || status.st_size < (off_t)sizeof(*params))
		return refuse(image, "is too short");
	r = boot_read(image, fd, 0, LAYOUT_ZERO_PAGE, sizeof(*params),
		      "kernel");
	if (r < 0)
		return r;
	header = params->hdr;
	r = check(image, &header);
	if (r == 0)
		r = check_room(image, &header);
	if (r == 0)
		r = load_companions(image, &header);
	if (r == 0)
		r = load_kernel(image, fd, &header, entry);
	if (r == 0)
		fill_zero_page(image, &header, params);
	return r;
}
