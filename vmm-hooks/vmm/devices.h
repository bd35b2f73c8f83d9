/* SPDX-License-Identifier: MIT */
/*
 * The devices of a machine, as its options ask for: made in the order in which
 * the guest will find them, freed in the reverse.
 *
 * Owner: the machine. Locking: main thread, while no processor runs.
 */
#ifndef VMM_DEVICES_H
#define VMM_DEVICES_H

#include <stdint.h>

struct machine;
struct machine_devices;

/**
 * devices_new - make and attach all devices; reports what went wrong
 * @machine: memory, buses and the loop are there
 * @devices: where they go; set even on failure, so that they can be freed
 *
 * Return: 0 or negative errno.
 */
int devices_new(struct machine *machine, struct machine_devices **devices);

/**
 * devices_run - start the devices' threads, after privileges were given up
 * @devices: the devices
 *
 * Return: 0 or negative errno.
 */
int devices_run(struct machine_devices *devices);
void devices_free(struct machine_devices *devices);

/**
 * devices_intx_slots - slots whose device has an interrupt pin
 * @devices: the devices
 *
 * Return: one bit a slot.
 */
uint32_t devices_intx_slots(const struct machine_devices *devices);

#endif
