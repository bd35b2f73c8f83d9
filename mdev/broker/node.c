// SPDX-License-Identifier: MIT
#include "mdev/broker/node.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define ACL_ATTRIBUTE "system.posix_acl_access"
#define ACL_VERSION 2
#define ENTRIES_MAX 512
#define READ_WRITE 6

/* The kernel's tags, which are also the order of entries. */
enum tag {
	TAG_OWNER = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJECT = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

#define NO_ID UINT32_MAX

/* As it stands in the attribute, little-endian. */
struct entry {
	uint16_t tag;
	uint16_t permissions;
	uint32_t id;
};

struct list {
	uint32_t version;
	struct entry entries[ENTRIES_MAX];
};

static unsigned int add(struct list *list, unsigned int count, enum tag tag,
			unsigned int permissions, uint32_t id)
{
	list->entries[count] = (struct entry){
		.tag = htole16(tag),
		.permissions = htole16(permissions),
		.id = htole32(id),
	};
	return count + 1;
}

/* The list that a file without one has by its mode. */
static int from_mode(struct list *list, mode_t mode)
{
	unsigned int n = 0;

	list->version = htole32(ACL_VERSION);
	n = add(list, n, TAG_OWNER, mode >> 6 & 7, NO_ID);
	n = add(list, n, TAG_GROUP_OBJECT, mode >> 3 & 7, NO_ID);
	return add(list, n, TAG_OTHER, mode & 7, NO_ID);
}

/* Return: how many entries there are, or a negative errno. */
static int list_read(struct list *list, const char *path, mode_t mode)
{
	ssize_t size = getxattr(path, ACL_ATTRIBUTE, list, sizeof(*list));

	if (size < 0)
		return errno == ENODATA ? from_mode(list, mode) : -errno;
	if (size < (ssize_t)sizeof(list->version) ||
	    le32toh(list->version) != ACL_VERSION)
		return -EPROTO;
	return (size - sizeof(list->version)) / sizeof(list->entries[0]);
}

static int list_write(const struct list *list, unsigned int count,
		      const char *path)
{
	size_t size = sizeof(list->version) + count * sizeof(list->entries[0]);

	return setxattr(path, ACL_ATTRIBUTE, list, size, 0) < 0 ? -errno : 0;
}

static bool is_user(const struct entry *entry, uid_t uid)
{
	return le16toh(entry->tag) == TAG_USER && le32toh(entry->id) == uid;
}

/* Takes a user's entry out. Return: how many are left. */
static unsigned int drop(struct list *list, unsigned int count, uid_t uid)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < count; i++)
		if (!is_user(&list->entries[i], uid))
			list->entries[left++] = list->entries[i];
	return left;
}

static unsigned int insert(struct list *list, unsigned int count,
			   const struct entry *entry)
{
	unsigned int at = 0;

	/* By tag, then by number: the kernel refuses another order. */
	while (at < count &&
	       (le16toh(list->entries[at].tag) < le16toh(entry->tag) ||
		(list->entries[at].tag == entry->tag &&
		 le32toh(list->entries[at].id) < le32toh(entry->id))))
		at++;
	memmove(&list->entries[at + 1], &list->entries[at],
		(count - at) * sizeof(list->entries[0]));
	list->entries[at] = *entry;
	return count + 1;
}

/* Entries of users hold only as far as the mask lets them. */
static unsigned int mask_widen(struct list *list, unsigned int count)
{
	const struct entry mask = {htole16(TAG_MASK), htole16(READ_WRITE),
				   htole32(NO_ID)};

	for (unsigned int i = 0; i < count; i++)
		if (le16toh(list->entries[i].tag) == TAG_MASK) {
			list->entries[i].permissions |= htole16(READ_WRITE);
			return count;
		}
	return insert(list, count, &mask);
}

int node_grant(const char *path, uid_t uid)
{
	const struct entry entry = {htole16(TAG_USER), htole16(READ_WRITE),
				    htole32(uid)};
	struct stat status;
	struct list list;
	int count;

	if (stat(path, &status) < 0)
		return -errno;
	if ((status.st_mode & READ_WRITE) == READ_WRITE)
		return 0;
	count = list_read(&list, path, status.st_mode);
	if (count < 0)
		return count;
	if (count > ENTRIES_MAX - 2)
		return -ENOSPC;
	count = drop(&list, count, uid);
	count = insert(&list, count, &entry);
	return list_write(&list, mask_widen(&list, count), path);
}

int node_revoke(const char *path, uid_t uid)
{
	struct list list;
	unsigned int left;
	struct stat status;
	int count;

	if (stat(path, &status) < 0)
		return -errno;
	count = list_read(&list, path, status.st_mode);
	if (count < 0)
		return count == -EOPNOTSUPP ? 0 : count;
	left = drop(&list, count, uid);
	return left == (unsigned int)count ? 0 : list_write(&list, left, path);
}
