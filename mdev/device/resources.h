/* SPDX-License-Identifier: MIT */
/*
 * A guest's blob resources, by the numbers the guest gave them.
 *
 *   created  in the table and in the renderer
 *   mapped   also in this process and in the window, at window_offset
 *
 * Bounds: RESOURCES_MAX resources; and since memory that a blob with
 * identifier 0 takes is the host's and in no GPU driver's account, a limit in
 * bytes on all of those together.
 *
 * Owner: the GPU (gpu.h). Locking: the queue thread's alone.
 */
#ifndef DEVICE_RESOURCES_H
#define DEVICE_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#define RESOURCES_MAX 16384
#define RESOURCES_BUCKETS 1024

struct resource {
	struct resource *next;
	uint32_t id;
	uint64_t size;
	uint64_t window_offset;
	bool mappable;
	bool mapped;
	bool host_memory; /* counts against the limit */
	bool has_uuid;
	uint8_t uuid[16];
};

struct resources {
	struct resource *buckets[RESOURCES_BUCKETS];
	unsigned int count;
	uint64_t host_bytes;
	uint64_t host_bytes_max;
};

/**
 * resources_init - an empty table
 * @resources: what to fill
 * @host_bytes_max: limit on host memory, bytes
 */
void resources_init(struct resources *resources, uint64_t host_bytes_max);

/**
 * resources_find - look a resource up
 * @resources: the table
 * @id: any value
 *
 * Return: the resource or NULL.
 */
struct resource *resources_find(struct resources *resources, uint32_t id);

/**
 * resources_add - note a new resource
 * @resources: the table
 * @wanted: its id, size, mappable and host_memory; copied
 *
 * Return: 0, -EINVAL for id 0, -EEXIST, -ENOSPC beyond a limit, -ENOMEM.
 */
int resources_add(struct resources *resources, const struct resource *wanted);

/**
 * resources_remove - forget a resource and free it
 * @resources: the table
 * @resource: of the table, not mapped
 */
void resources_remove(struct resources *resources, struct resource *resource);

/**
 * resources_any - some resource, for taking them down one by one
 * @resources: the table
 *
 * Return: a resource, or NULL when there is none.
 */
struct resource *resources_any(struct resources *resources);

#endif
