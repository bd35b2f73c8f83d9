/* SPDX-License-Identifier: MIT */
/*
 * vGPUs that somebody asked for on the control socket and that the kernel has
 * not asked about yet: they are made by a write of sysfs like any other, and
 * what the kernel's CREATE event does not say is kept here meanwhile.
 *
 * States: waiting, from the call until the write has ended. Ownership: the
 * call's (control_create.c). Locking: the event loop's thread only.
 */
#ifndef BROKER_CREATION_H
#define BROKER_CREATION_H

#include <systemd/sd-varlink.h>

#include "mdev/broker/host_gpu.h"
#include "mdev/broker/state.h"

struct creation {
	struct creation *next;
	struct broker *broker;
	struct host_gpu *gpu;
	sd_varlink
		*link; /* who waits for the reply, and owns a transient one */
	bool gone; /* it waits no more */
	struct state_vgpu state;
	struct arbiter_settings settings;
};

/* creation_find - NULL: made by another tool */
struct creation *creation_find(struct broker *broker, const char *uuid);

#endif
