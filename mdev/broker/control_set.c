// SPDX-License-Identifier: MIT
/*
 * SetVgpu, SetGpu, ResetVgpu and Enroll.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "mdev/broker/control.h"
#include "mdev/broker/event.h"
#include "mdev/broker/host_gpu.h"
#include "mdev/broker/json.h"
#include "mdev/broker/spawn.h"
#include "mdev/broker/sysfs.h"
#include "mdev/broker/vgpu.h"

struct set_request {
	const char *uuid;
	struct changes changes;
};

static const sd_json_dispatch_field set_fields[] = {
	{"uuid", SD_JSON_VARIANT_STRING, sd_json_dispatch_const_string,
	 offsetof(struct set_request, uuid), SD_JSON_MANDATORY},
	DISPATCH_CHANGES(struct set_request, changes),
	DISPATCH_INT("killMs", struct set_request, changes.kill_ms),
	{0},
};

/* A SetVgpu whose values are being shown in sysfs. */
struct showing {
	struct broker *broker;
	sd_varlink *link;
	char uuid[TRANCHE_UUID_SIZE];
};

static void on_shown(void *owner, int error, unsigned int step)
{
	struct showing *showing = owner;
	struct vgpu *vgpu = vgpu_find(showing->broker, showing->uuid);

	(void)step;
	if (vgpu && error == 0)
		control_reply_vgpu(showing->link, vgpu);
	else
		sd_varlink_error_errno(showing->link, error ? error : -ENODEV);
	sd_varlink_unref(showing->link);
	free(showing);
}

static unsigned int writes_fill(const struct vgpu *vgpu,
				const struct arbiter_settings *before,
				struct sysfs_write writes[SETTINGS])
{
	unsigned int count = 0;

	for (int i = 0; i < SETTINGS; i++) {
		if (!setting_changed(i, before, &vgpu->settings))
			continue;
		vgpu_sysfs_path(vgpu->uuid, setting_names[i],
				writes[count].path, sizeof(writes[count].path));
		setting_format(i, &vgpu->settings, writes[count].text);
		count++;
	}
	return count;
}

/* The kernel's copy follows: what holds already is never refused. */
static int show(sd_varlink *link, const struct vgpu *vgpu,
		const struct arbiter_settings *before)
{
	struct sysfs_write writes[SETTINGS];
	unsigned int count = writes_fill(vgpu, before, writes);
	struct showing *showing;
	int r;

	if (!count || !vgpu->type)
		return control_reply_vgpu(link, vgpu);
	showing = calloc(1, sizeof(*showing));
	if (!showing)
		return sd_varlink_error_errno(link, -ENOMEM);
	showing->broker = vgpu->gpu->broker;
	showing->link = sd_varlink_ref(link);
	strcpy(showing->uuid, vgpu->uuid);
	r = sysfs_write_start(showing->broker->loop, writes, count, on_shown,
			      showing);
	if (r < 0) {
		sd_varlink_unref(showing->link);
		free(showing);
		return sd_varlink_error_errno(link, r);
	}
	return 0;
}

static void tell(const struct vgpu *vgpu, const struct arbiter_settings *before)
{
	char value[TRANCHE_VALUE_SIZE];

	for (int i = 0; i < SETTINGS; i++) {
		if (!setting_changed(i, before, &vgpu->settings))
			continue;
		setting_format(i, &vgpu->settings, value);
		event_vgpu(vgpu, EVENT_CHANGED, 0, "%s=%s", setting_names[i],
			   value);
	}
	if (before->kill_ns != vgpu->settings.kill_ns)
		event_vgpu(vgpu, EVENT_CHANGED, 0, "kill limit %llu ms",
			   (unsigned long long)vgpu->settings.kill_ns /
				   1000000);
}

