// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/power.h"

/* Sleep control register (ACPI 6.5 table 4.19). */
#define SLEEP_ENABLE (1 << 5)
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK 7

void power_init(struct power *power, const struct power_ops *ops, void *user)
{
	*power = (struct power){.ops = ops, .user = user};
}

void power_button(struct power *power)
{
	atomic_fetch_or(&power->events, POWER_EVENT_BUTTON);
	power->ops->interrupt(power->user);
}

uint8_t power_read(struct power *power, unsigned int offset)
{
	if (offset == POWER_EVENTS)
		return atomic_exchange(&power->events, 0);
	return 0;
}

void power_write(struct power *power, unsigned int offset, uint8_t value)
{
	if (offset == POWER_RESET && value == POWER_RESET_VALUE)
		power->ops->reset(power->user);
	if (offset == POWER_SLEEP_CONTROL && value & SLEEP_ENABLE &&
	    (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == POWER_SLEEP_S5)
		power->ops->off(power->user);
}
