// SPDX-License-Identifier: MIT
/*
 * The kernel inside a bzImage, unpacked here instead of by the guest's own
 * first code: a host's process does it in a fraction of the time. What that
 * code does besides is done too: the ELF segments go to their places
 * (Documentation/arch/x86/boot.rst, "payload_offset"), and both places, the
 * physical and the virtual one, are drawn at random as CONFIG_RANDOMIZE_BASE
 * wants. The kernel's words to be moved stand behind the ELF file, as lists of
 * their virtual addresses' low halves, each preceded by a zero
 * (arch/x86/tools/relocs.c): words of 64 bits, then, before Linux 6.15, inverse
 * ones of 32, then words of 32.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vmm-hooks/vmm/boot.h"
#include "vmm-hooks/vmm/boot_unpack.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"

#define ZSTD_FRAME 0xfd2fb528u
#define SEGMENTS_MAX 16
#define LISTS_MAX 3

/* The kernel's own mapping: where it begins, and how far it may reach. */
#define KERNEL_MAP 0xffffffff80000000ull
#define KERNEL_MAP_SIZE (1 * GIB)

/* Options that the guest's first code obeys when it chooses a place. */
static const char *const place_options[] = {
	"nokaslr",
	"mem=",
	"memmap=",
	"hugepages=",
};

/* An unpacked kernel; places are offsets from the start of @image. */
struct unpacked {
	uint8_t *image; /* room for the kernel, first the whole output */
	uint64_t room;
	uint64_t len; /* of the output */
	uint64_t base; /* physical address that the kernel is linked for */
	uint64_t entry;
	uint64_t elf_end; /* what follows are relocations */
	uint64_t data_end; /* of what segments bring along */
	Elf64_Phdr segments[SEGMENTS_MAX];
	unsigned int segment_count;
};

bool unpack_wanted(const char *command_line)
{
	size_t count = sizeof(place_options) / sizeof(place_options[0]);

	for (size_t i = 0; i < count; i++)
		if (strstr(command_line, place_options[i]))
			return false;
	return true;
}

/* Segments must move down, in turn, for one not to run over the next one. */
static bool add_segment(struct unpacked *kernel, const Elf64_Phdr *header)
{
	uint64_t place = header->p_paddr - kernel->base;
	uint64_t end;

	if (header->p_type != PT_LOAD)
		return true;
	if (header->p_paddr < kernel->base || place < kernel->data_end ||
	    place > header->p_offset || place > kernel->room ||
	    header->p_memsz > kernel->room - place ||
	    header->p_filesz > header->p_memsz ||
	    __builtin_add_overflow(header->p_offset, header->p_filesz, &end) ||
	    header->p_offset < kernel->elf_end || end > kernel->len)
		return false;
	kernel->elf_end = end;
	kernel->data_end = place + header->p_filesz;
	kernel->segments[kernel->segment_count++] = *header;
	return true;
}

static bool read_elf(struct unpacked *kernel)
{
	uint64_t sections;
	Elf64_Phdr header;
	Elf64_Ehdr elf;

	if (kernel->len < sizeof(elf))
		return false;
	memcpy(&elf, kernel->image, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_machine != EM_X86_64 || elf.e_phentsize != sizeof(header) ||
	    elf.e_phnum > SEGMENTS_MAX || elf.e_phoff > kernel->len ||
	    kernel->len - elf.e_phoff < elf.e_phnum * sizeof(header))
		return false;
	for (unsigned int i = 0; i < elf.e_phnum; i++) {
		memcpy(&header,
		       kernel->image + elf.e_phoff + i * sizeof(header),
		       sizeof(header));
		if (!add_segment(kernel, &header))
			return false;
	}
	sections = (uint64_t)elf.e_shnum * elf.e_shentsize;
	if (elf.e_shoff > kernel->len || sections > kernel->len - elf.e_shoff)
		return false;
	if (elf.e_shoff + sections > kernel->elf_end)
		kernel->elf_end = elf.e_shoff + sections;
	kernel->entry = elf.e_entry - kernel->base;
	return kernel->segment_count && kernel->entry < kernel->data_end;
}

static void place_segments(struct unpacked *kernel)
{
	for (unsigned int i = 0; i < kernel->segment_count; i++) {
		const Elf64_Phdr *header = &kernel->segments[i];

		memmove(kernel->image + (header->p_paddr - kernel->base),
			kernel->image + header->p_offset, header->p_filesz);
	}
}

static uint32_t relocation(const struct unpacked *kernel, uint64_t index)
{
	uint32_t value;

	memcpy(&value, kernel->image + kernel->elf_end + index * sizeof(value),
	       sizeof(value));
	return value;
}

/* Where a relocation points to; beyond all data when it is wrong. */
static uint64_t target(const struct unpacked *kernel, uint32_t value)
{
	uint64_t addr = (uint64_t)(int64_t)(int32_t)value;

	return addr - KERNEL_MAP - kernel->base;
}

