// SPDX-License-Identifier: MIT
#include "mdev/sandbox/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the oldest headers that this builds with. */
#ifndef LANDLOCK_ACCESS_FS_RESOLVE_UNIX
#define LANDLOCK_ACCESS_FS_RESOLVE_UNIX (1ull << 16)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_UDP
#define LANDLOCK_ACCESS_NET_BIND_UDP (1ull << 2)
#define LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP (1ull << 3)
#endif

#define FS_FIRST (LANDLOCK_ACCESS_FS_REFER - 1)
#define NET_TCP (LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP)
#define NET_UDP \
	(LANDLOCK_ACCESS_NET_BIND_UDP | LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP)
#define SCOPES (LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL)

/* What each version of the interface added. */
static const struct {
	int version;
	struct landlock_ruleset_attr adds;
} versions[] = {
	{1, {.handled_access_fs = FS_FIRST}},
	{2, {.handled_access_fs = LANDLOCK_ACCESS_FS_REFER}},
	{3, {.handled_access_fs = LANDLOCK_ACCESS_FS_TRUNCATE}},
	{4, {.handled_access_net = NET_TCP}},
	{5, {.handled_access_fs = LANDLOCK_ACCESS_FS_IOCTL_DEV}},
	{6, {.scoped = SCOPES}},
	{9, {.handled_access_fs = LANDLOCK_ACCESS_FS_RESOLVE_UNIX}},
	{10, {.handled_access_net = NET_UDP}},
};

/* Rights that a file can have; the others are for folders only. */
#define FILE_RIGHTS                                                    \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |   \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
	 LANDLOCK_ACCESS_FS_IOCTL_DEV | LANDLOCK_ACCESS_FS_RESOLVE_UNIX)
#define READ_RIGHTS                                                   \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	 LANDLOCK_ACCESS_FS_RESOLVE_UNIX)
#define WRITE_RIGHTS                                                      \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |    \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |      \
	 LANDLOCK_ACCESS_FS_REFER)

static struct landlock_ruleset_attr attr_for(int version)
{
	struct landlock_ruleset_attr attr = {0};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].version > version)
			break;
		attr.handled_access_fs |= versions[i].adds.handled_access_fs;
		attr.handled_access_net |= versions[i].adds.handled_access_net;
		attr.scoped |= versions[i].adds.scoped;
	}
	return attr;
}

static uint64_t rights(const struct sandbox_entry *entry)
{
	uint64_t wanted = READ_RIGHTS;

	if (entry->flags & SANDBOX_PATH_WRITE)
		wanted |= WRITE_RIGHTS;
	if (entry->flags & SANDBOX_PATH_DEVICE)
		wanted |= LANDLOCK_ACCESS_FS_WRITE_FILE |
			  LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (!(entry->flags & (SANDBOX_PATH_WRITE | SANDBOX_PATH_DEVICE)))
		wanted |= LANDLOCK_ACCESS_FS_EXECUTE;
	return entry->folder ? wanted : wanted & FILE_RIGHTS;
}

static int rule_add(const struct sandbox_plan *plan, int path, uint64_t allowed)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = allowed,
		.parent_fd = path,
	};

	return syscall(SYS_landlock_add_rule, plan->ruleset,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? -errno
		       : 0;
}

static int rules_add(const struct sandbox_plan *plan, uint64_t known)
{
	/* Drivers look through /dev/dri. */
	int r = rule_add(plan, plan->devices, LANDLOCK_ACCESS_FS_READ_DIR);

	for (unsigned int i = 0; r == 0 && i < plan->entry_count; i++) {
		const struct sandbox_entry *entry = &plan->entries[i];

		if (!entry->link)
			r = rule_add(plan, entry->tree, rights(entry) & known);
	}
	return r;
}

int landlock_make(struct sandbox_plan *plan)
{
	int version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			      LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr;

	/* A kernel without it, or one that was started without it. */
	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	attr = attr_for(version);
	plan->ruleset =
		syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (plan->ruleset < 0)
		return -errno;
	return rules_add(plan, attr.handled_access_fs);
}

int landlock_enter(const struct sandbox_plan *plan)
{
	if (plan->ruleset < 0)
		return 0;
	return syscall(SYS_landlock_restrict_self, plan->ruleset, 0);
}
