/* SPDX-License-Identifier: MIT */
/*
 * Power management registers of a hardware-reduced ACPI machine (ACPI 6.5
 * §4.1), eight I/O ports:
 *
 *   0  sleep control (§4.8.3.7)     2  reset (§4.8.3.6)
 *   1  sleep status                 4  pending events; reading clears them
 *
 * Events (the power button) raise an interrupt of the generic event device.
 *
 * Owner: the machine. Locking: inside.
 */
#ifndef VMM_POWER_H
#define VMM_POWER_H

#include <stdatomic.h>
#include <stdint.h>

#define POWER_PORTS 8
#define POWER_SLEEP_CONTROL 0
#define POWER_SLEEP_STATUS 1
#define POWER_RESET 2
#define POWER_EVENTS 4

#define POWER_RESET_VALUE 1
#define POWER_SLEEP_S5 5
#define POWER_EVENT_BUTTON 1

struct power_ops {
	void (*off)(void *user);
	void (*reset)(void *user);
	/* An event is pending: raise the edge. */
	void (*interrupt)(void *user);
};

struct power {
	const struct power_ops *ops;
	void *user;
	atomic_uchar events;
};

void power_init(struct power *power, const struct power_ops *ops, void *user);

/**
 * power_button - press the power button
 * @power: the registers
 */
void power_button(struct power *power);

/**
 * power_read, power_write - a guest's access to a port
 * @power: the registers
 * @offset: 0..7
 * @value: what the guest wrote
 *
 * Return: what the guest reads.
 */
uint8_t power_read(struct power *power, unsigned int offset);
void power_write(struct power *power, unsigned int offset, uint8_t value);

#endif
