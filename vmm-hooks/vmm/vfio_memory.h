/* SPDX-License-Identifier: MIT */
/*
 * What every way of mapping the guest's memory for devices has in common: the
 * limit of locked memory. Stateless.
 */
#ifndef VMM_VFIO_MEMORY_H
#define VMM_VFIO_MEMORY_H

#include <stdint.h>

/* vfio_memory_raise - up to the hard limit nobody has to be asked */
void vfio_memory_raise(void);

/**
 * vfio_memory_report - say why memory could not be mapped, and the cure
 * @error: negative errno of the mapping
 * @size: bytes of the guest's memory
 *
 * Return: @error.
 */
int vfio_memory_report(int error, uint64_t size);

#endif