static int set(sd_varlink *link, struct vgpu *vgpu,
	       const struct changes *changes)
{
	const struct setting_limits limits = vgpu_limits(vgpu);
	const struct arbiter_settings before = vgpu->settings;
	struct arbiter_settings settings = before;
	bool elastic = vgpu->elastic;
	int r = changes_apply(link, changes, &limits, &settings);

	if (r < 0)
		return r;
	if (changes->vram.set)
		vgpu->elastic = false;
	r = vgpu_set(vgpu, &settings);
	if (r < 0) {
		vgpu->elastic = elastic;
		return changes_refused(link, vgpu->gpu, vgpu, &settings, r);
	}
	vgpu_elastic_update(vgpu->gpu);
	tell(vgpu, &before);
	return show(link, vgpu, &before);
}

int control_set_vgpu(sd_varlink *link, sd_json_variant *parameters,
		     sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct set_request request = {0};
	struct vgpu *vgpu;
	int r = sd_varlink_dispatch(link, parameters, set_fields, &request);

	(void)flags;
	if (r != 0)
		return r;
	r = control_check(broker, link);
	if (r >= 0)
		r = control_vgpu(broker, link, request.uuid, &vgpu);
	return r < 0 ? r : set(link, vgpu, &request.changes);
}

struct gpu_request {
	const char *gpu;
	const char *policy;
	bool transient;
};

static const sd_json_dispatch_field gpu_fields[] = {
	{"gpu", SD_JSON_VARIANT_STRING, sd_json_dispatch_const_string,
	 offsetof(struct gpu_request, gpu), SD_JSON_MANDATORY},
	{"policy", SD_JSON_VARIANT_STRING, sd_json_dispatch_const_string,
	 offsetof(struct gpu_request, policy), SD_JSON_MANDATORY},
	DISPATCH_BOOL("transient", struct gpu_request, transient),
	{0},
};

static int reply_gpu(sd_varlink *link, const struct host_gpu *gpu)
{
	sd_json_variant *json = NULL;
	int r = json_gpu(gpu, &json);

	if (r < 0)
		return sd_varlink_error_errno(link, r);
	r = sd_varlink_replybo(
		link, SD_JSON_BUILD_PAIR("gpu", SD_JSON_BUILD_VARIANT(json)));
	sd_json_variant_unref(json);
	return r;
}

static int gpu_set(sd_varlink *link, struct host_gpu *gpu,
		   const struct gpu_request *request)
{
	int policy = name_find(policy_names, TSCHED_POLICIES, request->policy);
	int r;

	if (policy < 0)
		return control_invalid(link, "policy", POLICY_RANGE);
	if (!gpu->arbiter)
		return control_not_served(link, gpu, gpu->reason);
	r = host_gpu_set_policy(gpu, policy, request->transient ? link : NULL);
	return r < 0 ? sd_varlink_error_errno(link, r) : reply_gpu(link, gpu);
}

int control_set_gpu(sd_varlink *link, sd_json_variant *parameters,
		    sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct gpu_request request = {0};
	struct host_gpu *gpu;
	int r = sd_varlink_dispatch(link, parameters, gpu_fields, &request);

	(void)flags;
	if (r != 0)
		return r;
	r = control_check(broker, link);
	if (r >= 0)
		r = control_gpu(broker, link, request.gpu, &gpu);
	return r < 0 ? r : gpu_set(link, gpu, &request);
}

int control_reset_vgpu(sd_varlink *link, sd_json_variant *parameters,
		       sd_varlink_method_flags_t flags, void *userdata)
{
	struct vgpu *vgpu;
	int r = control_vgpu_change(userdata, link, parameters, &vgpu);

	(void)flags;
	if (r != 0)
		return r;
	r = vgpu_reset(vgpu);
	return r < 0 ? sd_varlink_error_errno(link, r)
		     : sd_varlink_reply(link, NULL);
}

struct enroll_request {
	const char *gpu;
	const char *name;
	struct changes changes;
};

static const sd_json_dispatch_field enroll_fields[] = {
	DISPATCH_STRING("gpu", struct enroll_request, gpu),
	DISPATCH_STRING("name", struct enroll_request, name),
	DISPATCH_CHANGES(struct enroll_request, changes),
	{0},
};

