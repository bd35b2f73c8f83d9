// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/devices.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/rng.h"

struct machine_devices {
	struct rng *rng;
};

int devices_new(struct machine *machine, struct machine_devices **devicesp)
{
	struct machine_devices *devices = calloc(1, sizeof(*devices));

	*devicesp = devices;
	if (!devices)
		return -ENOMEM;
	devices->rng = rng_new(machine);
	return devices->rng ? 0 : -errno;
}

void devices_free(struct machine_devices *devices)
{
	if (!devices)
		return;
	rng_free(devices->rng);
	free(devices);
}

uint32_t devices_intx_slots(const struct machine_devices *devices)
{
	(void)devices;
	return 0;
}
