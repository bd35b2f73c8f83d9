// SPDX-License-Identifier: MIT
#include "mdev/device/blob.h"

#include <errno.h>
#include <linux/virtio_gpu.h>

int blob_create(struct gpu *gpu, const struct renderer_blob *blob)
{
	struct resource wanted = {
		.id = blob->resource,
		.size = blob->size,
		.mappable = blob->flags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
		.host_memory = blob->id == 0,
	};
	int r = resources_add(&gpu->resources, &wanted);

	if (r < 0)
		return r;
	r = gpu->renderer->ops->blob_create(gpu->renderer, blob);
	if (r < 0)
		resources_remove(&gpu->resources,
				 resources_find(&gpu->resources, wanted.id));
	return r;
}

int blob_map(struct gpu *gpu, struct resource *resource, uint64_t offset,
	     uint32_t *map_info)
{
	const struct renderer_ops *ops = gpu->renderer->ops;
	void *address;
	int r;

	if (resource->mapped)
		return -EBUSY;
	if (!resource->mappable)
		return -EINVAL;
	r = ops->map(gpu->renderer, resource->id, resource->size, &address,
		     map_info);
	if (r < 0)
		return r;
	r = window_map(&gpu->window, gpu->session.view, offset, resource->size,
		       address);
	if (r < 0) {
		ops->unmap(gpu->renderer, resource->id);
		return r;
	}
	resource->mapped = true;
	resource->window_offset = offset;
	return 0;
}

int blob_unmap(struct gpu *gpu, struct resource *resource)
{
	int r;

	if (!resource->mapped)
		return -EINVAL;
	r = window_unmap(&gpu->window, gpu->session.view,
			 resource->window_offset, resource->size);
	if (r < 0)
		return r;
	gpu->renderer->ops->unmap(gpu->renderer, resource->id);
	resource->mapped = false;
	return 0;
}

static void forget(struct gpu *gpu, struct resource *resource)
{
	gpu->renderer->ops->unref(gpu->renderer, resource->id);
	resources_remove(&gpu->resources, resource);
}

int blob_destroy(struct gpu *gpu, struct resource *resource)
{
	int r = resource->mapped ? blob_unmap(gpu, resource) : 0;

	if (r == 0)
		forget(gpu, resource);
	return r;
}

void blob_discard(struct gpu *gpu, struct resource *resource)
{
	/*
	 * A window that will not let go loses the page all the same when the
	 * renderer unmaps it: the transport watches this process's memory.
	 */
	if (resource->mapped && blob_unmap(gpu, resource) < 0) {
		gpu->renderer->ops->unmap(gpu->renderer, resource->id);
		resource->mapped = false;
	}
	forget(gpu, resource);
}
