/* SPDX-License-Identifier: MIT */
/*
 * sample.h - the sample device as its driver sees it
 */
#ifndef MDEV_TRANSPORT_SAMPLE_H
#define MDEV_TRANSPORT_SAMPLE_H

#include <stdint.h>

#define SAMPLE_VENDOR 0x7472
#define SAMPLE_DEVICE 0x0001

/* Regions, by index of VFIO PCI. */
#define SAMPLE_BAR 0
#define SAMPLE_MSIX_BAR 2
#define SAMPLE_WINDOW_BAR 4
#define SAMPLE_CONFIG 7

#define SAMPLE_BAR_SIZE 0x4000
#define SAMPLE_MSIX_SIZE 0x1000
#define SAMPLE_WINDOW_SIZE 0x1000000
#define SAMPLE_BUFFER 0x100000
#define SAMPLE_VECTORS 3
#define SAMPLE_DOORBELL 0x100 /* in SAMPLE_BAR; fires vector 0 */

enum sample_command {
	SAMPLE_READ = 1,
	SAMPLE_WRITE,
	SAMPLE_MAP,
	SAMPLE_UNMAP,
	SAMPLE_FIRE, /* the vector that stands in @length */
	SAMPLE_RAISE,
	SAMPLE_LOWER,
	SAMPLE_DIE,
	SAMPLE_HANG,
};

struct sample_registers {
	uint64_t anything;
	uint64_t iova;
	uint32_t length;
	uint32_t command;
	uint32_t result;
	uint32_t reserved;
	uint64_t offset;
	uint32_t resets;
	uint32_t reserved2;
};

/* Type 0 header; memory BARs 0 and 2, 64-bit prefetchable BAR 4, MSI-X. */
#define SAMPLE_CONFIG_SPACE                  \
	{                                    \
		[0x00] = 0x72,               \
		[0x01] = 0x74,               \
		[0x02] = 0x01,               \
		[0x06] = 0x10,               \
		[0x0a] = 0x80,               \
		[0x0b] = 0x08,               \
		[0x20] = 0x0c,               \
		[0x2c] = 0x72,               \
		[0x2d] = 0x74,               \
		[0x2e] = 0x01,               \
		[0x34] = 0x40,               \
		[0x3d] = 0x01,               \
		[0x40] = 0x11,               \
		[0x42] = SAMPLE_VECTORS - 1, \
		[0x44] = SAMPLE_MSIX_BAR,    \
		[0x48] = SAMPLE_MSIX_BAR,    \
		[0x49] = 0x08,               \
	}

#endif /* MDEV_TRANSPORT_SAMPLE_H */
