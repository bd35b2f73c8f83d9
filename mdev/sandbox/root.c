// SPDX-License-Identifier: MIT
#include "mdev/sandbox/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEV "/dev/"

static const struct sandbox_path always[] = {
	{"/dev/null", NULL, SANDBOX_PATH_DEVICE},
	{"/dev/urandom", NULL, SANDBOX_PATH_DEVICE},
};

#define ALWAYS (sizeof(always) / sizeof(always[0]))

/* A path that leads nowhere but down from the root. */
static bool path_plain(const char *path)
{
	const char *at = path;

	if (*path != '/' || !path[1] || strlen(path) >= PATH_MAX)
		return false;
	while ((at = strstr(at, "/.."))) {
		at += 3;
		if (*at == '/' || !*at)
			return false;
	}
	return true;
}

static int link_open(struct sandbox_entry *entry)
{
	char target[PATH_MAX];
	ssize_t length = readlink(entry->host, target, sizeof(target));

	if (length < 0)
		return -errno;
	if (length == sizeof(target))
		return -ENAMETOOLONG;
	entry->link = strndup(target, length);
	return entry->link ? 0 : -ENOMEM;
}

/* Nobody's changes to the host's mounts reach it, and it changes nothing. */
static int tree_restrict(const struct sandbox_entry *entry)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.propagation = MS_PRIVATE,
	};

	if (entry->flags & SANDBOX_PATH_WRITE)
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	else
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	return mount_setattr(entry->tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
			     &attr, sizeof(attr));
}

