// SPDX-License-Identifier: MIT
/*
 * Methods that only read: lists, figures, events, slices.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "mdev/broker/control.h"
#include "mdev/broker/event.h"
#include "mdev/broker/json.h"
#include "mdev/broker/vgpu.h"

#define SLICES_MAX 4096

struct filter {
	const char *gpu;
	const char *uuid;
	struct host_gpu *only_gpu;
	struct vgpu *only;
};

/* Return: 0, or negative with an error sent. */
static int filter_init(struct filter *filter, struct broker *broker,
		       sd_varlink *link)
{
	int r = 0;

	if (filter->gpu)
		r = control_gpu(broker, link, filter->gpu, &filter->only_gpu);
	if (r >= 0 && filter->uuid)
		r = control_vgpu(broker, link, filter->uuid, &filter->only);
	return r;
}

static bool passes(const struct filter *filter, const struct vgpu *vgpu)
{
	return (!filter->only_gpu || vgpu->gpu == filter->only_gpu) &&
	       (!filter->only || vgpu == filter->only);
}

static const sd_json_dispatch_field no_fields[] = {{0}};

static const sd_json_dispatch_field gpu_fields[] = {
	DISPATCH_STRING("gpu", struct filter, gpu),
	{0},
};

static const sd_json_dispatch_field vgpu_fields[] = {
	DISPATCH_STRING("gpu", struct filter, gpu),
	DISPATCH_STRING("uuid", struct filter, uuid),
	{0},
};

static const sd_json_dispatch_field stats_fields[] = {
	DISPATCH_STRING("uuid", struct filter, uuid),
	{0},
};

/* Replies with one array and frees it. */
static int reply_list(sd_varlink *link, const char *name,
		      struct json_list *list)
{
	int r;

	if (list->error < 0)
		r = sd_varlink_error_errno(link, list->error);
	else
		r = sd_varlink_replybo(
			link, SD_JSON_BUILD_PAIR(
				      name, SD_JSON_BUILD_VARIANT_ARRAY(
						    list->items, list->count)));
	json_list_deinit(list);
	return r;
}

int control_list_gpus(sd_varlink *link, sd_json_variant *parameters,
		      sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct json_list list = {0};
	int r = sd_varlink_dispatch(link, parameters, no_fields, NULL);

	(void)flags;
	if (r != 0)
		return r;
	for (size_t i = 0; i < broker->gpu_count; i++) {
		sd_json_variant *json = NULL;

		r = json_gpu(broker->gpus[i], &json);
		json_list_add(&list, r, json);
	}
	return reply_list(link, "gpus", &list);
}

static void add_types(struct json_list *list, const struct host_gpu *gpu)
{
	for (unsigned int i = 0; gpu->registered && i < gpu->types.count; i++) {
		sd_json_variant *json = NULL;
		int r = json_type(gpu, &gpu->types.types[i], &json);

		json_list_add(list, r, json);
	}
}

int control_list_types(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct filter filter = {0};
	struct json_list list = {0};
	int r = sd_varlink_dispatch(link, parameters, gpu_fields, &filter);

	(void)flags;
	if (r != 0)
		return r;
	r = filter_init(&filter, broker, link);
	if (r < 0)
		return r;
	for (size_t i = 0; i < broker->gpu_count; i++)
		if (!filter.only_gpu || broker->gpus[i] == filter.only_gpu)
			add_types(&list, broker->gpus[i]);
	return reply_list(link, "types", &list);
}

int control_list_vgpus(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct filter filter = {0};
	struct json_list list = {0};
	struct vgpu *vgpu;
	int r = sd_varlink_dispatch(link, parameters, vgpu_fields, &filter);

	(void)flags;
	if (r != 0)
		return r;
	r = filter_init(&filter, broker, link);
	if (r < 0)
		return r;
	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next) {
		sd_json_variant *json = NULL;

		if (!passes(&filter, vgpu))
			continue;
		r = json_vgpu(vgpu, &json);
		json_list_add(&list, r, json);
	}
	return reply_list(link, "vgpus", &list);
}

static void gpu_stats(struct json_list *list, const struct broker *broker)
{
	for (size_t i = 0; i < broker->gpu_count; i++) {
		sd_json_variant *json = NULL;
		int r;

		if (!broker->gpus[i]->arbiter)
			continue;
		r = json_gpu_stats(broker->gpus[i], &json);
		json_list_add(list, r, json);
	}
}

static void vgpu_stats(struct json_list *list, const struct broker *broker,
		       const struct filter *filter)
{
	struct vgpu *vgpu;

	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next) {
		sd_json_variant *json = NULL;
		int r;

		if (!passes(filter, vgpu))
			continue;
		r = json_stats(vgpu, &json);
		json_list_add(list, r, json);
	}
}

static int reply_stats(sd_varlink *link, struct json_list *gpus,
		       struct json_list *vgpus)
{
	int r = gpus->error < 0 ? gpus->error : vgpus->error;

