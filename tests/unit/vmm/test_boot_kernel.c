// SPDX-License-Identifier: MIT
/* A bzImage's kernel: unpacked, placed and moved, or refused. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "vmm-hooks/vmm/boot_direct.h"
#include "vmm-hooks/vmm/boot_kernel.h"
#include "vmm-hooks/vmm/layout.h"

#define BASE (16 * MIB)
#define ROOM (64 * KIB)
#define ALIGN (2 * MIB)

/* Two segments, which are nearer to each other in memory than in the file. */
#define TEXT_OFFSET 0x1000
#define TEXT_SIZE 0x800
#define DATA_OFFSET 0x3000
#define DATA_SIZE 0x400
#define DATA_PLACE 0x1000
#define SECTIONS 0x4000
#define ENTRY 0x40

/* Words that move with the kernel, as places in memory. */
#define WIDE 0x100
#define NARROW 0x200
#define INVERSE (DATA_PLACE + 0x80)
#define STILL 0x300

#define KERNEL_MAP 0xffffffff80000000ull
#define LOW_HALF(place) ((uint32_t)(KERNEL_MAP + BASE + (place)))

struct file {
	uint8_t bytes[0x8000];
	size_t len;
	uint8_t packed[0x8000];
	size_t packed_len;
};

static void put(struct file *file, size_t at, const void *data, size_t len)
{
	memcpy(file->bytes + at, data, len);
}

/* Memory's word at @place, where the file has it. */
static void put_word(struct file *file, uint64_t place, uint64_t value,
		     size_t width)
{
	size_t at = place < DATA_PLACE ? TEXT_OFFSET + place
				       : DATA_OFFSET + place - DATA_PLACE;

	put(file, at, &value, width);
}

static void make_elf(struct file *file)
{
	const Elf64_Ehdr elf = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
		.e_machine = EM_X86_64,
		.e_entry = BASE + ENTRY,
		.e_phoff = sizeof(elf),
		.e_shoff = SECTIONS,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = 64,
		.e_shnum = 1,
	};
	const Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD,
		 .p_offset = TEXT_OFFSET,
		 .p_paddr = BASE,
		 .p_filesz = TEXT_SIZE,
		 .p_memsz = TEXT_SIZE},
		{.p_type = PT_LOAD,
		 .p_offset = DATA_OFFSET,
		 .p_paddr = BASE + DATA_PLACE,
		 .p_filesz = DATA_SIZE,
		 .p_memsz = 2 * DATA_SIZE},
	};

	memset(file, 0, sizeof(*file));
	put(file, 0, &elf, sizeof(elf));
	put(file, sizeof(elf), segments, sizeof(segments));
	put_word(file, WIDE, KERNEL_MAP + BASE + 0x111, 8);
	put_word(file, NARROW, LOW_HALF(0x222), 4);
	put_word(file, INVERSE, 0x333, 4);
	put_word(file, STILL, 0x444, 8);
	file->len = SECTIONS + 64;
}

static void add_relocations(struct file *file, const uint32_t *words,
			    size_t count)
{
	if (count)
		put(file, file->len, words, count * sizeof(*words));
	file->len += count * sizeof(*words);
}

static void pack(struct file *file)
{
	uint32_t size = file->len;

	file->packed_len =
		ZSTD_compress(file->packed, sizeof(file->packed) - sizeof(size),
			      file->bytes, file->len, 1);
	assert_false(ZSTD_isError(file->packed_len));
	memcpy(file->packed + file->packed_len, &size, sizeof(size));
	file->packed_len += sizeof(size);
}

static int unpack_only(const struct file *file, size_t packed_len,
		       struct boot_kernel *kernel)
{
	static uint8_t image[ROOM];

	*kernel = (struct boot_kernel){
		.image = image,
		.room = ROOM,
		.base = BASE,
	};
	return boot_kernel_unpack(kernel, file->packed, packed_len);
}

/* Return: whether the kernel was randomized, or negative errno. */
static int unpack(struct file *file, struct boot_kernel *kernel)
{
	int r;

	pack(file);
	r = unpack_only(file, file->packed_len, kernel);
	return r < 0 ? r : boot_kernel_randomize(kernel, ALIGN);
}

static uint64_t word(const struct boot_kernel *kernel, uint64_t place,
		     size_t width)
{
	uint64_t value = 0;

	memcpy(&value, kernel->image + place, width);
	return value;
}

static const uint32_t old_lists[] = {
	0, LOW_HALF(WIDE), 0, LOW_HALF(INVERSE), 0, LOW_HALF(NARROW),
};

static void segments_and_words_are_moved(void **state)
{
	static struct file file;
	struct boot_kernel kernel;
	uint64_t delta;

	(void)state;
	make_elf(&file);
	add_relocations(&file, old_lists, 6);
	assert_int_equal(unpack(&file, &kernel), 1);
	assert_int_equal(kernel.entry, ENTRY);
	delta = word(&kernel, WIDE, 8) - (KERNEL_MAP + BASE + 0x111);
	assert_int_equal(delta % ALIGN, 0);
	assert_true(BASE + delta + ROOM <= GIB);
	assert_int_equal(word(&kernel, NARROW, 4),
			 (uint32_t)(LOW_HALF(0x222) + delta));
	assert_int_equal(word(&kernel, INVERSE, 4), (uint32_t)(0x333 - delta));
	assert_int_equal(word(&kernel, STILL, 8), 0x444);
}

