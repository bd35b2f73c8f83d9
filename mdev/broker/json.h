/* SPDX-License-Identifier: MIT */
/*
 * What the control socket says of things, as JSON. Each function makes a new
 * object, the caller's, and returns 0 or a negative errno.
 */
#ifndef BROKER_JSON_H
#define BROKER_JSON_H

#include <systemd/sd-json.h>

#include "mdev/broker/event.h"
#include "mdev/broker/host_gpu.h"

struct arbiter_slice;

int json_gpu(const struct host_gpu *gpu, sd_json_variant **json);
int json_type(const struct host_gpu *gpu, const struct vgpu_type *type,
	      sd_json_variant **json);
int json_vgpu(const struct vgpu *vgpu, sd_json_variant **json);
int json_stats(const struct vgpu *vgpu, sd_json_variant **json);
int json_gpu_stats(const struct host_gpu *gpu, sd_json_variant **json);
int json_event(const struct event *event, sd_json_variant **json);
int json_slice(const struct arbiter_slice *slice, sd_json_variant **json);

/**
 * struct json_list - an array that grows
 * @items: of it
 * @count: how many
 *
 * json_list_add() takes the item, and counts an error of making it as its own.
 */
struct json_list {
	sd_json_variant **items;
	size_t count;
	int error;
};

void json_list_add(struct json_list *list, int error, sd_json_variant *item);
void json_list_deinit(struct json_list *list);

#endif
