// SPDX-License-Identifier: MIT
/* Requests about contexts (virtio 1.3 §5.7.6.10). */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "mdev/device/command.h"

#define NAME_SIZE sizeof(((struct virtio_gpu_ctx_create *)0)->debug_name)

/*
 * What makes contexts may have died without those that there are. It is had
 * anew only when nothing of the guest is left of the old one.
 */
static int make(struct gpu *gpu, uint32_t context, const char *name)
{
	const struct renderer_ops *ops = gpu->renderer->ops;
	int r = ops->context_create(gpu->renderer, context, name);

	/* It is in the table itself. */
	if (r == 0 || gpu->contexts.count > 1 || gpu->resources.count)
		return r;
	r = ops->begin(gpu->renderer);
	return r < 0 ? r : ops->context_create(gpu->renderer, context, name);
}

uint32_t command_ctx_create(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_ctx_create *request = (void *)command->body;
	uint32_t length = le32toh(request->nlen);
	char name[NAME_SIZE + 1] = "";
	int r;

	if (le32toh(request->context_init) != VIRTIO_GPU_CAPSET_VENUS ||
	    length > NAME_SIZE)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	memcpy(name, request->debug_name, length);
	r = contexts_add(&gpu->contexts, command->context);
	if (r == -EINVAL || r == -EEXIST)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (r < 0)
		return command_error(r);
	r = make(gpu, command->context, name);
	if (r == 0)
		return VIRTIO_GPU_RESP_OK_NODATA;
	contexts_remove(&gpu->contexts, command->context);
	return command_error(r);
}

uint32_t command_ctx_destroy(struct command *command, struct gpu *gpu)
{
	int r = contexts_remove(&gpu->contexts, command->context);

	if (r < 0)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (r > 0)
		gpu->renderer->ops->context_destroy(gpu->renderer,
						    command->context);
	rings_forget(&gpu->rings, command->context);
	fences_end_context(&gpu->fences, command->context);
	/* Its own fence has no ring to wait on any more. */
	command->on_ring = false;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Return: VIRTIO_GPU_RESP_OK_NODATA when context and resource exist. */
static uint32_t pair(struct command *command, struct gpu *gpu,
		     uint32_t *resource)
{
	const struct virtio_gpu_ctx_resource *request = (void *)command->body;

	*resource = le32toh(request->resource_id);
	if (!contexts_have(&gpu->contexts, command->context))
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (!resources_find(&gpu->resources, *resource))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t command_ctx_attach_resource(struct command *command, struct gpu *gpu)
{
	uint32_t resource;
	uint32_t type = pair(command, gpu, &resource);

	if (type == VIRTIO_GPU_RESP_OK_NODATA)
		gpu->renderer->ops->attach(gpu->renderer, command->context,
					   resource);
	return type;
}

uint32_t command_ctx_detach_resource(struct command *command, struct gpu *gpu)
{
	uint32_t resource;
	uint32_t type = pair(command, gpu, &resource);

	if (type == VIRTIO_GPU_RESP_OK_NODATA)
		gpu->renderer->ops->detach(gpu->renderer, command->context,
					   resource);
	return type;
}

uint32_t command_submit_3d(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_cmd_submit *request = (void *)command->body;
	uint32_t size = le32toh(request->size);
	int r;

	_Static_assert(sizeof(*request) % 8 == 0,
		       "what is submitted starts aligned");
	if (!contexts_have(&gpu->contexts, command->context))
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (size % 4 || size > command->length - sizeof(*request))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!size)
		return VIRTIO_GPU_RESP_OK_NODATA;
	rings_see(&gpu->rings, command->context,
		  command->body + sizeof(*request), size);
	r = gpu->renderer->ops->submit(gpu->renderer, command->context,
				       command->body + sizeof(*request),
				       size / 4);
	return r < 0 ? command_error(r) : VIRTIO_GPU_RESP_OK_NODATA;
}
