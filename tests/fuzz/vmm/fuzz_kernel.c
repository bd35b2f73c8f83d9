// SPDX-License-Identifier: MIT
/*
 * A bzImage's kernel: any bytes, as what the file holds once it is unpacked. What
 * makes it an ELF file at all is put right, so that the rest is reached.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vmm-hooks/vmm/boot_kernel.h"
#include "vmm-hooks/vmm/layout.h"

#define ROOM (64 * KIB)
#define SEGMENTS 4
#define SECTION 64
#define ELF_SIZE (8 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE (16 * MIB)
#define ALIGN (2 * MIB)

/* Segments follow one another, and move down, but for the odd ones. */
static void make_segments(Elf64_Phdr *segments)
{
	uint64_t offset = KIB, place = 0;

	for (unsigned int i = 0; i < SEGMENTS; i++) {
		Elf64_Phdr *segment = &segments[i];

		segment->p_type %= 16;
		if (segment->p_type == 15)
			continue;
		segment->p_type = PT_LOAD;
		segment->p_filesz %= KIB;
		segment->p_memsz = segment->p_filesz + segment->p_memsz % KIB;
		segment->p_offset = offset + segment->p_offset % 64;
		segment->p_paddr = place + segment->p_paddr % 64;
		offset = segment->p_offset + segment->p_filesz;
		place = segment->p_paddr + segment->p_filesz;
		segment->p_paddr += BASE;
	}
}

static void make_elf(uint8_t *kernel)
{
	Elf64_Phdr segments[SEGMENTS];
	Elf64_Ehdr elf;

	memcpy(&elf, kernel, sizeof(elf));
	memcpy(segments, kernel + sizeof(elf), sizeof(segments));
	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_machine = EM_X86_64;
	elf.e_phentsize = sizeof(segments[0]);
	elf.e_entry = elf.e_entry % KIB + BASE;
	if (elf.e_flags % 16 != 15) {
		elf.e_phnum = SEGMENTS;
		elf.e_phoff = sizeof(elf);
		elf.e_shoff = ELF_SIZE - SECTION;
		elf.e_shentsize = SECTION;
		elf.e_shnum = 1;
	}
	make_segments(segments);
	memcpy(kernel, &elf, sizeof(elf));
	memcpy(kernel + sizeof(elf), segments, sizeof(segments));
}

/* Relocations, two bytes each: a zero, a place in the kernel, or any word. */
static size_t make_relocations(uint8_t *to, const uint8_t *data, size_t len)
{
	uint32_t word;
	uint16_t what;

	for (size_t i = 0; i < len / sizeof(what); i++) {
		memcpy(&what, data + i * sizeof(what), sizeof(what));
		word = 0x80000000u + BASE + what % (4 * KIB);
		if (what < KIB)
			word = 0;
		else if (what >= 63 * KIB)
			word = what * 0x10001u;
		memcpy(to + i * sizeof(word), &word, sizeof(word));
	}
	return len / sizeof(what) * sizeof(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t head = sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr);
	size_t packed_len, size = ELF_SIZE;
	struct boot_kernel unpacked = {.room = ROOM, .base = BASE};
	uint8_t *kernel, *packed;
	uint32_t trailer;

	kernel = calloc(1, ELF_SIZE + 2 * len);
	memcpy(kernel, data, len < head ? len : head);
	make_elf(kernel);
	if (len > head)
		size += make_relocations(kernel + ELF_SIZE, data + head,
					 len - head);
	packed = malloc(ZSTD_compressBound(size) + sizeof(trailer));
	packed_len = ZSTD_compress(packed, ZSTD_compressBound(size), kernel,
				   size, 1);
	trailer = size;
	memcpy(packed + packed_len, &trailer, sizeof(trailer));
	unpacked.image = malloc(ROOM);
	if (boot_kernel_unpack(&unpacked, packed,
			       packed_len + sizeof(trailer)) == 0) {
		boot_kernel_randomize(&unpacked, ALIGN);
		if (unpacked.entry >= unpacked.len || unpacked.len > ROOM)
			__builtin_trap();
	}
	free(unpacked.image);
	free(packed);
	free(kernel);
	return 0;
}