static int tree_open(struct sandbox_entry *entry)
{
	struct stat info;

	entry->tree =
		open_tree(AT_FDCWD, entry->host,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (entry->tree < 0 || fstat(entry->tree, &info) < 0 ||
	    tree_restrict(entry) < 0)
		return -errno;
	entry->folder = S_ISDIR(info.st_mode);
	return 0;
}

/* The folders above the end of a path, which has no leading slash. */
static int folders_make(int at, const char *name)
{
	char path[PATH_MAX];
	char *slash;

	strcpy(path, name);
	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(at, path, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* The same device as on the host, in the new /dev. */
static int node_make(int devices, const char *name, dev_t device, uid_t owner)
{
	if (folders_make(devices, name) < 0 ||
	    mknodat(devices, name, S_IFCHR, device) < 0 ||
	    fchmodat(devices, name, 0600, 0) < 0)
		return -1;
	return fchownat(devices, name, owner, owner, AT_SYMLINK_NOFOLLOW);
}

static int node_open(struct sandbox_entry *entry, int devices, uid_t owner)
{
	const char *name = entry->inside + sizeof(DEV) - 1;
	struct stat info;

	if (strncmp(entry->inside, DEV, sizeof(DEV) - 1))
		return -EINVAL;
	if (stat(entry->host, &info) < 0)
		return -errno;
	if (!S_ISCHR(info.st_mode))
		return -ENODEV;
	if (node_make(devices, name, info.st_rdev, owner) < 0)
		return -errno;
	entry->tree = openat(devices, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return entry->tree < 0 ? -errno : 0;
}

/* Return: 1 when the entry counts, 0 when it may be missing and is. */
static int entry_open(const struct sandbox_plan *plan,
		      struct sandbox_entry *entry,
		      const struct sandbox_path *path)
{
	int r;

	*entry = (struct sandbox_entry){
		.host = path->host,
		.inside = path->inside ? path->inside : path->host,
		.flags = path->flags,
		.tree = -1,
	};
	if (!path_plain(entry->inside))
		return -EINVAL;
	if (path->flags & SANDBOX_PATH_LINK)
		r = link_open(entry);
	else if (path->flags & SANDBOX_PATH_DEVICE)
		r = node_open(entry, plan->devices, plan->config->uid);
	else
		r = tree_open(entry);
	if (r == -ENOENT && path->flags & SANDBOX_PATH_OPTIONAL)
		return 0;
	return r < 0 ? r : 1;
}

static void entry_close(struct sandbox_entry *entry)
{
	if (entry->tree >= 0)
		close(entry->tree);
	free(entry->link);
}

/*
 * In one that the child makes, no device could be opened.
 * Return: the detached mount or -1.
 */
static int tmpfs_make(unsigned int attributes)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int root = -1;

	if (fs < 0)
		return -1;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "256k", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1024", 0) == 0 &&
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	close(fs);
	return root;
}

static int read_only(int at, const char *path, unsigned int flags)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return mount_setattr(at, path, flags, &attr, sizeof(attr)) < 0 ? -errno
								       : 0;
}

int root_open(struct sandbox_plan *plan, const char **culprit)
{
	const struct sandbox_config *config = plan->config;
	unsigned int wanted = config->path_count + ALWAYS;

	*culprit = DEV;
	plan->devices = tmpfs_make(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (plan->devices < 0)
		return -errno;
	plan->entries = calloc(wanted, sizeof(*plan->entries));
	if (!plan->entries)
		return -ENOMEM;
	for (unsigned int i = 0; i < wanted; i++) {
		const struct sandbox_path *path =
			i < config->path_count
				? &config->paths[i]
				: &always[i - config->path_count];
		struct sandbox_entry *entry = &plan->entries[plan->entry_count];
		int r = entry_open(plan, entry, path);

		if (r == 1) {
			plan->entry_count++;
			continue;
		}
		entry_close(entry);
		*culprit = path->host;
		if (r < 0)
			return r;
	}
	return read_only(plan->devices, "", AT_EMPTY_PATH);
}

void root_close(struct sandbox_plan *plan)
{
	for (unsigned int i = 0; i < plan->entry_count; i++)
		entry_close(&plan->entries[i]);
	free(plan->entries);
	if (plan->devices >= 0)
		close(plan->devices);
}

/*
 * From here on in the child, which shares nothing with the parent but may have
 * been made while other threads held locks: system calls only.
 */

/* What a mount stands on may be there: from a mount before. */
static int point_make(const char *name, bool folder)
{
	int fd;

	if (folder)
		return mkdir(name, 0755) < 0 && errno != EEXIST ? -1 : 0;
	if (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0444);
	return fd < 0 ? -1 : close(fd);
}

static int entry_place(const struct sandbox_entry *entry)
{
	const char *name = entry->inside + 1;

	if (entry->flags & SANDBOX_PATH_DEVICE)
		return 0;
	if (folders_make(AT_FDCWD, name) < 0)
		return -1;
	if (entry->link)
		return symlink(entry->link, name);
	if (point_make(name, entry->folder) < 0)
		return -1;
	return move_mount(entry->tree, "", AT_FDCWD, name,
			  MOVE_MOUNT_F_EMPTY_PATH);
}

/* The new root over the old one, with /dev in it; the working directory. */
static int root_mount(int devices)
{
	int root = tmpfs_make(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			      MOUNT_ATTR_NOEXEC);

	if (root < 0 ||
	    move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(root) < 0 || mkdir("dev", 0755) < 0)
		return -1;
	return move_mount(devices, "", AT_FDCWD, "dev",
			  MOVE_MOUNT_F_EMPTY_PATH);
}

/* The old root ends up under the new one, and is let go there. */
static int root_change(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -1;
	return read_only(AT_FDCWD, "/", 0) < 0 ? -1 : 0;
}

int root_enter(const struct sandbox_plan *plan, struct sandbox_failure *failure)
{
	failure->step = SANDBOX_STEP_ROOT;
	if (root_mount(plan->devices) < 0)
		return -1;
	failure->step = SANDBOX_STEP_PATH;
	for (unsigned int i = 0; i < plan->entry_count; i++) {
		failure->path = i;
		if (entry_place(&plan->entries[i]) < 0)
			return -1;
	}
	failure->step = SANDBOX_STEP_PIVOT;
	return root_change();
}
