// SPDX-License-Identifier: MIT
/* A bzImage's kernel: any bytes, as what the file holds once it is unpacked. */
#include <asm/bootparam.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "vmm-hooks/vmm/boot_unpack.h"
#include "vmm-hooks/vmm/layout.h"

#define ROOM (64 * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct setup_header header = {
		.init_size = ROOM,
		.pref_address = 16 * MIB,
		.kernel_alignment = 2 * MIB,
	};
	uint32_t size = len;
	size_t room = ZSTD_compressBound(len) + sizeof(size);
	uint8_t *packed = malloc(room);
	uint8_t *image = malloc(ROOM);
	uint64_t entry = 0;
	size_t packed_len;

	packed_len =
		ZSTD_compress(packed, room - sizeof(size), data, len, 1);
	memcpy(packed + packed_len, &size, sizeof(size));
	if (unpack_kernel(packed, packed_len + sizeof(size), &header, image,
			  &entry) >= 0 &&
	    entry >= ROOM)
		__builtin_trap();
	free(image);
	free(packed);
	return 0;
}
