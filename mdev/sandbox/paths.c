// SPDX-License-Identifier: MIT
#include "mdev/sandbox/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define OPTIONAL SANDBOX_PATH_OPTIONAL
#define DEVICE (SANDBOX_PATH_DEVICE | SANDBOX_PATH_OPTIONAL)
#define LINK (SANDBOX_PATH_LINK | SANDBOX_PATH_OPTIONAL)

static const char *const system_paths[] = {
	"/usr",
	/* the loader's */
	"/etc/ld.so.cache", "/etc/alternatives",
	/* Vulkan's loader, Mesa, glvnd */
	"/etc/vulkan", "/etc/drirc", "/etc/glvnd",
	/* how many processors there are */
	"/sys/devices/system/cpu"};

/* Links where /usr is merged, folders where it is not. */
static const char *const root_folders[] = {"/bin", "/sbin", "/lib", "/lib32",
					   "/lib64"};

void sandbox_paths_deinit(struct sandbox_paths *paths)
{
	for (unsigned int i = 0; i < paths->count; i++) {
		free((char *)(uintptr_t)paths->list[i].host);
		free((char *)(uintptr_t)paths->list[i].inside);
	}
	free(paths->list);
	*paths = (struct sandbox_paths){0};
}

int sandbox_paths_add(struct sandbox_paths *paths, const char *host,
		      const char *inside, int flags)
{
	struct sandbox_path path = {.flags = flags};
	struct sandbox_path *list;

	list = realloc(paths->list, (paths->count + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	paths->list = list;
	path.host = strdup(host);
	path.inside = inside ? strdup(inside) : NULL;
	if (!path.host || (inside && !path.inside)) {
		free((char *)(uintptr_t)path.host);
		free((char *)(uintptr_t)path.inside);
		return -ENOMEM;
	}
	list[paths->count++] = path;
	return 0;
}

int sandbox_paths_add_system(struct sandbox_paths *paths)
{
	const size_t files = sizeof(system_paths) / sizeof(system_paths[0]);
	const size_t folders = sizeof(root_folders) / sizeof(root_folders[0]);
	int r = 0;

	for (size_t i = 0; r == 0 && i < files; i++)
		r = sandbox_paths_add(paths, system_paths[i], NULL, OPTIONAL);
	for (size_t i = 0; r == 0 && i < folders; i++) {
		struct stat info;
		bool link = lstat(root_folders[i], &info) == 0 &&
			    S_ISLNK(info.st_mode);

		r = sandbox_paths_add(paths, root_folders[i], NULL,
				      link ? LINK : OPTIONAL);
	}
	return r;
}

/* What drivers read of a device; it holds names of other vGPUs, too. */
static const char *const device_files[] = {
	"class",     "config",	 "device",	     "modalias",
	"numa_node", "resource", "revision",	     "subsystem_device",
	"uevent",    "vendor",	 "subsystem_vendor",
};
static const char *const device_links[] = {"driver", "subsystem"};

static int add_below(struct sandbox_paths *paths, const char *folder,
		     const char *name, int flags)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return sandbox_paths_add(paths, path, NULL, flags);
}

static int add_device(struct sandbox_paths *paths, const char *folder)
{
	const size_t files = sizeof(device_files) / sizeof(device_files[0]);
	const size_t links = sizeof(device_links) / sizeof(device_links[0]);
	int r = 0;

	for (size_t i = 0; r == 0 && i < files; i++)
		r = add_below(paths, folder, device_files[i], OPTIONAL);
	for (size_t i = 0; r == 0 && i < links; i++)
		r = add_below(paths, folder, device_links[i], LINK);
	return r;
}

static bool has(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

/*
 * The devices above a DRM node's folder, up to the first that has a class: the
 * PCI function. Leaves its folder in @folder.
 */
static int add_devices(struct sandbox_paths *paths, char *folder)
{
	int r = 0;

	while (r == 0 && strncmp(folder, "/sys/devices/", 13) == 0) {
		if (has(folder, "subsystem"))
			r = add_device(paths, folder);
		if (r == 0 && has(folder, "drm"))
			r = add_below(paths, folder, "drm", 0);
		if (r < 0 || has(folder, "class"))
			return r;
		*strrchr(folder, '/') = '\0';
	}
	return r < 0 ? r : -ENODEV;
}

/* Node 0000:01:00.0 of NVIDIA's driver is /dev/nvidiaN: N by its own account. */
static int nvidia_minor(const char *address)
{
	char path[PATH_MAX], line[256];
	int minor = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/driver/nvidia/gpus/%s/information",
		 address);
	file = fopen(path, "re");
	if (!file)
		return -ENODEV;
	while (minor < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "Device Minor: %d", &minor) != 1)
			minor = -1;
	fclose(file);
	return minor < 0 ? -ENODEV : minor;
}

static int add_nvidia(struct sandbox_paths *paths, const char *address)
{
	static const char *const shared[] = {
		"/dev/nvidiactl", "/dev/nvidia-modeset", "/dev/nvidia-uvm"};
	int minor = nvidia_minor(address);
	char node[32];
	int r;

	if (minor < 0)
		return 0;
	snprintf(node, sizeof(node), "/dev/nvidia%d", minor);
	r = sandbox_paths_add(paths, node, NULL, DEVICE);
	for (size_t i = 0; r == 0 && i < sizeof(shared) / sizeof(shared[0]);
	     i++)
		r = sandbox_paths_add(paths, shared[i], NULL, DEVICE);
	if (r == 0)
		r = sandbox_paths_add(paths, "/proc/driver/nvidia", NULL,
				      OPTIONAL);
	return r;
}

/* Drivers find the device of a node by its number, through a link. */
static int add_sysfs(struct sandbox_paths *paths, dev_t node)
{
	char link[64], folder[PATH_MAX];
	int r;

	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(node),
		 minor(node));
	if (!realpath(link, folder))
		return -errno;
	r = sandbox_paths_add(paths, link, NULL, SANDBOX_PATH_LINK);
	/* The node's own folder comes with "drm". */
	*strrchr(folder, '/') = '\0';
	if (r == 0)
		r = add_devices(paths, folder);
	return r < 0 ? r : add_nvidia(paths, strrchr(folder, '/') + 1);
}

int sandbox_paths_add_gpu(struct sandbox_paths *paths, const char *render_node)
{
	struct stat info;
	int r;

	if (stat(render_node, &info) < 0)
		return -errno;
	if (!S_ISCHR(info.st_mode))
		return -ENODEV;
	r = sandbox_paths_add(paths, render_node, NULL, SANDBOX_PATH_DEVICE);
	return r < 0 ? r : add_sysfs(paths, info.st_rdev);
}
