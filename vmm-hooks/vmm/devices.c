// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm-hooks/vmm/console.h"
#include "vmm-hooks/vmm/disk.h"
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/net.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/rng.h"
#include "vmm-hooks/vmm/vfio_container.h"
#include "vmm-hooks/vmm/vfio_device.h"
#include "vmm-hooks/vmm/vgpu.h"
#include "vmm-hooks/vmm/vsock.h"

struct machine_devices {
	struct rng *rng;
	struct console *console;
	struct disk *disks[OPTIONS_DISKS_MAX];
	struct net *net;
	struct vsock *vsock;
	struct vgpu vgpus[OPTIONS_VFIO_MAX];
	unsigned int vgpu_count;
	struct vfio_container container;
	struct vfio_device *vfio[2 * OPTIONS_VFIO_MAX];
	unsigned int vfio_count;
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

static int add_vfio(struct machine_devices *devices, struct machine *machine,
		    const char *path, const char *name)
{
	struct vfio_device *device =
		vfio_device_new(machine, &devices->container, path, name);

	if (!device)
		return -errno;
	devices->vfio[devices->vfio_count++] = device;
	return 0;
}

/* People leave the PCI domain out: lspci does. */
static int add_gpu(struct machine_devices *devices, struct machine *machine,
		   const char *address)
{
	unsigned int domain = 0, bus, slot, function;
	char name[32], path[64];
	char rest;

	if (sscanf(address, "%4x:%2x:%2x.%1x%c", &domain, &bus, &slot,
		   &function, &rest) != 4 &&
	    (domain = 0, sscanf(address, "%2x:%2x.%1x%c", &bus, &slot,
				&function, &rest)) != 3)
		return report(-EINVAL,
			      "--gpu: '%s' is not a PCI address such as "
			      "0000:01:00.0",
			      address);
	snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", name);
	return add_vfio(devices, machine, path, name);
}

static int add_gpus(struct machine_devices *devices, struct machine *machine)
{
	const struct options *options = machine->options;
	int r = 0;

	for (unsigned int i = 0; i < options->gpu_count && r == 0; i++)
		r = add_gpu(devices, machine, options->gpus[i]);
	return r;
}

static int add_vgpus(struct machine_devices *devices, struct machine *machine)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < options->vgpu_count; i++) {
		struct vgpu *vgpu = &devices->vgpus[i];
		int r = vgpu_open(vgpu, "/sys", options->vgpus[i]);

		if (r < 0)
			return r;
		devices->vgpu_count++;
		r = add_vfio(devices, machine, vgpu->path, vgpu->uuid);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Only for a guest that is told to use it: a system offers a login on each console
 * it finds, and two on one terminal are one too many.
 */
static int add_console(struct machine_devices *devices, struct machine *machine)
{
	if (!strstr(machine->options->files.command_line, "console=hvc0"))
		return 0;
	devices->console = console_new(machine);
	return devices->console ? 0 : -errno;
}

static int add_all(struct machine_devices *devices, struct machine *machine)
{
	const struct options *options = machine->options;
	int r;

	devices->rng = rng_new(machine);
	if (!devices->rng)
		return -errno;
	r = add_console(devices, machine);
	if (r < 0)
		return r;
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
	r = add_vgpus(devices, machine);
	return r < 0 ? r : add_gpus(devices, machine);
}

int devices_new(struct machine *machine, struct machine_devices **devicesp)
{
	struct machine_devices *devices = calloc(1, sizeof(*devices));

	*devicesp = devices;
	if (!devices)
		return -ENOMEM;
	vfio_container_init(&devices->container, &machine->vm, &machine->ram);
	return add_all(devices, machine);
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
	for (unsigned int i = devices->vfio_count; i--;)
		vfio_device_free(devices->vfio[i]);
	vfio_container_deinit(&devices->container);
	for (unsigned int i = 0; i < devices->vgpu_count; i++)
		vgpu_close(&devices->vgpus[i]);
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
	uint32_t slots = 0;

	for (unsigned int i = 0; i < devices->vfio_count; i++)
		if (devices->vfio[i]->irqs.has_pin)
			slots |= 1u << vfio_device_slot(devices->vfio[i]);
	return slots;
}
