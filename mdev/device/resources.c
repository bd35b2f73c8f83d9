// SPDX-License-Identifier: MIT
#include "mdev/device/resources.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Drivers count upwards: the low bits spread well, and collisions are few. */
static struct resource **bucket(struct resources *resources, uint32_t id)
{
	return &resources->buckets[id % RESOURCES_BUCKETS];
}

void resources_init(struct resources *resources, uint64_t host_bytes_max)
{
	*resources = (struct resources){.host_bytes_max = host_bytes_max};
}

struct resource *resources_find(struct resources *resources, uint32_t id)
{
	struct resource *at = *bucket(resources, id);

	while (at && at->id != id)
		at = at->next;
	return at;
}

static int admit(struct resources *resources, const struct resource *wanted)
{
	if (!wanted->id)
		return -EINVAL;
	if (resources_find(resources, wanted->id))
		return -EEXIST;
	if (resources->count == RESOURCES_MAX)
		return -ENOSPC;
	if (wanted->host_memory &&
	    wanted->size > resources->host_bytes_max - resources->host_bytes)
		return -ENOSPC;
	return 0;
}

int resources_add(struct resources *resources, const struct resource *wanted)
{
	struct resource **head = bucket(resources, wanted->id);
	struct resource *resource;
	int r = admit(resources, wanted);

	if (r < 0)
		return r;
	resource = malloc(sizeof(*resource));
	if (!resource)
		return -ENOMEM;
	*resource = *wanted;
	resource->next = *head;
	*head = resource;
	resources->count++;
	if (resource->host_memory)
		resources->host_bytes += resource->size;
	return 0;
}

void resources_remove(struct resources *resources, struct resource *resource)
{
	struct resource **link = bucket(resources, resource->id);

	assert(!resource->mapped);
	while (*link != resource)
		link = &(*link)->next;
	*link = resource->next;
	resources->count--;
	if (resource->host_memory)
		resources->host_bytes -= resource->size;
	free(resource);
}

struct resource *resources_any(struct resources *resources)
{
	for (unsigned int i = 0; resources->count && i < RESOURCES_BUCKETS; i++)
		if (resources->buckets[i])
			return resources->buckets[i];
	return NULL;
}
