// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/aml.h"

#include <assert.h>
#include <string.h>

/* Opcodes (ACPI 6.5 §20.3). */
#define OP_ZERO 0x00
#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_STRING 0x0d
#define OP_QWORD 0x0e
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_METHOD 0x14
#define OP_EXTENDED 0x5b
#define OP_EXTENDED_DEVICE 0x82

/* A package length of three bytes: 20 bits (§20.2.4). */
#define LENGTH_BYTES 3

/* Resource descriptors (§6.4). */
#define RESOURCE_END 0x79
#define RESOURCE_IO 0x47
#define RESOURCE_MEMORY_FIXED 0x86
#define RESOURCE_WORD 0x88
#define RESOURCE_INTERRUPT 0x89
#define RESOURCE_QWORD 0x8a

void aml_init(struct aml *aml, void *data, size_t size)
{
	*aml = (struct aml){.data = data, .size = size};
}

void aml_bytes(struct aml *aml, const void *data, size_t len)
{
	if (len > aml->size - aml->len) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->data + aml->len, data, len);
	aml->len += len;
}

static void put(struct aml *aml, uint64_t value, unsigned int len)
{
	aml_bytes(aml, &value, len);
}

/* Leaves room for the length, which the end of the term fills in. */
static void begin(struct aml *aml)
{
	assert(aml->depth < AML_DEPTH);
	aml->open[aml->depth++] = aml->len;
	put(aml, 0, LENGTH_BYTES);
}

void aml_end(struct aml *aml)
{
	size_t at, len;

	assert(aml->depth);
	at = aml->open[--aml->depth];
	len = aml->len - at;
	if (aml->overflow || len >= 1 << 20) {
		aml->overflow = true;
		return;
	}
	aml->data[at] = (LENGTH_BYTES - 1) << 6 | (len & 0xf);
	aml->data[at + 1] = len >> 4;
	aml->data[at + 2] = len >> 12;
}

static void put_name(struct aml *aml, const char *name)
{
	aml_bytes(aml, name, strlen(name));
}

void aml_scope(struct aml *aml, const char *path)
{
	put(aml, OP_SCOPE, 1);
	begin(aml);
	put_name(aml, path);
}

void aml_device(struct aml *aml, const char *name)
{
	put(aml, OP_EXTENDED, 1);
	put(aml, OP_EXTENDED_DEVICE, 1);
	begin(aml);
	put_name(aml, name);
}

void aml_method(struct aml *aml, const char *name, unsigned int arguments)
{
	put(aml, OP_METHOD, 1);
	begin(aml);
	put_name(aml, name);
	put(aml, arguments, 1);
}

void aml_package(struct aml *aml, unsigned int elements)
{
	put(aml, OP_PACKAGE, 1);
	begin(aml);
	put(aml, elements, 1);
}

void aml_name(struct aml *aml, const char *name)
{
	put(aml, OP_NAME, 1);
	put_name(aml, name);
}

void aml_integer(struct aml *aml, uint64_t value)
{
	unsigned int len = value < 0x100	 ? 1
			   : value < 0x10000	 ? 2
			   : value < 0x100000000 ? 4
						 : 8;
	static const uint8_t opcodes[] = {
		[1] = OP_BYTE, [2] = OP_WORD, [4] = OP_DWORD, [8] = OP_QWORD};

	put(aml, opcodes[len], 1);
	put(aml, value, len);
}

void aml_string(struct aml *aml, const char *text)
{
	put(aml, OP_STRING, 1);
	aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

void aml_eisa_id(struct aml *aml, const char *id)
{
	uint8_t bytes[4] = {
		(id[0] - 0x40) << 2 | (id[1] - 0x40) >> 3,
		(id[1] - 0x40) << 5 | (id[2] - 0x40),
		digit(id[3]) << 4 | digit(id[4]),
		digit(id[5]) << 4 | digit(id[6]),
	};

	put(aml, OP_DWORD, 1);
	aml_bytes(aml, bytes, sizeof(bytes));
}

/* A buffer's size is a word, filled in at the end, before its bytes. */
void aml_resources_begin(struct aml *aml)
{
	put(aml, OP_BUFFER, 1);
	begin(aml);
	put(aml, OP_WORD, 1);
	put(aml, 0, 2);
}

void aml_resources_end(struct aml *aml)
{
	size_t size_at = aml->open[aml->depth - 1] + LENGTH_BYTES + 1;
	uint16_t size;

	put(aml, RESOURCE_END, 1);
	put(aml, 0, 1); /* no checksum */
	if (!aml->overflow) {
		size = aml->len - size_at - sizeof(size);
		memcpy(aml->data + size_at, &size, sizeof(size));
	}
	aml_end(aml);
}

void aml_bus_numbers(struct aml *aml, uint16_t first, uint16_t last)
{
	put(aml, RESOURCE_WORD, 1);
	put(aml, 13, 2);
	put(aml, 2, 1); /* bus numbers */
	put(aml, 0x0c, 1); /* fixed, produced */
	put(aml, 0, 1);
	put(aml, 0, 2); /* granularity */
	put(aml, first, 2);
	put(aml, last, 2);
	put(aml, 0, 2); /* translation */
	put(aml, last - first + 1, 2);
}

void aml_memory_window(struct aml *aml, uint64_t base, uint64_t size)
{
	put(aml, RESOURCE_QWORD, 1);
	put(aml, 43, 2);
	put(aml, 0, 1); /* memory */
	put(aml, 0x0c, 1); /* fixed, produced */
	put(aml, 0x01, 1); /* writable; takes prefetchable BARs too */
	put(aml, 0, 8);
	put(aml, base, 8);
	put(aml, base + size - 1, 8);
	put(aml, 0, 8);
	put(aml, size, 8);
}

void aml_memory_fixed(struct aml *aml, uint32_t base, uint32_t size)
{
	put(aml, RESOURCE_MEMORY_FIXED, 1);
	put(aml, 9, 2);
	put(aml, 1, 1); /* writable */
	put(aml, base, 4);
	put(aml, size, 4);
}

void aml_ports(struct aml *aml, uint16_t base, uint8_t count)
{
	put(aml, RESOURCE_IO, 1);
	put(aml, 1, 1); /* 16-bit decode */
	put(aml, base, 2);
	put(aml, base, 2);
	put(aml, 1, 1); /* alignment */
	put(aml, count, 1);
}

void aml_interrupt(struct aml *aml, uint32_t gsi, bool level)
{
	put(aml, RESOURCE_INTERRUPT, 1);
	put(aml, 6, 2);
	put(aml, level ? 0x01 : 0x03, 1); /* consumer; edge */
	put(aml, 1, 1);
	put(aml, gsi, 4);
}
