/* SPDX-License-Identifier: MIT */
/*
 * The transport through the kernel module (kmod/uapi/tranche.h).
 *
 * States: serving, until the descriptor hangs up (the vGPU broke, was removed,
 * or was given to another process); then every call fails with -ESHUTDOWN.
 *
 * Owner: the program's main function; owns the descriptor. Locking: as
 * transport.h says; the kernel serialises.
 */
#ifndef DEVICE_MODULE_H
#define DEVICE_MODULE_H

#include "kmod/uapi/tranche.h"
#include "mdev/device/transport.h"

struct module {
	struct transport transport;
	struct tranche_vgpu_info info;
};

/**
 * module_init - serve the vGPU behind a descriptor
 * @module: what to fill
 * @fd: a descriptor of TRANCHE_VGPU_ATTACH; taken, also on failure
 *
 * Return: 0, -ENOTTY when @fd is none, -EPROTO when the vGPU was registered
 * with another layout than this program serves.
 */
int module_init(struct module *module, int fd);
void module_deinit(struct module *module);

#endif