	if (r < 0)
		r = sd_varlink_error_errno(link, r);
	else
		r = sd_varlink_replybo(
			link,
			SD_JSON_BUILD_PAIR("gpus",
					   SD_JSON_BUILD_VARIANT_ARRAY(
						   gpus->items, gpus->count)),
			SD_JSON_BUILD_PAIR(
				"vgpus", SD_JSON_BUILD_VARIANT_ARRAY(
						 vgpus->items, vgpus->count)));
	json_list_deinit(gpus);
	json_list_deinit(vgpus);
	return r;
}

int control_get_stats(sd_varlink *link, sd_json_variant *parameters,
		      sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct filter filter = {0};
	struct json_list gpus = {0}, vgpus = {0};
	int r = sd_varlink_dispatch(link, parameters, stats_fields, &filter);

	(void)flags;
	if (r != 0)
		return r;
	r = filter_init(&filter, broker, link);
	if (r < 0)
		return r;
	gpu_stats(&gpus, broker);
	vgpu_stats(&vgpus, broker, &filter);
	return reply_stats(link, &gpus, &vgpus);
}

static int snapshot(struct broker *broker, sd_varlink *link)
{
	sd_json_variant *json = NULL;
	unsigned int vgpus = 0;
	struct event event;
	struct vgpu *vgpu;
	char text[64];
	int r;

	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next)
		vgpus++;
	snprintf(text, sizeof(text), "%zu GPUs, %u vGPUs and programs",
		 broker->gpu_count, vgpus);
	event_init(&event, EVENT_SNAPSHOT, NULL, NULL, 0, text);
	r = json_event(&event, &json);
	if (r >= 0)
		r = sd_varlink_notifybo(
			link, SD_JSON_BUILD_PAIR("event",
						 SD_JSON_BUILD_VARIANT(json)));
	sd_json_variant_unref(json);
	return r;
}

int control_watch(sd_varlink *link, sd_json_variant *parameters,
		  sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct control *control = broker->control;
	int r = sd_varlink_dispatch(link, parameters, no_fields, NULL);

	if (r != 0)
		return r;
	if (!(flags & SD_VARLINK_METHOD_MORE))
		return sd_varlink_error(link, SD_VARLINK_ERROR_EXPECTED_MORE,
					NULL);
	if (control->watcher_count == WATCHERS_MAX ||
	    (control->watcher_count >= READERS_MAX &&
	     !control_may_change(broker, link)))
		return sd_varlink_error_errno(link, -EUSERS);
	r = snapshot(broker, link);
	if (r < 0)
		return r;
	control->watchers[control->watcher_count++] = sd_varlink_ref(link);
	return 0;
}

struct slices_request {
	const char *gpu;
	struct maybe_int after;
};

static const sd_json_dispatch_field slices_fields[] = {
	DISPATCH_STRING("gpu", struct slices_request, gpu),
	DISPATCH_INT("after", struct slices_request, after),
	{0},
};

static int reply_slices(sd_varlink *link, uint64_t after,
			struct json_list *list)
{
	int r;

	if (list->error < 0)
		r = sd_varlink_error_errno(link, list->error);
	else
		r = sd_varlink_replybo(
			link,
			SD_JSON_BUILD_PAIR("after",
					   SD_JSON_BUILD_UNSIGNED(after)),
			SD_JSON_BUILD_PAIR("slices",
					   SD_JSON_BUILD_VARIANT_ARRAY(
						   list->items, list->count)));
	json_list_deinit(list);
	return r;
}

static int slices(sd_varlink *link, struct host_gpu *gpu, uint64_t after)
{
	struct arbiter_slice *found = calloc(SLICES_MAX, sizeof(*found));
	struct json_list list = {0};
	size_t count;

	if (!found)
		return sd_varlink_error_errno(link, -ENOMEM);
	count = arbiter_slices(gpu->arbiter, &after, found, SLICES_MAX);
	for (size_t i = 0; i < count; i++) {
		sd_json_variant *json = NULL;
		int r = json_slice(&found[i], &json);

		json_list_add(&list, r, json);
	}
	free(found);
	return reply_slices(link, after, &list);
}

static struct host_gpu *first_shared(struct broker *broker)
{
	for (size_t i = 0; i < broker->gpu_count; i++)
		if (broker->gpus[i]->arbiter)
			return broker->gpus[i];
	return NULL;
}

int control_get_slices(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct slices_request request = {0};
	struct host_gpu *gpu = NULL;
	int r = sd_varlink_dispatch(link, parameters, slices_fields, &request);

	(void)flags;
	if (r != 0)
		return r;
	if (request.gpu) {
		r = control_gpu(broker, link, request.gpu, &gpu);
		if (r < 0)
			return r;
	} else {
		gpu = first_shared(broker);
	}
	if (!gpu || !gpu->arbiter)
		return control_not_served(link, gpu,
					  gpu ? gpu->reason : "no GPU is here");
	return slices(link, gpu, request.after.value);
}
