/* SPDX-License-Identifier: MIT */
/*
 * vGPUs as the host's kernel shows them: mediated devices in sysfs. The broker
 * is told of each by the module, so whoever creates or removes one here does it
 * with the broker's knowledge.
 *
 * A vGPU that is named exists; one of which only the type is given is made now
 * and removed at the end:
 *
 *   named      /sys/bus/mdev/devices/UUID is there
 *   transient  created → in use → removed by the keeper
 *
 * The keeper is a process of its own that does nothing but wait for this one to
 * end, in whatever way, and then removes the vGPU.
 *
 * Owner: the machine's devices. Locking: none; main thread.
 */
#ifndef VMM_VGPU_H
#define VMM_VGPU_H

#include <limits.h>
#include <sys/types.h>

#define VGPU_UUID_LEN 36

struct vgpu {
	char uuid[VGPU_UUID_LEN + 1];
	char path[PATH_MAX]; /* the device in sysfs */
	int keeper; /* the keeper waits for the end of this pipe, or -1 */
	pid_t keeper_pid;
};

/**
 * vgpu_open - find or make a vGPU; reports what went wrong
 * @vgpu: what to fill
 * @sysfs: where sysfs is: /sys
 * @text: UUID, or TYPE, or TYPE@GPU with a PCI address
 *
 * Return: 0 or negative errno.
 */
int vgpu_open(struct vgpu *vgpu, const char *sysfs, const char *text);

/**
 * vgpu_close - let go; a transient one is gone after the return
 * @vgpu: nobody has its device open any more
 */
void vgpu_close(struct vgpu *vgpu);

#endif
