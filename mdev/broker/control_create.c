// SPDX-License-Identifier: MIT
/*
 * CreateVgpu and RemoveVgpu. Both are writes of sysfs, as any other tool makes
 * them, and end when these have.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "mdev/broker/control.h"
#include "mdev/broker/creation.h"
#include "mdev/broker/interface.h"
#include "mdev/broker/sysfs.h"
#include "mdev/broker/vgpu.h"

struct request {
	const char *type;
	const char *gpu;
	const char *uuid;
	const char *name;
	bool transient;
	struct changes changes;
};

static const sd_json_dispatch_field create_fields[] = {
	{"type", SD_JSON_VARIANT_STRING, sd_json_dispatch_const_string,
	 offsetof(struct request, type), SD_JSON_MANDATORY},
	DISPATCH_STRING("gpu", struct request, gpu),
	DISPATCH_STRING("uuid", struct request, uuid),
	DISPATCH_STRING("name", struct request, name),
	DISPATCH_BOOL("transient", struct request, transient),
	DISPATCH_CHANGES(struct request, changes),
	{0},
};

struct creation *creation_find(struct broker *broker, const char *uuid)
{
	struct creation *creation;

	if (!broker->control)
		return NULL;
	for (creation = broker->control->creations; creation;
	     creation = creation->next)
		if (!strcmp(creation->state.uuid, uuid))
			return creation;
	return NULL;
}

void creations_forget(struct broker *broker, sd_varlink *link)
{
	struct creation *creation;

	for (creation = broker->control->creations; creation;
	     creation = creation->next)
		if (creation->link == link)
			creation->gone = true;
}

static void creation_free(struct creation *creation)
{
	struct creation **link = &creation->broker->control->creations;

	while (*link && *link != creation)
		link = &(*link)->next;
	if (*link)
		*link = creation->next;
	sd_varlink_unref(creation->link);
	free(creation);
}

/* The kernel wants lower case; people may write what they like. */
static int uuid_set(char uuid[TRANCHE_UUID_SIZE], const char *text)
{
	sd_id128_t id;
	int r;

	r = text ? sd_id128_from_string(text, &id) : sd_id128_randomize(&id);
	if (r < 0)
		return -EINVAL;
	sd_id128_to_uuid_string(id, uuid);
	return 0;
}

static int owner_set(struct state_vgpu *state, sd_varlink *link)
{
	int r = sd_varlink_get_peer_pid(link, &state->owner);

	return r < 0 ? r : process_began(state->owner, &state->owner_start);
}

static struct host_gpu *gpu_with_room(struct broker *broker, const char *name,
				      const struct vgpu_type **type)
{
	struct host_gpu *fallback = NULL;

	for (size_t i = 0; i < broker->gpu_count; i++) {
		struct host_gpu *gpu = broker->gpus[i];
		const struct vgpu_type *found = type_find(&gpu->types, name);

		if (!gpu->registered || !found)
			continue;
		if (fallback && !host_gpu_available(gpu, found))
			continue;
		fallback = gpu;
		*type = found;
		if (host_gpu_available(gpu, found))
			break;
	}
	return fallback;
}

static int no_such_type(sd_varlink *link, const char *type)
{
	return sd_varlink_errorbo(
		link, BROKER_METHOD("NoSuchType"),
		SD_JSON_BUILD_PAIR("type", SD_JSON_BUILD_STRING(type)));
}

/* Without any GPU that is served, that is what is wrong, not the type. */
static int none_served(struct broker *broker, sd_varlink *link,
		       const char *type)
{
	struct host_gpu *first = broker->gpu_count ? broker->gpus[0] : NULL;

	for (size_t i = 0; i < broker->gpu_count; i++)
		if (broker->gpus[i]->registered)
			return no_such_type(link, type);
	if (!first)
		return control_not_served(link, NULL, "this host has no GPU");
	return control_not_served(
		link, first,
		first->reason[0] ? first->reason
				 : "it is no PCI device: no vGPU can be made");
}