static int enroll_place(struct broker *broker, sd_varlink *link,
			const char *address, struct host_gpu **gpu)
{
	int r;

	*gpu = NULL;
	if (address) {
		r = control_gpu(broker, link, address, gpu);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; !address && i < broker->gpu_count; i++)
		if (broker->gpus[i]->arbiter) {
			*gpu = broker->gpus[i];
			break;
		}
	if (*gpu && (*gpu)->arbiter)
		return 0;
	return control_not_served(link, *gpu,
				  *gpu ? (*gpu)->reason
				       : "no GPU of this host can be shared");
}

static int peer_fill(struct state_vgpu *state, sd_varlink *link)
{
	sd_id128_t id;
	int r = sd_varlink_get_peer_uid(link, &state->uid);

	if (r >= 0)
		r = sd_varlink_get_peer_pid(link, &state->owner);
	if (r >= 0)
		r = process_began(state->owner, &state->owner_start);
	if (r >= 0)
		r = sd_id128_randomize(&id);
	if (r < 0)
		return r;
	sd_id128_to_uuid_string(id, state->uuid);
	state->program = true;
	state->transient = true;
	return 0;
}

static int reply_enrolled(sd_varlink *link, const struct vgpu *vgpu)
{
	const struct broker *broker = vgpu->gpu->broker;
	char *environment[GATE_VARIABLES + 1];
	char door[128];
	int r;

	vgpu_door(vgpu, door, sizeof(door));
	r = gate_environment(broker->config, vgpu->gpu->gpu, door, environment);
	if (r < 0)
		return sd_varlink_error_errno(link, r);
	r = sd_varlink_replybo(
		link,
		SD_JSON_BUILD_PAIR("uuid", SD_JSON_BUILD_STRING(vgpu->uuid)),
		SD_JSON_BUILD_PAIR("environment",
				   SD_JSON_BUILD_STRV(environment)));
	strv_clear(environment);
	return r;
}

static int enroll(sd_varlink *link, struct host_gpu *gpu,
		  const struct enroll_request *request)
{
	const struct setting_limits limits = {
		.weight = gpu->config->defaults.weight,
		.vram = gpu->types.capacity,
	};
	struct arbiter_settings settings = gpu->config->defaults;
	struct state_vgpu state = {.elastic = !request->changes.vram.set};
	uint64_t free = host_gpu_vram_free(gpu);
	struct vgpu *vgpu;
	int r;

	settings.vram_limit = free > SETTING_VRAM_MIN ? free : SETTING_VRAM_MIN;
	r = changes_apply(link, &request->changes, &limits, &settings);
	if (r < 0)
		return r;
	if (!state.elastic && settings.vram_limit > free)
		return control_no_space(link, "vram", settings.vram_limit,
					free);
	if (request->name)
		strcpy(state.name, request->name);
	r = peer_fill(&state, link);
	if (r < 0)
		return sd_varlink_error_errno(link, r);
	r = vgpu_new(&vgpu, gpu, NULL, &state, &settings);
	if (r < 0)
		return changes_refused(link, gpu, NULL, &settings, r);
	vgpu->owner.link = link;
	event_vgpu(vgpu, EVENT_CREATED, state.owner,
		   "program of process %d enrolled", state.owner);
	return reply_enrolled(link, vgpu);
}

int control_enroll(sd_varlink *link, sd_json_variant *parameters,
		   sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	struct enroll_request request = {0};
	struct host_gpu *gpu;
	int r = sd_varlink_dispatch(link, parameters, enroll_fields, &request);

	(void)flags;
	if (r != 0)
		return r;
	r = control_check(broker, link);
	if (r < 0)
		return r;
	if (request.name && name_check(request.name) < 0)
		return control_invalid(link, "name",
				       setting_range(SETTING_TENANT));
	r = enroll_place(broker, link, request.gpu, &gpu);
	return r < 0 ? r : enroll(link, gpu, &request);
}