/* Finds the lists' starts; how many there are, 0 when they make no sense. */
static unsigned int find_lists(const struct unpacked *kernel, uint64_t count,
			       uint64_t *starts)
{
	unsigned int lists = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t value = relocation(kernel, i);

		if (value) {
			uint64_t at = target(kernel, value);

			if (!lists || at > kernel->data_end ||
			    kernel->data_end - at < sizeof(uint64_t))
				return 0;
			continue;
		}
		if (lists == LISTS_MAX)
			return 0;
		starts[lists++] = i + 1;
	}
	return lists;
}

static void move_word(uint8_t *at, bool wide, uint64_t delta)
{
	uint64_t value;
	uint32_t half;

	if (wide) {
		memcpy(&value, at, sizeof(value));
		value += delta;
		memcpy(at, &value, sizeof(value));
		return;
	}
	memcpy(&half, at, sizeof(half));
	half += delta;
	memcpy(at, &half, sizeof(half));
}

/* Makes the kernel run @delta bytes above the address it is linked for. */
static void relocate(struct unpacked *kernel, uint64_t count,
		     const uint64_t *starts, unsigned int lists, uint64_t delta)
{
	for (unsigned int list = 0; list < lists; list++) {
		uint64_t end = list + 1 < lists ? starts[list + 1] - 1 : count;
		bool inverse = lists == LISTS_MAX && list == 1;

		for (uint64_t i = starts[list]; i < end; i++)
			move_word(kernel->image +
					  target(kernel, relocation(kernel, i)),
				  list == 0, inverse ? -delta : delta);
	}
}

/* A multiple of @align from 0 to @limit, by chance. */
static uint64_t draw(uint64_t limit, uint64_t align)
{
	uint64_t chance;

	arc4random_buf(&chance, sizeof(chance));
	return chance % (limit / align + 1) * align;
}

/* False when the kernel has no relocations, or odd ones, and stays. */
static bool randomize(struct unpacked *kernel, uint64_t align)
{
	uint64_t count = (kernel->len - kernel->elf_end) / sizeof(uint32_t);
	uint64_t starts[LISTS_MAX];
	unsigned int lists = find_lists(kernel, count, starts);
	uint64_t end = kernel->base + kernel->room;

	if (lists < 2 || end > KERNEL_MAP_SIZE)
		return false;
	relocate(kernel, count, starts, lists,
		 draw(KERNEL_MAP_SIZE - end, align));
	return true;
}

int unpack_kernel(const uint8_t *payload, uint64_t len,
		  const struct setup_header *header, uint8_t *image,
		  uint64_t *entry)
{
	struct unpacked kernel = {
		.image = image,
		.room = header->init_size,
		.base = header->pref_address,
	};
	uint32_t size;

	if (len < 2 * sizeof(size) ||
	    memcmp(payload, &(uint32_t){ZSTD_FRAME}, 4))
		return -ENOTSUP;
	len -= sizeof(size);
	memcpy(&size, payload + len, sizeof(size));
	kernel.len = ZSTD_decompress(image, kernel.room, payload, len);
	if (ZSTD_isError(kernel.len) || kernel.len != size)
		return -EBADMSG;
	if (!read_elf(&kernel))
		return -ENOTSUP;
	place_segments(&kernel);
	*entry = kernel.entry;
	return randomize(&kernel, header->kernel_alignment);
}

/* Somewhere between the place the kernel prefers and the initrd. */
static uint64_t choose_place(const struct boot_image *image,
			     const struct setup_header *header)
{
	uint64_t first = header->pref_address;
	uint64_t end = image->ram->ranges[0].size;

	if (image->initrd)
		end = image->initrd;
	return first +
	       draw(end - header->init_size - first, header->kernel_alignment);
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
	       unpack_wanted(image->files->command_line);
}

int boot_unpack(struct boot_image *image, int fd, uint64_t code,
		struct setup_header *header, struct vcpu_entry *entry)
{
	CLEANUP_MEMORY uint8_t *payload = NULL;
	uint64_t addr, start;
	int r;

	if (!suits(image, header))
		return -ENOTSUP;
	payload = malloc(header->payload_length);
	if (!payload)
		return -ENOMEM;
	r = boot_read_file(fd, payload, header->payload_length,
			   code + header->payload_offset, "kernel");
	if (r < 0)
		return r;
	addr = choose_place(image, header);
	r = unpack_kernel(payload, header->payload_length, header,
			  ram_at(image->ram, addr, header->init_size), &start);
	if (r == -EBADMSG)
		return report(-EINVAL,
			      "--kernel: '%s' is damaged: what it holds cannot "
			      "be unpacked; copy it again",
			      image->files->kernel);
	if (r < 0)
		return r;
	if (r)
		header->loadflags |= KASLR_FLAG;
	*entry = (struct vcpu_entry){
		.rip = addr + start,
		.rsi = LAYOUT_ZERO_PAGE,
		.long_mode = true,
	};
	return 0;
}
