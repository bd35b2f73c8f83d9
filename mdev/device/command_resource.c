// SPDX-License-Identifier: MIT
/* Requests about blob resources (virtio 1.3 §5.7.6.8, §5.7.6.10). */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "mdev/device/blob.h"
#include "mdev/device/command.h"

#define BLOB_FLAGS                            \
	(VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |  \
	 VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE | \
	 VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE)

/*
 * Only memory of the host: the renderer's workers can't reach guest memory, so
 * a venus context has no use for a blob of that.
 */
static bool blob_valid(const struct virtio_gpu_resource_create_blob *request)
{
	uint64_t size = le64toh(request->size);

	return le32toh(request->blob_mem) == VIRTIO_GPU_BLOB_MEM_HOST3D &&
	       !(le32toh(request->blob_flags) & ~BLOB_FLAGS) &&
	       !request->nr_entries && size && size % WINDOW_PAGE == 0;
}

uint32_t command_resource_create_blob(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_resource_create_blob *request =
		(void *)command->body;
	const struct renderer_blob blob = {
		.resource = le32toh(request->resource_id),
		.context = command->context,
		.flags = le32toh(request->blob_flags),
		.id = le64toh(request->blob_id),
		.size = le64toh(request->size),
	};
	int r;

	if (!contexts_have(&gpu->contexts, command->context))
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (!blob_valid(request))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!blob.resource || resources_find(&gpu->resources, blob.resource))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	r = blob_create(gpu, &blob);
	return r < 0 ? command_error(r) : VIRTIO_GPU_RESP_OK_NODATA;
}

/* These requests start alike: header, then the resource's number. */
static struct resource *named(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_resource_unref *request = (void *)command->body;

	return resources_find(&gpu->resources, le32toh(request->resource_id));
}

uint32_t command_resource_unref(struct command *command, struct gpu *gpu)
{
	struct resource *resource = named(command, gpu);
	int r;

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	r = blob_destroy(gpu, resource);
	return r < 0 ? command_error(r) : VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_resource_assign_uuid(struct command *command, struct gpu *gpu)
{
	struct resource *resource = named(command, gpu);
	struct virtio_gpu_resp_resource_uuid *response =
		&command->response.resource_uuid;

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!resource->has_uuid &&
	    getrandom(resource->uuid, sizeof(resource->uuid), 0) < 0)
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	resource->has_uuid = true;
	memcpy(response->uuid, resource->uuid, sizeof(response->uuid));
	command->response_length = sizeof(*response);
	return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}

uint32_t command_resource_map_blob(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_resource_map_blob *request =
		(void *)command->body;
	struct virtio_gpu_resp_map_info *response = &command->response.map_info;
	struct resource *resource = named(command, gpu);
	uint32_t map_info;
	int r;

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	r = blob_map(gpu, resource, le64toh(request->offset), &map_info);
	if (r < 0)
		return command_error(r);
	response->map_info = htole32(map_info);
	command->response_length = sizeof(*response);
	return VIRTIO_GPU_RESP_OK_MAP_INFO;
}

uint32_t command_resource_unmap_blob(struct command *command, struct gpu *gpu)
{
	struct resource *resource = named(command, gpu);
	int r;

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	r = blob_unmap(gpu, resource);
	return r < 0 ? command_error(r) : VIRTIO_GPU_RESP_OK_NODATA;
}