static void newer_kernels_have_no_inverse_words(void **state)
{
	static const uint32_t lists[] = {0, LOW_HALF(WIDE), 0, LOW_HALF(NARROW),
					 LOW_HALF(INVERSE)};
	static struct file file;
	struct boot_kernel kernel;
	uint64_t delta;

	(void)state;
	make_elf(&file);
	add_relocations(&file, lists, 5);
	assert_int_equal(unpack(&file, &kernel), 1);
	delta = word(&kernel, WIDE, 8) - (KERNEL_MAP + BASE + 0x111);
	assert_int_equal(word(&kernel, NARROW, 4),
			 (uint32_t)(LOW_HALF(0x222) + delta));
	assert_int_equal(word(&kernel, INVERSE, 4), (uint32_t)(0x333 + delta));
}

/* 505 places there are: 16 draws of one alone would be a broken draw. */
static void places_differ(void **state)
{
	static struct file file;
	struct boot_kernel kernel;
	uint64_t first;
	bool differ = false;

	(void)state;
	make_elf(&file);
	add_relocations(&file, old_lists, 6);
	assert_int_equal(unpack(&file, &kernel), 1);
	first = word(&kernel, WIDE, 8);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(unpack(&file, &kernel), 1);
		differ |= word(&kernel, WIDE, 8) != first;
	}
	assert_true(differ);
}

/* A kernel whose relocations are odd or missing stays where it is linked. */
static void stays(const uint32_t *lists, size_t count)
{
	static struct file file;
	struct boot_kernel kernel;

	make_elf(&file);
	add_relocations(&file, lists, count);
	assert_int_equal(unpack(&file, &kernel), 0);
	assert_true(word(&kernel, WIDE, 8) == KERNEL_MAP + BASE + 0x111);
	assert_int_equal(word(&kernel, NARROW, 4), LOW_HALF(0x222));
	assert_int_equal(kernel.entry, ENTRY);
}

static void odd_relocations_are_left(void **state)
{
	static const uint32_t beyond[] = {0, LOW_HALF(WIDE), 0,
					  LOW_HALF(DATA_PLACE + DATA_SIZE - 7)};
	static const uint32_t below[] = {0, LOW_HALF(WIDE), 0, LOW_HALF(-1)};
	static const uint32_t headless[] = {LOW_HALF(WIDE), 0, 0};
	static const uint32_t many[] = {0, 0, 0, 0, LOW_HALF(WIDE)};

	(void)state;
	stays(NULL, 0);
	stays(beyond, 4);
	stays(below, 4);
	stays(headless, 3);
	stays(many, 5);
}

static void change_segment(struct file *file, Elf64_Phdr *segment)
{
	make_elf(file);
	memcpy(segment, file->bytes + sizeof(Elf64_Ehdr) + sizeof(*segment),
	       sizeof(*segment));
}

static int unpack_changed(struct file *file, const Elf64_Phdr *segment)
{
	struct boot_kernel kernel;

	put(file, sizeof(Elf64_Ehdr) + sizeof(*segment), segment,
	    sizeof(*segment));
	return unpack(file, &kernel);
}

static void odd_segments_are_refused(void **state)
{
	static struct file file;
	Elf64_Phdr segment;

	(void)state;
	change_segment(&file, &segment);
	segment.p_paddr = BASE - 1;
	assert_int_equal(unpack_changed(&file, &segment), -ENOTSUP);
	change_segment(&file, &segment);
	segment.p_memsz = ROOM;
	assert_int_equal(unpack_changed(&file, &segment), -ENOTSUP);
	change_segment(&file, &segment);
	segment.p_offset = UINT64_MAX - 8;
	assert_int_equal(unpack_changed(&file, &segment), -ENOTSUP);
	change_segment(&file, &segment);
	segment.p_offset = TEXT_OFFSET;
	assert_int_equal(unpack_changed(&file, &segment), -ENOTSUP);
}

static void damage_is_told_from_other_formats(void **state)
{
	static struct file file;
	struct boot_kernel kernel;

	(void)state;
	make_elf(&file);
	pack(&file);
	file.packed[file.packed_len - 4] ^= 1;
	assert_int_equal(unpack_only(&file, file.packed_len, &kernel),
			 -EBADMSG);
	pack(&file);
	assert_int_equal(unpack_only(&file, file.packed_len / 2, &kernel),
			 -EBADMSG);
	memcpy(file.packed, "\x1f\x8b\x08\x00", 4);
	assert_int_equal(unpack_only(&file, file.packed_len, &kernel),
			 -ENOTSUP);
	assert_int_equal(unpack_only(&file, 3, &kernel), -ENOTSUP);
}

static void command_lines_may_fix_the_place(void **state)
{
	(void)state;
	assert_true(boot_direct_wanted("console=ttyS0 quiet panic=-1"));
	assert_false(boot_direct_wanted("quiet nokaslr"));
	assert_false(boot_direct_wanted("mem=512M"));
	assert_false(boot_direct_wanted("quiet memmap=64M!1G"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_and_words_are_moved),
		cmocka_unit_test(newer_kernels_have_no_inverse_words),
		cmocka_unit_test(places_differ),
		cmocka_unit_test(odd_relocations_are_left),
		cmocka_unit_test(odd_segments_are_refused),
		cmocka_unit_test(damage_is_told_from_other_formats),
		cmocka_unit_test(command_lines_may_fix_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
