// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/vsock.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/report.h"
#include "vmm-hooks/vmm/vhost.h"

#define CLASS_OTHER_COMMUNICATION 0x078000
#define QUEUES 3 /* receive, transmit, events */
#define VHOST_QUEUES 2 /* events have no sender: a guest never migrates */

struct vsock {
	struct virtio_function device;
	struct virtio_vsock_config config;
	struct vhost vhost;
};

static int set_running(struct vsock *vsock, int on)
{
	return ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_RUNNING, &on) < 0 ? -errno
									: 0;
}

static int start(struct virtio_function *device)
{
	struct vsock *vsock = (struct vsock *)device;
	int r = vhost_start(&vsock->vhost, device, VHOST_QUEUES,
			    device->registers.accepted & vsock->vhost.features);

	return r < 0 ? r : set_running(vsock, 1);
}

static void stop(struct virtio_function *device)
{
	set_running((struct vsock *)device, 0);
}

static const struct virtio_function_ops ops = {start, stop};

static int open_vhost(struct vsock *vsock, uint32_t cid)
{
	uint64_t guest_cid = cid;
	int r = vhost_init(&vsock->vhost, "/dev/vhost-vsock");

	if (r < 0)
		return report(r,
			      "--vsock: cannot open /dev/vhost-vsock: %s; "
			      "load the module vhost_vsock",
			      strerror(-r));
	if (ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_GUEST_CID, &guest_cid) < 0)
		return report(-errno,
			      "--vsock: address %u: %s; choose one that no "
			      "other guest has",
			      cid, strerror(errno));
	return 0;
}

static int init(struct vsock *vsock, struct machine *machine, uint32_t cid)
{
	struct virtio_function_setup setup = {
		.ops = &ops,
		.vm = &machine->vm,
		.ram = &machine->ram,
		.type = VIRTIO_ID_VSOCK,
		.class_code = CLASS_OTHER_COMMUNICATION,
		.queues = QUEUES,
		.config = &vsock->config,
		.config_len = sizeof(vsock->config),
	};
	int r = open_vhost(vsock, cid);

	if (r < 0)
		return r;
	vsock->config.guest_cid = cid;
	setup.features =
		vsock->vhost.features & (1ull << VIRTIO_RING_F_EVENT_IDX |
					 1ull << VIRTIO_VSOCK_F_SEQPACKET);
	r = virtio_function_init(&vsock->device, &setup);
	if (r == 0)
		r = vhost_set_memory(&vsock->vhost, &machine->ram);
	return r < 0 ? r : pci_bus_add(&machine->pci, &vsock->device.function);
}

struct vsock *vsock_new(struct machine *machine, uint32_t cid)
{
	struct vsock *vsock = calloc(1, sizeof(*vsock));
	int r = -ENOMEM;

	if (vsock) {
		vsock->vhost.fd = -1;
		r = init(vsock, machine, cid);
	}
	if (r == 0)
		return vsock;
	vsock_free(vsock);
	errno = -r;
	return NULL;
}

void vsock_free(struct vsock *vsock)
{
	if (!vsock)
		return;
	if (vsock->device.ops)
		virtio_function_deinit(&vsock->device);
	vhost_deinit(&vsock->vhost);
	free(vsock);
}
