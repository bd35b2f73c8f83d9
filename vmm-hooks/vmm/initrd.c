// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/initrd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* One cpio entry of the "newc" kind: 13 numbers of 8 hexadecimal digits. */
#define CPIO_HEADER 110
#define CPIO_FILE_SIZE 54
#define CPIO_NAME_SIZE 94
#define CPIO_TRAILER "TRAILER!!!"

/* What is left of the file. */
struct rest {
	const uint8_t *data;
	size_t len;
};

static bool begins(const struct rest *rest, const char *magic, size_t len)
{
	return rest->len >= len && !memcmp(rest->data, magic, len);
}

static int skip(struct rest *rest, uint64_t len)
{
	if (len > rest->len)
		return -ENODATA;
	rest->data += len;
	rest->len -= len;
	return 0;
}

static uint32_t hex(const uint8_t *digits)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < 8; i++) {
		uint8_t c = digits[i] | 0x20;

		value = value << 4 |
			(digits[i] <= '9' ? digits[i] & 0xf
					  : (uint32_t)(c - 'a' + 10) & 0xf);
	}
	return value;
}

static uint64_t align4(uint64_t len)
{
	return (len + 3) & ~3ull;
}

/* Walks one archive; its end is an entry of a known name. */
static int walk_cpio(struct rest *rest)
{
	for (;;) {
		uint32_t name, size;
		bool last;

		if (rest->len < CPIO_HEADER)
			return -ENODATA;
		if (!begins(rest, "070701", 6) && !begins(rest, "070702", 6))
			return -EINVAL;
		name = hex(rest->data + CPIO_NAME_SIZE);
		size = hex(rest->data + CPIO_FILE_SIZE);
		if (CPIO_HEADER + (uint64_t)name > rest->len)
			return -ENODATA;
		last = name == sizeof(CPIO_TRAILER) &&
		       !memcmp(rest->data + CPIO_HEADER, CPIO_TRAILER, name);
		if (last)
			return skip(rest, CPIO_HEADER + name);
		if (skip(rest, align4(CPIO_HEADER + (uint64_t)name)) < 0 ||
		    skip(rest, align4(size)) < 0)
			return -ENODATA;
	}
}

/* Stream padding is zeros; a stream's footer ends in two known letters. */
static int check_xz(const struct rest *rest)
{
	size_t len = rest->len;

	while (len && !rest->data[len - 1])
		len--;
	return len >= 12 && rest->data[len - 2] == 'Y' &&
			       rest->data[len - 1] == 'Z'
		       ? 0
		       : -ENODATA;
}

/* Bytes of a zstd frame header behind the magic (RFC 8878 §3.1.1.1). */
static unsigned int zstd_header(uint8_t descriptor)
{
	static const unsigned int content[] = {0, 2, 4, 8};
	static const unsigned int dictionary[] = {0, 1, 2, 4};
	bool single = descriptor & 0x20;
	unsigned int size = content[descriptor >> 6];

	if (single && !size)
		size = 1;
	return 1 + (single ? 0 : 1) + dictionary[descriptor & 3] + size;
}

/* Follows the blocks of one frame (RFC 8878 §3.1.1.2). */
static int walk_zstd(struct rest *rest)
{
	uint8_t descriptor;
	uint32_t block;

	if (rest->len < 5)
		return -ENODATA;
	descriptor = rest->data[4];
	if (skip(rest, 4 + zstd_header(descriptor)) < 0)
		return -ENODATA;
	do {
		if (rest->len < 3)
			return -ENODATA;
		block = rest->data[0] | rest->data[1] << 8 |
			(uint32_t)rest->data[2] << 16;
		/* A run-length block has one byte, whatever its size. */
		if (skip(rest, 3 + ((block >> 1 & 3) == 1 ? 1 : block >> 3)) <
		    0)
			return -ENODATA;
	} while (!(block & 1));
	return descriptor & 4 ? skip(rest, 4) : 0;
}

static bool is_other_compression(const struct rest *rest)
{
	return begins(rest, "\x1f\x8b", 2) || begins(rest, "BZh", 3) ||
	       begins(rest, "\x5d\0\0", 3) || begins(rest, "\x89LZO", 4) ||
	       begins(rest, "\x02!L\x18", 4);
}

int initrd_check(const uint8_t *data, size_t len)
{
	struct rest rest = {data, len};
	bool found = false;

	for (;;) {
		int r;

		while (rest.len && !*rest.data)
			skip(&rest, 1);
		if (!rest.len)
			return found ? 0 : -EINVAL;
		if (begins(&rest,
			   "\xfd"
			   "7zXZ",
			   5))
			return check_xz(&rest);
		if (is_other_compression(&rest))
			return 0;
		if (begins(&rest, "\x28\xb5\x2f\xfd", 4))
			r = walk_zstd(&rest);
		else if (begins(&rest, "07070", 5))
			r = walk_cpio(&rest);
		else
			return found ? 0 : -EINVAL;
		if (r < 0)
			return r;
		found = true;
	}
}
