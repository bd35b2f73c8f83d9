/* SPDX-License-Identifier: MIT */
/*
 * Runs tranche-probe for each Vulkan driver of the host, all at once, and
 * gathers what they say. A driver that crashes or hangs has no devices.
 *
 * States: none is kept between calls; the children are gone at return.
 * Locking: none.
 */
#ifndef MDEV_GPU_PROBE_H
#define MDEV_GPU_PROBE_H

#include <stdint.h>

#include "mdev/gpu/manifest.h"
#include "mdev/gpu/report.h"

/* How long drivers may take, all together: a loaded machine takes seconds. */
#define PROBE_MS 30000

/**
 * probe_drivers - ask every driver
 * @program: path of tranche-probe, or NULL to find it
 * @manifests: the drivers
 * @ms: how long to wait for them
 * @reports: one for each manifest, filled in; empty where there is nothing
 *
 * Return: 0 or a negative errno.
 */
int probe_drivers(const char *program, const struct manifest_list *manifests,
		  int64_t ms, struct report *reports);

#endif
