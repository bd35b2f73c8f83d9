/* SPDX-License-Identifier: MIT */
/*
 * One request of the control queue (virtio 1.3 §5.7.6): copied from the guest,
 * judged, executed, answered.
 *
 *   read       command_read(): header and body are our copy
 *   executed   command_execute(): the response is ready
 *   answered   command_fit(): the response fits what the guest left room for
 *
 * Every request gets an answer. A kind that is not served, or a body that is
 * too short, gets the protocol's error response.
 *
 * Owner: the caller's stack; the body is in the GPU's buffer until the next
 * read. Locking: the queue thread's alone.
 */
#ifndef DEVICE_COMMAND_H
#define DEVICE_COMMAND_H

#include <linux/virtio_gpu.h>
#include <stdbool.h>
#include <stdint.h>

#include "mdev/device/gpu.h"

/* The responses that requests we serve can have. */
union command_response {
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resp_display_info display_info;
	struct virtio_gpu_resp_capset_info capset_info;
	struct virtio_gpu_resp_resource_uuid resource_uuid;
	struct virtio_gpu_resp_map_info map_info;
	uint8_t capset[sizeof(struct virtio_gpu_ctrl_hdr) +
		       RENDERER_CAPSET_SIZE_MAX];
};

struct command {
	/* The header, in our byte order. */
	uint32_t type;
	uint32_t context;
	uint64_t fence;
	uint8_t ring;
	bool fenced;
	bool on_ring;

	uint8_t *body; /* the whole request, header included */
	uint32_t length; /* bytes of it */

	bool failed;
	uint32_t response_length;
	union command_response response;
};

/* Return: the response's type, VIRTIO_GPU_RESP_*. */
typedef uint32_t (*command_handler)(struct command *command, struct gpu *gpu);

/**
 * command_read - copy a request from the guest
 * @command: where it goes
 * @gpu: lends its buffer
 * @queue: the control queue
 * @chain: the request, popped
 *
 * A request that is too long is cut: its handler will find it too short.
 *
 * Return: 0, or -EFAULT where the guest has no memory.
 */
int command_read(struct command *command, struct gpu *gpu, struct virtq *queue,
		 const struct virtq_chain *chain);

/**
 * command_execute - do what a request asks for, and fill its response
 * @command: read
 * @gpu: the device
 */
void command_execute(struct command *command, struct gpu *gpu);

/**
 * command_fit - make the response fit
 * @command: executed
 * @chain: the request
 *
 * Return: bytes of the response to write; 0 when the guest left no room for a
 * header.
 */
uint32_t command_fit(struct command *command, const struct virtq_chain *chain);

/**
 * command_error - the response to a failure
 * @error: negative errno
 *
 * Return: VIRTIO_GPU_RESP_ERR_*.
 */
uint32_t command_error(int error);

/* Handlers, each for the request it is named for (§5.7.6.8, §5.7.6.10). */
uint32_t command_resource_create_blob(struct command *command, struct gpu *gpu);
uint32_t command_resource_unref(struct command *command, struct gpu *gpu);
uint32_t command_resource_assign_uuid(struct command *command, struct gpu *gpu);
uint32_t command_resource_map_blob(struct command *command, struct gpu *gpu);
uint32_t command_resource_unmap_blob(struct command *command, struct gpu *gpu);
uint32_t command_ctx_create(struct command *command, struct gpu *gpu);
uint32_t command_ctx_destroy(struct command *command, struct gpu *gpu);
uint32_t command_ctx_attach_resource(struct command *command, struct gpu *gpu);
uint32_t command_ctx_detach_resource(struct command *command, struct gpu *gpu);
uint32_t command_submit_3d(struct command *command, struct gpu *gpu);

#endif
