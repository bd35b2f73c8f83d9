// SPDX-License-Identifier: MIT
/*
 * The payload of a bzImage (Documentation/arch/x86/boot.rst, "payload_offset") is
 * an ELF file. The words that move with the kernel stand behind it, as lists of
 * their virtual addresses' low halves, each preceded by a zero
 * (arch/x86/tools/relocs.c): words of 64 bits, then, before Linux 6.15, inverse
 * ones of 32, then words of 32.
 */
#include "vmm-hooks/vmm/boot_kernel.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vmm-hooks/vmm/layout.h"

#define ZSTD_FRAME 0xfd2fb528u
#define SEGMENTS_MAX 16
#define LISTS_MAX 3

/* The kernel's own mapping: where it begins, and how far it may reach. */
#define KERNEL_MAP 0xffffffff80000000ull
#define KERNEL_MAP_SIZE (1 * GIB)

/* What is unpacked, as it is read. */
struct unpacked {
	struct boot_kernel *kernel;
	uint64_t len; /* of the output, which begins at the kernel's image */
	uint64_t elf_end; /* what follows are the words that move */
	Elf64_Phdr segments[SEGMENTS_MAX];
	unsigned int segment_count;
};

/* Segments must move down, in turn, for one not to run over the next one. */
static bool add_segment(struct unpacked *unpacked, const Elf64_Phdr *header)
{
	struct boot_kernel *kernel = unpacked->kernel;
	uint64_t place = header->p_paddr - kernel->base;
	uint64_t end;

	if (header->p_type != PT_LOAD)
		return true;
	if (header->p_paddr < kernel->base || place < kernel->len ||
	    place > header->p_offset || place > kernel->room ||
	    header->p_memsz > kernel->room - place ||
	    header->p_filesz > header->p_memsz ||
	    __builtin_add_overflow(header->p_offset, header->p_filesz, &end) ||
	    header->p_offset < unpacked->elf_end || end > unpacked->len)
		return false;
	unpacked->elf_end = end;
	kernel->len = place + header->p_filesz;
	unpacked->segments[unpacked->segment_count++] = *header;
	return true;
}

static bool read_segments(struct unpacked *unpacked, const Elf64_Ehdr *elf)
{
	const uint8_t *file = unpacked->kernel->image;
	Elf64_Phdr header;

	if (elf->e_phentsize != sizeof(header) || elf->e_phnum > SEGMENTS_MAX ||
	    elf->e_phoff > unpacked->len ||
	    unpacked->len - elf->e_phoff < elf->e_phnum * sizeof(header))
		return false;
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		memcpy(&header, file + elf->e_phoff + i * sizeof(header),
		       sizeof(header));
		if (!add_segment(unpacked, &header))
			return false;
	}
	return unpacked->segment_count;
}

static bool read_elf(struct unpacked *unpacked)
{
	struct boot_kernel *kernel = unpacked->kernel;
	uint64_t sections;
	Elf64_Ehdr elf;

	if (unpacked->len < sizeof(elf))
		return false;
	memcpy(&elf, kernel->image, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_machine != EM_X86_64 || !read_segments(unpacked, &elf))
		return false;
	sections = (uint64_t)elf.e_shnum * elf.e_shentsize;
	if (elf.e_shoff > unpacked->len ||
	    sections > unpacked->len - elf.e_shoff)
		return false;
	if (elf.e_shoff + sections > unpacked->elf_end)
		unpacked->elf_end = elf.e_shoff + sections;
	kernel->entry = elf.e_entry - kernel->base;
	return kernel->entry < kernel->len;
}

static void place_segments(const struct unpacked *unpacked)
{
	struct boot_kernel *kernel = unpacked->kernel;

	for (unsigned int i = 0; i < unpacked->segment_count; i++) {
		const Elf64_Phdr *header = &unpacked->segments[i];

		memmove(kernel->image + (header->p_paddr - kernel->base),
			kernel->image + header->p_offset, header->p_filesz);
	}
}

int boot_kernel_unpack(struct boot_kernel *kernel, const uint8_t *payload,
		       uint64_t len)
{
	struct unpacked unpacked = {.kernel = kernel};
	uint32_t size;

	kernel->len = 0;
	if (len < 2 * sizeof(size) ||
	    memcmp(payload, &(uint32_t){ZSTD_FRAME}, sizeof(size)))
		return -ENOTSUP;
	len -= sizeof(size);
	memcpy(&size, payload + len, sizeof(size));
	unpacked.len =
		ZSTD_decompress(kernel->image, kernel->room, payload, len);
	if (ZSTD_isError(unpacked.len) || unpacked.len != size)
		return -EBADMSG;
	if (!read_elf(&unpacked))
		return -ENOTSUP;
	place_segments(&unpacked);
	kernel->words = kernel->image + unpacked.elf_end;
	kernel->word_count =
		(unpacked.len - unpacked.elf_end) / sizeof(uint32_t);
	return 0;
}

static uint32_t word_at(const struct boot_kernel *kernel, uint64_t index)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)kernel->words + index * sizeof(value),
	       sizeof(value));
	return value;
}

/* Which place a word of the lists means; beyond all data when it is wrong. */
static uint64_t place_of(const struct boot_kernel *kernel, uint32_t word)
{
	uint64_t addr = (uint64_t)(int64_t)(int32_t)word;

	return addr - KERNEL_MAP - kernel->base;
}

static bool place_is_inside(const struct boot_kernel *kernel, uint64_t place)
{
	return place <= kernel->len && kernel->len - place >= sizeof(uint64_t);
}

/* Finds the lists' starts; how many there are, 0 when they make no sense. */
static unsigned int find_lists(const struct boot_kernel *kernel,
			       uint64_t *starts)
{
	unsigned int lists = 0;

	for (uint64_t i = 0; i < kernel->word_count; i++) {
		uint32_t word = word_at(kernel, i);

		if (word) {
			if (!lists ||
			    !place_is_inside(kernel, place_of(kernel, word)))
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
static void relocate(const struct boot_kernel *kernel, const uint64_t *starts,
		     unsigned int lists, uint64_t delta)
{
	for (unsigned int list = 0; list < lists; list++) {
		uint64_t end = list + 1 < lists ? starts[list + 1] - 1
						: kernel->word_count;
		bool inverse = lists == LISTS_MAX && list == 1;

		for (uint64_t i = starts[list]; i < end; i++)
			move_word(kernel->image +
					  place_of(kernel, word_at(kernel, i)),
				  list == 0, inverse ? -delta : delta);
	}
}

uint64_t boot_kernel_draw(uint64_t limit, uint64_t align)
{
	uint64_t chance;

	arc4random_buf(&chance, sizeof(chance));
	return chance % (limit / align + 1) * align;
}

bool boot_kernel_randomize(const struct boot_kernel *kernel, uint64_t align)
{
	uint64_t starts[LISTS_MAX];
	unsigned int lists = find_lists(kernel, starts);
	uint64_t end = kernel->base + kernel->room;

	if (lists < 2 || end > KERNEL_MAP_SIZE)
		return false;
	relocate(kernel, starts, lists,
		 boot_kernel_draw(KERNEL_MAP_SIZE - end, align));
	return true;
}
