/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets of guest-facing code share: the input as a stream of
 * decisions, and a machine without KVM whose devices can be driven like a guest
 * drives them.
 *
 * The machine is made once and used for all inputs; each input starts with its
 * device reset. One thread only.
 */
#ifndef FUZZ_VMM_HARNESS_H
#define FUZZ_VMM_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/virtio_function.h"

#define HARNESS_RAM (4 * MIB)
#define HARNESS_RINGS 0x100000ull /* 64 KiB for each queue */
#define HARNESS_RING_STRIDE 0x10000ull

struct input {
	const uint8_t *data;
	size_t len;
};

/* Takes a value off the front; zero when the input is used up. */
uint64_t input_take(struct input *input, unsigned int bytes);

/* A value in 0..limit-1. */
static inline uint64_t input_below(struct input *input, uint64_t limit)
{
	return input_take(input, 8) % limit;
}

/**
 * harness_machine - the machine, made at the first call
 *
 * Return: it; ends the process when it cannot be made.
 */
struct machine *harness_machine(const struct options *options);

/**
 * harness_start - bring a device to the running state
 * @device: the device
 * @input: chooses features and queue sizes, and fills the rings
 */
void harness_start(struct virtio_function *device, struct input *input);

/**
 * harness_access - one access of a guest to the device's BARs, configuration
 * space or memory
 * @device: the device
 * @input: says which
 */
void harness_access(struct virtio_function *device, struct input *input);

#endif
