// SPDX-License-Identifier: MIT
/*
 * PVH: an ELF kernel that names its 32-bit entry in a Xen note (type 18). The
 * processor begins there in flat protected mode with the start info in EBX.
 */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "vmm-hooks/vmm/boot.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/report.h"

#define NOTE_PHYS32_ENTRY 18
#define NOTES_MAX (1 * MIB)
#define HEADERS_MAX 64
#define START_MAGIC 0x336ec578
#define COMMAND_LINE_MAX 2047

/* xen/include/public/arch-x86/hvm/start_info.h, version 1. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t ranges;
	uint32_t range_count;
	uint32_t reserved;
};

struct module_entry {
	uint64_t addr;
	uint64_t size;
	uint64_t command_line;
	uint64_t reserved;
};

struct range_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

struct start_page {
	struct start_info info;
	struct module_entry module;
	struct range_entry ranges[BOOT_RANGES_MAX];
};

static int refuse(const struct boot_image *image, const char *why)
{
	return report(-EINVAL,
		      "--kernel: '%s' %s: give a bzImage, or a vmlinux built "
		      "with CONFIG_PVH",
		      image->files->kernel, why);
}

static bool read_exactly(int fd, void *to, size_t len, uint64_t offset)
{
	return pread(fd, to, len, offset) == (ssize_t)len;
}

static uint64_t align4(uint64_t len)
{
	return (len + 3) & ~3ull;
}

/* Looks through one segment of notes; true when the entry was found. */
static bool find_note(const uint8_t *notes, uint64_t len, uint32_t *entry)
{
	Elf64_Nhdr note;

	for (uint64_t at = 0; at + sizeof(note) <= len;) {
		uint64_t name, body;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		body = name + align4(note.n_namesz);
		at = body + align4(note.n_descsz);
		if (at > len)
			return false;
		if (note.n_type != NOTE_PHYS32_ENTRY || note.n_namesz != 4 ||
		    memcmp(notes + name, "Xen", 4) ||
		    note.n_descsz < sizeof(*entry))
			continue;
		memcpy(entry, notes + body, sizeof(*entry));
		return true;
	}
	return false;
}

static bool read_notes(int fd, const Elf64_Phdr *header, uint32_t *entry)
{
	CLEANUP_MEMORY uint8_t *notes = NULL;

	if (!header->p_filesz || header->p_filesz > NOTES_MAX)
		return false;
	notes = malloc(header->p_filesz);
	if (!notes ||
	    !read_exactly(fd, notes, header->p_filesz, header->p_offset))
		return false;
	return find_note(notes, header->p_filesz, entry);
}

static int load_segment(struct boot_image *image, int fd,
			const Elf64_Phdr *header)
{
	uint64_t end;
	uint8_t *to;

	if (header->p_filesz > header->p_memsz ||
	    __builtin_add_overflow(header->p_paddr, header->p_memsz, &end))
		return refuse(image, "has a damaged program header");
	if (header->p_paddr < MIB)
		return refuse(image, "wants to be loaded below 1 MiB");
	to = ram_at(image->ram, header->p_paddr, header->p_memsz);
	if (!to)
		return report(-ENOMEM,
			      "the kernel needs %" PRIu64
			      " MiB: give the guest more with --memory",
			      end / MIB + 1);
	if (end > image->kernel_end)
		image->kernel_end = end;
	/* The rest of the segment is zero already: memory starts so. */
	return boot_read(image, fd, header->p_offset, header->p_paddr,
			 header->p_filesz, "kernel");
}

static int load_segments(struct boot_image *image, int fd,
			 const Elf64_Phdr *headers, unsigned int count,
			 uint32_t *entry)
{
	bool found = false;

	for (unsigned int i = 0; i < count; i++) {
		int r = 0;

		if (headers[i].p_type == PT_LOAD && headers[i].p_memsz)
			r = load_segment(image, fd, &headers[i]);
		if (headers[i].p_type == PT_NOTE && !found)
			found = read_notes(fd, &headers[i], entry);
		if (r < 0)
			return r;
	}
	return found ? 0 : refuse(image, "has no PVH entry");
}

static void fill_start(const struct boot_image *image, struct start_page *page)
{
	uint64_t base = LAYOUT_START_INFO;
	struct boot_range ranges[BOOT_RANGES_MAX];
	unsigned int count = boot_ranges(image->ram, ranges);

	*page = (struct start_page){
		.info = {.magic = START_MAGIC,
			 .version = 1,
			 .module_count = image->initrd_len ? 1 : 0,
			 .modules = base + offsetof(struct start_page, module),
			 .command_line = LAYOUT_COMMAND_LINE,
			 .rsdp = image->rsdp,
			 .ranges = base + offsetof(struct start_page, ranges),
			 .range_count = count},
		.module = {.addr = image->initrd, .size = image->initrd_len},
	};
	for (unsigned int i = 0; i < count; i++)
		page->ranges[i] = (struct range_entry){
			ranges[i].addr, ranges[i].size, ranges[i].type, 0};
}

static bool is_kernel(const Elf64_Ehdr *header)
{
	return header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_machine == EM_X86_64 &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum &&
	       header->e_phnum <= HEADERS_MAX;
}

int boot_pvh(struct boot_image *image, int fd, struct vcpu_entry *entry)
{
	Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Ehdr header;
	uint32_t start = 0;
	int r;

	if (!read_exactly(fd, &header, sizeof(header), 0) ||
	    !is_kernel(&header))
		return refuse(image, "is no ELF file of x86-64");
	if (!read_exactly(fd, headers, header.e_phnum * sizeof(headers[0]),
			  header.e_phoff))
		return refuse(image, "is truncated");
	r = load_segments(image, fd, headers, header.e_phnum, &start);
	if (r < 0)
		return r;
	image->initrd_limit = LAYOUT_LOW_END;
	r = boot_load_initrd(image);
	if (r < 0)
		return r;
	r = boot_load_command_line(image, COMMAND_LINE_MAX);
	if (r < 0)
		return r;
	fill_start(image, ram_at(image->ram, LAYOUT_START_INFO,
				 sizeof(struct start_page)));
	*entry = (struct vcpu_entry){.rip = start, .rbx = LAYOUT_START_INFO};
	return 0;
}
