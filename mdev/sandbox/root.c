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
		.attr_set = MOUNT_ATTR_NOSUID,
		.propagation = MS_PRIVATE,
	};

	if (!(entry->flags & (SANDBOX_PATH_WRITE | SANDBOX_PATH_DEVICE)))
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	else
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if (!(entry->flags & SANDBOX_PATH_DEVICE))
		attr.attr_set |= MOUNT_ATTR_NODEV;
	return mount_setattr(entry->tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
			     &attr, sizeof(attr));
}

static int tree_open(struct sandbox_entry *entry)
{
	struct stat info;

	entry->tree = open_tree(AT_FDCWD, entry->host,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					AT_RECURSIVE);
	if (entry->tree < 0 || fstat(entry->tree, &info) < 0 ||
	    tree_restrict(entry) < 0)
		return -errno;
	entry->folder = S_ISDIR(info.st_mode);
	return 0;
}

/* Return: 1 when the entry counts, 0 when it may be missing and is. */
static int entry_open(struct sandbox_entry *entry,
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
	r = path->flags & SANDBOX_PATH_LINK ? link_open(entry)
					    : tree_open(entry);
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

int root_open(struct sandbox_plan *plan, const char **culprit)
{
	const struct sandbox_config *config = plan->config;
	unsigned int wanted = config->path_count + ALWAYS;

	plan->entry_count = 0;
	plan->entries = calloc(wanted, sizeof(*plan->entries));
	if (!plan->entries)
		return -ENOMEM;
	for (unsigned int i = 0; i < wanted; i++) {
		const struct sandbox_path *path =
			i < config->path_count ? &config->paths[i]
					       : &always[i - config->path_count];
		struct sandbox_entry *entry = &plan->entries[plan->entry_count];
		int r = entry_open(entry, path);

		if (r == 1) {
			plan->entry_count++;
			continue;
		}
		entry_close(entry);
		*culprit = path->host;
		if (r < 0)
			return r;
	}
	return 0;
}

void root_close(struct sandbox_plan *plan)
{
	for (unsigned int i = 0; i < plan->entry_count; i++)
		entry_close(&plan->entries[i]);
	free(plan->entries);
}

/*
 * From here on in the child, which shares nothing with the parent but may have
 * been made while other threads held locks: system calls only.
 */

/* Makes a path's folders; the working directory is the root. */
static int folders_make(const char *inside)
{
	char path[PATH_MAX];
	char *slash;

	strcpy(path, inside + 1);
	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

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

	if (folders_make(entry->inside) < 0)
		return -1;
	if (entry->link)
		return symlink(entry->link, name);
	if (point_make(name, entry->folder) < 0)
		return -1;
	return move_mount(entry->tree, "", AT_FDCWD, name,
			  MOVE_MOUNT_F_EMPTY_PATH);
}

/* Return: the tmpfs, mounted over the old root, or -1. */
static int tmpfs_mount(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int root;

	if (fs < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "size", "256k", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1024", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	root = fsmount(fs, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			       MOUNT_ATTR_NOEXEC);
	close(fs);
	if (root < 0 ||
	    move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	return root;
}

/* The old root ends up under the new one, and is let go there. */
static int root_change(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -1;
	return mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr));
}

int root_enter(const struct sandbox_plan *plan,
	       struct sandbox_failure *failure)
{
	int root;

	failure->step = SANDBOX_STEP_ROOT;
	root = tmpfs_mount();
	if (root < 0 || fchdir(root) < 0)
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
