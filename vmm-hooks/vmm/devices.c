// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/devices.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm-hooks/vmm/console.h"
#include "vmm-hooks/vmm/disk.h"
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/net.h"
#include "vmm-hooks/vmm/rng.h"
#include "vmm-hooks/vmm/vsock.h"

struct machine_devices {
	struct rng *rng;
	struct console *console;
	struct disk *disks[OPTIONS_DISKS_MAX];
	struct net *net;
	struct vsock *vsock;
};

static int add_disks(struct machine_devices *devices, struct machine *machine)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < options->disk_count; i++) {
		devices->disks[i] = disk_new(machine, &options->disks[i]);
		if (!devices->disks[i])
			return -errno;
	}
	return 0;
}

static int add_all(struct machine_devices *devices, struct machine *machine)
{
	const struct options *options = machine->options;
	int r;

	devices->rng = rng_new(machine);
	if (!devices->rng)
		return -errno;
	devices->console = console_new(machine);
	if (!devices->console)
		return -errno;
	r = add_disks(devices, machine);
	if (r < 0)
		return r;
	if (options->tap) {
		devices->net = net_new(machine, options->tap);
		if (!devices->net)
			return -errno;
	}
	if (options->vsock_cid) {
		devices->vsock = vsock_new(machine, options->vsock_cid);
		if (!devices->vsock)
			return -errno;
	}
	return 0;
}

int devices_new(struct machine *machine, struct machine_devices **devicesp)
{
	struct machine_devices *devices = calloc(1, sizeof(*devices));

	*devicesp = devices;
	return devices ? add_all(devices, machine) : -ENOMEM;
}

int devices_run(struct machine_devices *devices)
{
	int r = devices->net ? net_run(devices->net) : 0;

	for (unsigned int i = 0; i < OPTIONS_DISKS_MAX && r == 0; i++)
		if (devices->disks[i])
			r = disk_run(devices->disks[i]);
	return r;
}

void devices_free(struct machine_devices *devices)
{
	if (!devices)
		return;
	vsock_free(devices->vsock);
	net_free(devices->net);
	for (unsigned int i = OPTIONS_DISKS_MAX; i--;)
		disk_free(devices->disks[i]);
	console_free(devices->console);
	rng_free(devices->rng);
	free(devices);
}

uint32_t devices_intx_slots(const struct machine_devices *devices)
{
	(void)devices;
	return 0;
}
