/* SPDX-License-Identifier: MIT */
/*
 * The paths that a confined process needs, gathered: programs and libraries,
 * what a Vulkan loader and its drivers read, one GPU.
 *
 * /usr is shown whole and read-only; of /etc only what the loader, Mesa and
 * glvnd read; nothing of /home, /root, /var and /run.
 *
 * Owner: the caller; owns copies of all strings. Locking: none.
 */
#ifndef MDEV_SANDBOX_PATHS_H
#define MDEV_SANDBOX_PATHS_H

#include "mdev/sandbox/sandbox.h"

/* For struct sandbox_config: @list and @count. Starts zeroed. */
struct sandbox_paths {
	struct sandbox_path *list;
	unsigned int count;
};

void sandbox_paths_deinit(struct sandbox_paths *paths);

/**
 * sandbox_paths_add - show one more path
 * @paths: the list
 * @host: as in struct sandbox_path; copied
 * @inside: as there, or NULL; copied
 * @flags: SANDBOX_PATH_*
 *
 * Return: 0 or -ENOMEM.
 */
int sandbox_paths_add(struct sandbox_paths *paths, const char *host,
		      const char *inside, int flags);

/**
 * sandbox_paths_add_system - show programs, libraries and Vulkan's manifests
 * @paths: the list
 *
 * Return: 0 or -ENOMEM.
 */
int sandbox_paths_add_system(struct sandbox_paths *paths);

/**
 * sandbox_paths_add_gpu - show one GPU: its render node, and what drivers read
 * of it in sysfs
 * @paths: the list
 * @render_node: /dev/dri/renderD*
 *
 * Where NVIDIA's driver has the GPU, also its device nodes.
 *
 * Return: 0, -ENODEV when it is no render node, or another negative errno.
 */
int sandbox_paths_add_gpu(struct sandbox_paths *paths, const char *render_node);

#endif