static int place(struct broker *broker, sd_varlink *link,
		 const struct request *request, struct host_gpu **gpu,
		 const struct vgpu_type **type)
{
	int r;

	if (!request->gpu) {
		*gpu = gpu_with_room(broker, request->type, type);
		return *gpu ? 0 : none_served(broker, link, request->type);
	}
	r = control_gpu(broker, link, request->gpu, gpu);
	if (r < 0)
		return r;
	if (!(*gpu)->registered)
		return control_not_served(
			link, *gpu,
			(*gpu)->reason[0]
				? (*gpu)->reason
				: "it is no PCI device: no vGPU can be made");
	*type = type_find(&(*gpu)->types, request->type);
	return *type ? 0 : no_such_type(link, request->type);
}

static int room_check(sd_varlink *link, const struct host_gpu *gpu,
		      const struct vgpu_type *type,
		      const struct arbiter_settings *settings)
{
	uint64_t vram = host_gpu_vram_free(gpu);

	if (type->vram > vram)
		return control_no_space(link, "vram", type->vram, vram);
	if (!host_gpu_available(gpu, type))
		return control_no_space(link, "instances", 1, 0);
	if (settings->reservation > host_gpu_reservable(gpu, NULL))
		return changes_refused(link, gpu, NULL, settings, -ENOSPC);
	return 0;
}

static int names_check(sd_varlink *link, struct creation *creation,
		       const struct request *request)
{
	struct state_vgpu *state = &creation->state;

	if (uuid_set(state->uuid, request->uuid) < 0)
		return control_invalid(
			link, "uuid",
			"a UUID, such as 6d2c8a70-1f0e-4c5b-9f0e-3b8a4e1c7d21");
	if (request->name && name_check(request->name) < 0)
		return control_invalid(link, "name",
				       setting_range(SETTING_TENANT));
	if (request->name)
		strcpy(state->name, request->name);
	if (vgpu_find(creation->broker, state->uuid) ||
	    creation_find(creation->broker, state->uuid))
		return sd_varlink_errorbo(
			link, BROKER_METHOD("Exists"),
			SD_JSON_BUILD_PAIR("uuid",
					   SD_JSON_BUILD_STRING(state->uuid)));
	return 0;
}

static int creation_fill(struct creation *creation,
			 const struct request *request,
			 const struct host_gpu *gpu,
			 const struct vgpu_type *type)
{
	const struct setting_limits limits = {type->weight, type->vram};
	sd_varlink *link = creation->link;
	int r = names_check(link, creation, request);

	if (r < 0)
		return r;
	creation->state.uid = UID_NEW;
	creation->state.transient = request->transient;
	if (request->transient) {
		r = owner_set(&creation->state, link);
		if (r < 0)
			return sd_varlink_error_errno(link, r);
	}
	creation->settings = host_gpu_settings(gpu, type);
	r = changes_apply(link, &request->changes, &limits,
			  &creation->settings);
	return r < 0 ? r : room_check(link, gpu, type, &creation->settings);
}

static int refused(struct creation *creation, int error)
{
	const char *uuid = creation->state.uuid;

	if (error == -EEXIST)
		return sd_varlink_errorbo(
			creation->link, BROKER_METHOD("Exists"),
			SD_JSON_BUILD_PAIR("uuid", SD_JSON_BUILD_STRING(uuid)));
	if (error == -ENOSPC || error == -EUSERS)
		return control_no_space(creation->link, "instances", 1, 0);
	if (error == -ENODEV || error == -ENOTCONN || error == -ENOENT)
		return control_not_served(creation->link, creation->gpu,
					  "it went away");
	return sd_varlink_error_errno(creation->link, error);
}

static void on_created(void *owner, int error, unsigned int step)
{
	struct creation *creation = owner;
	struct vgpu *vgpu = vgpu_find(creation->broker, creation->state.uuid);

	(void)step;
	if (!vgpu || error < 0)
		refused(creation, error < 0 ? error : -ENODEV);
	else
		control_reply_vgpu(creation->link, vgpu);
	if (vgpu && vgpu->transient && creation->gone) {
		vgpu->owner.link = NULL;
		vgpu_end(vgpu);
	}
	creation_free(creation);
}

