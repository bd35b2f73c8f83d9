/* SPDX-License-Identifier: MIT */
/*
 * The manifests of the Vulkan drivers of this host: the JSON files that name
 * each driver's library to the Vulkan loader.
 *
 * States: a list is filled once and then only read; it owns its strings.
 * Locking: none.
 */
#ifndef MDEV_GPU_MANIFEST_H
#define MDEV_GPU_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

struct manifest_list {
	char **paths;
	size_t count;
};

/**
 * manifest_list_init - which drivers there are
 * @list: filled in, in the loader's order
 *
 * VK_DRIVER_FILES names files and folders; without it the system's folders are
 * looked into, and no user's: this list is made for a daemon.
 *
 * Return: 0 or a negative errno.
 */
int manifest_list_init(struct manifest_list *list);
void manifest_list_deinit(struct manifest_list *list);

/**
 * manifest_list_stamp - a number that changes with the drivers
 * @list: the list
 *
 * Of names, places and times of the manifests and of the libraries to which they
 * give a path.
 */
uint64_t manifest_list_stamp(const struct manifest_list *list);

/**
 * manifest_library - the library that a manifest names
 * @path: the manifest
 * @libraryp: the name, to be freed: a path, or a bare name for the linker's
 *            search
 *
 * Return: 0; -EBADMSG: no manifest of a Vulkan driver; another negative errno.
 */
int manifest_library(const char *path, char **libraryp);

#endif
