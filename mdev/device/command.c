// SPDX-License-Identifier: MIT
#include "mdev/device/command.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEADER_SIZE sizeof(struct virtio_gpu_ctrl_hdr)

uint32_t command_error(int error)
{
	switch (error) {
	case -EINVAL:
	case -EEXIST:
	case -EBUSY:
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	case -ENOMEM:
	case -ENOSPC:
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	default:
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
}

/* No scanout is enabled, since there is none. */
static uint32_t get_display_info(struct command *command, struct gpu *gpu)
{
	(void)gpu;
	command->response_length = sizeof(command->response.display_info);
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static uint32_t get_capset_info(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_get_capset_info *request =
		(void *)command->body;
	struct virtio_gpu_resp_capset_info *response =
		&command->response.capset_info;

	if (le32toh(request->capset_index) != 0)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	response->capset_id = htole32(VIRTIO_GPU_CAPSET_VENUS);
	response->capset_max_version = htole32(gpu->capset_version);
	response->capset_max_size = htole32(gpu->capset_size);
	command->response_length = sizeof(*response);
	return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

static uint32_t get_capset(struct command *command, struct gpu *gpu)
{
	const struct virtio_gpu_get_capset *request = (void *)command->body;

	if (le32toh(request->capset_id) != VIRTIO_GPU_CAPSET_VENUS ||
	    le32toh(request->capset_version) > gpu->capset_version)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	memcpy(command->response.capset + HEADER_SIZE, gpu->capset,
	       gpu->capset_size);
	command->response_length = HEADER_SIZE + gpu->capset_size;
	return VIRTIO_GPU_RESP_OK_CAPSET;
}

/* What is served: least length of the request, and its handler. */
static const struct {
	uint32_t type;
	uint32_t length;
	command_handler handler;
} commands[] = {
	{VIRTIO_GPU_CMD_GET_DISPLAY_INFO, HEADER_SIZE, get_display_info},
	{VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	 sizeof(struct virtio_gpu_get_capset_info), get_capset_info},
	{VIRTIO_GPU_CMD_GET_CAPSET, sizeof(struct virtio_gpu_get_capset),
	 get_capset},
	{VIRTIO_GPU_CMD_RESOURCE_UNREF,
	 sizeof(struct virtio_gpu_resource_unref), command_resource_unref},
	{VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
	 sizeof(struct virtio_gpu_resource_assign_uuid),
	 command_resource_assign_uuid},
	{VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	 sizeof(struct virtio_gpu_resource_create_blob),
	 command_resource_create_blob},
	{VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
	 sizeof(struct virtio_gpu_resource_map_blob),
	 command_resource_map_blob},
	{VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
	 sizeof(struct virtio_gpu_resource_unmap_blob),
	 command_resource_unmap_blob},
	{VIRTIO_GPU_CMD_CTX_CREATE, sizeof(struct virtio_gpu_ctx_create),
	 command_ctx_create},
	{VIRTIO_GPU_CMD_CTX_DESTROY, sizeof(struct virtio_gpu_ctx_destroy),
	 command_ctx_destroy},
	{VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
	 sizeof(struct virtio_gpu_ctx_resource), command_ctx_attach_resource},
	{VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
	 sizeof(struct virtio_gpu_ctx_resource), command_ctx_detach_resource},
	{VIRTIO_GPU_CMD_SUBMIT_3D, sizeof(struct virtio_gpu_cmd_submit),
	 command_submit_3d},
};

static void header_read(struct command *command)
{
	const struct virtio_gpu_ctrl_hdr *hdr = (void *)command->body;
	uint32_t flags = le32toh(hdr->flags);

	command->type = le32toh(hdr->type);
	command->context = le32toh(hdr->ctx_id);
	command->fence = le64toh(hdr->fence_id);
	command->ring = hdr->ring_idx;
	command->fenced = flags & VIRTIO_GPU_FLAG_FENCE;
	command->on_ring = flags & VIRTIO_GPU_FLAG_INFO_RING_IDX;
}

int command_read(struct command *command, struct gpu *gpu, struct virtq *queue,
		 const struct virtq_chain *chain)
{
	uint32_t length = chain->read_len;
	int r;

	memset(command, 0, sizeof(*command));
	if (length > GPU_REQUEST_MAX)
		length = GPU_REQUEST_MAX;
	command->body = gpu->request;
	command->length = length;
	r = virtq_chain_read(queue, chain, 0, command->body, length);
	if (r < 0)
		return r;
	if (length >= HEADER_SIZE)
		header_read(command);
	return 0;
}

static uint32_t dispatch(struct command *command, struct gpu *gpu)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].type != command->type)
			continue;
		if (command->length < commands[i].length)
			return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
		return commands[i].handler(command, gpu);
	}
	return VIRTIO_GPU_RESP_ERR_UNSPEC;
}

/* What a response repeats of its request (§5.7.6.7). */
static void header_fill(struct command *command, uint32_t type)
{
	struct virtio_gpu_ctrl_hdr *hdr = &command->response.hdr;

	hdr->type = htole32(type);
	if (!command->fenced)
		return;
	hdr->flags = htole32(VIRTIO_GPU_FLAG_FENCE);
	hdr->fence_id = htole64(command->fence);
	hdr->ctx_id = htole32(command->context);
	if (!command->on_ring)
		return;
	hdr->flags |= htole32(VIRTIO_GPU_FLAG_INFO_RING_IDX);
	hdr->ring_idx = command->ring;
}

/* Only a context that exists, or is about to, has rings to wait on. */
static bool ring_valid(const struct command *command, const struct gpu *gpu)
{
	if (!command->fenced || !command->on_ring)
		return true;
	return command->ring < RENDERER_RINGS_MAX &&
	       (command->type == VIRTIO_GPU_CMD_CTX_CREATE ||
		contexts_have(&gpu->contexts, command->context));
}

void command_execute(struct command *command, struct gpu *gpu)
{
	uint32_t type = ring_valid(command, gpu)
				? dispatch(command, gpu)
				: VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;

	command->failed = type >= VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (command->failed || !command->response_length)
		command->response_length = HEADER_SIZE;
	header_fill(command, type);
}

uint32_t command_fit(struct command *command, const struct virtq_chain *chain)
{
	if (command->response_length > chain->write_len) {
		command->response_length = HEADER_SIZE;
		header_fill(command, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	}
	return command->response_length > chain->write_len
		       ? 0
		       : command->response_length;
}
