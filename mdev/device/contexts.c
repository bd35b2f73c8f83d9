// SPDX-License-Identifier: MIT
#include "mdev/device/contexts.h"

#include <errno.h>

static int find(const struct contexts *contexts, uint32_t id)
{
	for (unsigned int i = 0; i < contexts->count; i++)
		if (contexts->ids[i] == id)
			return i;
	return -ENOENT;
}

bool contexts_have(const struct contexts *contexts, uint32_t id)
{
	return find(contexts, id) >= 0;
}

int contexts_add(struct contexts *contexts, uint32_t id)
{
	if (!id)
		return -EINVAL;
	if (contexts_have(contexts, id))
		return -EEXIST;
	if (contexts->count == CONTEXTS_MAX)
		return -ENOSPC;
	contexts->ids[contexts->count++] = id;
	return 0;
}

int contexts_remove(struct contexts *contexts, uint32_t id)
{
	int at = find(contexts, id);

	if (at < 0)
		return at;
	contexts->ids[at] = contexts->ids[--contexts->count];
	return 0;
}
