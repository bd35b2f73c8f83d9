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
	int at = find(contexts, id);

	return at >= 0 && !contexts->lost[at];
}

int contexts_add(struct contexts *contexts, uint32_t id)
{
	if (!id)
		return -EINVAL;
	if (find(contexts, id) >= 0)
		return -EEXIST;
	if (contexts->count == CONTEXTS_MAX)
		return -ENOSPC;
	contexts->lost[contexts->count] = false;
	contexts->ids[contexts->count++] = id;
	return 0;
}

void contexts_lose(struct contexts *contexts, uint32_t id)
{
	int at = find(contexts, id);

	if (at >= 0)
		contexts->lost[at] = true;
}

int contexts_remove(struct contexts *contexts, uint32_t id)
{
	int at = find(contexts, id);
	bool there;

	if (at < 0)
		return at;
	there = !contexts->lost[at];
	contexts->count--;
	contexts->ids[at] = contexts->ids[contexts->count];
	contexts->lost[at] = contexts->lost[contexts->count];
	return there;
}

uint32_t contexts_any(const struct contexts *contexts)
{
	return contexts->count ? contexts->ids[0] : 0;
}