/* Create, then show in sysfs what differs from what it begins with. */
static int creation_start(struct creation *creation,
			  const struct vgpu_type *type)
{
	const struct arbiter_settings begin =
		host_gpu_settings(creation->gpu, type);
	struct sysfs_write writes[1 + SETTINGS] = {0};
	const char *uuid = creation->state.uuid;
	unsigned int count = 1;

	host_gpu_type_path(creation->gpu, type, "create", writes[0].path,
			   sizeof(writes[0].path));
	snprintf(writes[0].text, sizeof(writes[0].text), "%s", uuid);
	for (int i = 0; i < SETTINGS; i++) {
		if (!setting_changed(i, &begin, &creation->settings))
			continue;
		vgpu_sysfs_path(uuid, setting_names[i], writes[count].path,
				sizeof(writes[count].path));
		setting_format(i, &creation->settings, writes[count].text);
		count++;
	}
	return sysfs_write_start(creation->broker->loop, writes, count,
				 on_created, creation);
}

static int create(struct broker *broker, sd_varlink *link,
		  const struct request *request, struct host_gpu *gpu,
		  const struct vgpu_type *type)
{
	struct creation *creation = calloc(1, sizeof(*creation));
	int r;

	if (!creation)
		return sd_varlink_error_errno(link, -ENOMEM);
	creation->broker = broker;
	creation->gpu = gpu;
	creation->link = sd_varlink_ref(link);
	r = creation_fill(creation, request, gpu, type);
	if (r < 0) {
		creation_free(creation);
		return r;
	}
	creation->next = broker->control->creations;
	broker->control->creations = creation;
	r = creation_start(creation, type);
	if (r < 0) {
		creation_free(creation);
		return sd_varlink_error_errno(link, r);
	}
	return 0;
}

int control_create_vgpu(sd_varlink *link, sd_json_variant *parameters,
			sd_varlink_method_flags_t flags, void *userdata)
{
	struct broker *broker = userdata;
	const struct vgpu_type *type = NULL;
	struct request request = {0};
	struct host_gpu *gpu;
	int r = sd_varlink_dispatch(link, parameters, create_fields, &request);

	(void)flags;
	if (r != 0)
		return r;
	r = control_check(broker, link);
	if (r >= 0)
		r = place(broker, link, &request, &gpu, &type);
	return r < 0 ? r : create(broker, link, &request, gpu, type);
}

static int in_use(sd_varlink *link, const struct vgpu *vgpu)
{
	return sd_varlink_errorbo(
		link, BROKER_METHOD("InUse"),
		SD_JSON_BUILD_PAIR("uuid", SD_JSON_BUILD_STRING(vgpu->uuid)),
		SD_JSON_BUILD_PAIR_CONDITION(
			vgpu->vm.pid > 0, "pid",
			SD_JSON_BUILD_INTEGER(vgpu->vm.pid)));
}

static void on_removed(void *owner, int error)
{
	sd_varlink *link = owner;

	if (error < 0)
		sd_varlink_error_errno(link, error);
	else
		sd_varlink_reply(link, NULL);
	sd_varlink_unref(link);
}

static int remove_vgpu(sd_varlink *link, struct vgpu *vgpu)
{
	int r;

	if (!vgpu->type) {
		vgpu_end(vgpu);
		return sd_varlink_reply(link, NULL);
	}
	if (vgpu->state & TRANCHE_STATE_OPEN || vgpu->removing)
		return in_use(link, vgpu);
	r = vgpu_remove(vgpu, on_removed, sd_varlink_ref(link));
	if (r < 0)
		on_removed(link, r);
	return r;
}

int control_remove_vgpu(sd_varlink *link, sd_json_variant *parameters,
			sd_varlink_method_flags_t flags, void *userdata)
{
	struct vgpu *vgpu;
	int r = control_vgpu_change(userdata, link, parameters, &vgpu);

	(void)flags;
	return r == 0 ? remove_vgpu(link, vgpu) : r;
}
