// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/boot_direct.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm-hooks/vmm/boot.h"
#include "vmm-hooks/vmm/boot_cache.h"
#include "vmm-hooks/vmm/boot_kernel.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"

/* Options that the guest's first code obeys when it chooses a place. */
static const char *const place_options[] = {
	"nokaslr",
	"mem=",
	"memmap=",
	"hugepages=",
};

bool boot_direct_wanted(const char *command_line)
{
	size_t count = sizeof(place_options) / sizeof(place_options[0]);

	for (size_t i = 0; i < count; i++)
		if (strstr(command_line, place_options[i]))
			return false;
	return true;
}

/* Somewhere between the place the kernel prefers and the initrd. */
static uint64_t choose_place(const struct boot_image *image,
			     const struct setup_header *header)
{
	uint64_t first = header->pref_address;
	uint64_t end = image->ram->ranges[0].size;

	if (image->initrd)
		end = image->initrd;
	return first + boot_kernel_draw(end - header->init_size - first,
					header->kernel_alignment);
}

/* What the rest of this file relies on. */
static bool suits(const struct boot_image *image,
		  const struct setup_header *header)
{
	uint64_t align = header->kernel_alignment;

	return header->relocatable_kernel && align >= 2 * MIB &&
	       !(align & (align - 1)) && header->pref_address >= MIB &&
	       header->pref_address % align == 0 &&
	       header->payload_length <= header->init_size &&
	       image->kernel_end == header->pref_address + header->init_size &&
	       boot_direct_wanted(image->files->command_line);
}

static int unpack(const struct boot_image *image, int fd, uint64_t offset,
		  uint64_t len, struct boot_kernel *kernel)
{
	CLEANUP_MEMORY uint8_t *payload = malloc(len);
	int r;

	/* The guest has memory for it. */
	if (!payload)
		return -ENOTSUP;
	r = boot_read_file(fd, payload, len, offset, "kernel");
	if (r < 0)
		return r;
	r = boot_kernel_unpack(kernel, payload, len);
	if (r != -EBADMSG)
		return r;
	return report(-EINVAL,
		      "--kernel: '%s' is damaged: what it holds cannot be "
		      "unpacked; copy it again",
		      image->files->kernel);
}

/* One that could not be kept is unpacked again next time. */
static int get_kernel(const struct boot_image *image, int fd, uint64_t code,
		      const struct setup_header *header,
		      struct boot_cache *cache, struct boot_kernel *kernel)
{
	int r = boot_cache_load(cache, fd, kernel);

	if (r == 0)
		return 0;
	r = unpack(image, fd, code + header->payload_offset,
		   header->payload_length, kernel);
	if (r == 0)
		boot_cache_store(cache, fd, kernel);
	return r;
}

static int open_cache(const struct boot_files *files, struct boot_cache *cache)
{
	int r = boot_cache_open(cache, files->kernel_cache);

	if (r == 0)
		return 0;
	if (!files->kernel_cache)
		return -ENOTSUP;
	return report(-EINVAL,
		      "--kernel-cache: '%s' cannot be used: %s; give a folder "
		      "of yours that only you may write to, or none",
		      files->kernel_cache, strerror(-r));
}

int boot_direct(struct boot_image *image, int fd, uint64_t code,
		struct setup_header *header, struct vcpu_entry *entry)
{
	struct boot_kernel kernel = {
		.room = header->init_size,
		.base = header->pref_address,
	};
	struct boot_cache cache;
	uint64_t addr;
	int r;

	if (image->files->no_kernel_cache || !suits(image, header))
		return -ENOTSUP;
	addr = choose_place(image, header);
	kernel.image = ram_at(image->ram, addr, header->init_size);
	r = open_cache(image->files, &cache);
	if (r == 0)
		r = get_kernel(image, fd, code, header, &cache, &kernel);
	if (r == 0 && boot_kernel_randomize(&kernel, header->kernel_alignment))
		header->loadflags |= KASLR_FLAG;
	boot_cache_close(&cache);
	*entry = (struct vcpu_entry){
		.rip = addr + kernel.entry,
		.rsi = LAYOUT_ZERO_PAGE,
		.long_mode = true,
	};
	return r;
}
