/* SPDX-License-Identifier: MIT */
/*
 * virtio entropy (virtio 1.3 §5.4): random bytes from the host's kernel.
 *
 * Owner: the machine's devices. Locking: inside.
 */
#ifndef VMM_RNG_H
#define VMM_RNG_H

struct rng;
struct machine;

/**
 * rng_new - make the device and attach it
 * @machine: where to
 *
 * Return: the device, or NULL with errno.
 */
struct rng *rng_new(struct machine *machine);
void rng_free(struct rng *rng);

#endif
