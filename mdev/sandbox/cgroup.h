/* SPDX-License-Identifier: MIT */
/*
 * The cgroup of a confined process: its limits, and the way to find and end
 * all of it.
 *
 * Stateless: the kernel keeps everything. Locking: none.
 */
#ifndef MDEV_SANDBOX_CGROUP_H
#define MDEV_SANDBOX_CGROUP_H

#include "mdev/sandbox/sandbox.h"

/**
 * cgroup_make - make the cgroup of a configuration, empty and with its limits
 * @config: with a cgroup
 *
 * Return: a descriptor of the folder, the caller's; -EBUSY when processes are
 * in it; another negative errno.
 */
int cgroup_make(const struct sandbox_config *config);

/* cgroup_remove - remove it again; it is empty */
void cgroup_remove(const struct sandbox_config *config);

#endif
