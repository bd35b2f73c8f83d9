/* SPDX-License-Identifier: MIT */
/*
 * vfio.h - a VMM as far as VFIO sees one
 */
#ifndef TESTS_LAB_KMOD_VFIO_H
#define TESTS_LAB_KMOD_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guest memory of every client: two stretches with a hole between them. */
#define GUEST_BASE 0x10000000ULL
#define GUEST_SIZE 0x200000ULL
#define GUEST_HOLE (GUEST_BASE + GUEST_SIZE)
#define GUEST_BASE2 (GUEST_HOLE + 0x1000)

struct vfio {
	int container; /* or iommufd */
	int group; /* or -1 */
	int device;
	uint32_t ioas;
	char *memory; /* at GUEST_BASE, and the same again at GUEST_BASE2 */
	void *windows[4]; /* what vfio_map_window() has mapped */
	uint64_t window_sizes[4];
	uint64_t positions[9];
	uint64_t sizes[9];
	uint32_t flags[9];
};

int vfio_try_open(struct vfio *vfio, const char *uuid);
void vfio_open(struct vfio *vfio, const char *uuid);
void vfio_close(struct vfio *vfio);

void vfio_map_guest(struct vfio *vfio, uint64_t iova);
void vfio_unmap_guest(struct vfio *vfio, uint64_t iova);

uint64_t vfio_read(struct vfio *vfio, unsigned int region, uint64_t offset,
		   unsigned int length);
void vfio_write(struct vfio *vfio, unsigned int region, uint64_t offset,
		uint64_t value, unsigned int length);
int vfio_set_irq(struct vfio *vfio, unsigned int index, unsigned int vector,
		 int eventfd);
int vfio_irq_action(struct vfio *vfio, unsigned int index, unsigned int vector,
		    uint32_t flags);
int vfio_unmask_by(struct vfio *vfio, int eventfd);
int vfio_ioeventfd(struct vfio *vfio, uint64_t position, uint64_t value,
		   unsigned int length, int eventfd);
int vfio_reset(struct vfio *vfio);
void *vfio_map_window(struct vfio *vfio, unsigned int region);

#endif /* TESTS_LAB_KMOD_VFIO_H */
