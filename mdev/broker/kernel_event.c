// SPDX-License-Identifier: MIT
#include "mdev/broker/kernel_event.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mdev/broker/creation.h"
#include "mdev/broker/event.h"
#include "mdev/broker/log.h"
#include "mdev/broker/module.h"
#include "mdev/broker/vgpu.h"
#include "mdev/sandbox/sandbox.h"

static int vgpu_make(struct host_gpu *gpu, const struct vgpu_type *type,
		     const struct state_vgpu *state,
		     const struct arbiter_settings *settings,
		     struct vgpu **vgpu)
{
	int r;

	if (type->vram > host_gpu_vram_free(gpu))
		return -ENOSPC;
	r = vgpu_new(vgpu, gpu, type, state, settings);
	if (r < 0)
		return r;
	event_vgpu(*vgpu, EVENT_CREATED, 0, "created as %s", type->name);
	r = process_start(*vgpu);
	if (r < 0)
		vgpu_free(*vgpu);
	return r;
}

static int create(struct host_gpu *gpu, const struct tranche_event *event)
{
	const struct vgpu_type *type = &gpu->types.types[event->type];
	struct creation *creation = creation_find(gpu->broker, event->uuid);
	struct arbiter_settings settings = host_gpu_settings(gpu, type);
	struct state_vgpu state = {.uid = UID_NEW};
	struct vgpu *vgpu;
	int r;

	if (creation) {
		state = creation->state;
		settings = creation->settings;
	}
	memcpy(state.uuid, event->uuid, sizeof(state.uuid));
	r = vgpu_make(gpu, type, &state, &settings, &vgpu);
	if (r < 0) {
		log_line(LOG_ERR, gpu->gpu->address, event->uuid,
			 "no vGPU %s can be made: %s", type->name,
			 strerror(-r));
		return r;
	}
	if (creation && vgpu->transient)
		vgpu->owner.link = creation->link;
	return 0;
}

static int attribute(struct host_gpu *gpu, const struct tranche_event *event)
{
	struct vgpu *vgpu = vgpu_find(gpu->broker, event->uuid);
	struct arbiter_settings settings;
	struct setting_limits limits;
	int r;

	if (!vgpu || event->attribute >= SETTINGS)
		return -ENOENT;
	settings = vgpu->settings;
	limits = vgpu_limits(vgpu);
	r = setting_parse(event->attribute, event->value, &limits, &settings);
	if (r == 0 &&
	    setting_changed(event->attribute, &settings, &vgpu->settings)) {
		r = vgpu_set(vgpu, &settings);
		if (r == 0)
			event_vgpu(vgpu, EVENT_CHANGED, 0, "%s=%s",
				   setting_names[event->attribute],
				   event->value);
	}
	if (r < 0)
		log_line(LOG_NOTICE, NULL, vgpu->uuid, "%s=%s refused: %s",
			 setting_names[event->attribute], event->value,
			 r == -ENOSPC ? "it does not fit"
				      : setting_range(event->attribute));
	return r;
}

static void tell_opened(struct vgpu *vgpu)
{
	if (vm_find(&vgpu->vm, vgpu->uuid) == 0)
		event_vgpu(vgpu, EVENT_OPENED, vgpu->vm.pid,
			   "process %d (%s) has it", vgpu->vm.pid,
			   vgpu->vm.name);
	else
		event_vgpu(vgpu, EVENT_OPENED, 0, "a VMM has it");
}

static void tell_change(struct vgpu *vgpu, uint32_t was, uint32_t gen_was)
{
	const uint32_t open = TRANCHE_STATE_OPEN, broken = TRANCHE_STATE_BROKEN;
	uint32_t now = vgpu->state;
	bool recovered = was & broken && !(now & broken) && now & open;

	if (was & open &&
	    (!(now & open) || (vgpu->gen != gen_was && !(was & broken)))) {
		vgpu->vm = (struct vm){0};
		event_vgpu(vgpu, EVENT_CLOSED, 0, "its VMM let go of it");
		was &= ~open;
	}
	if (now & open && !(was & open))
		tell_opened(vgpu);
	if (now & broken && !(was & broken))
		event_vgpu(vgpu, EVENT_BROKEN, 0, "nobody serves it");
	if (recovered)
		event_vgpu(vgpu, EVENT_RECOVERED, 0, "it works again");
}

static void state_change(struct vgpu *vgpu, uint32_t state, uint32_t gen)
{
	uint32_t was = vgpu->state, gen_was = vgpu->gen;

	vgpu->state = state;
	vgpu->gen = gen;
	tell_change(vgpu, was, gen_was);
	/* A process that the kernel gave up serves nothing any more. */
	if (state & TRANCHE_STATE_BROKEN && !(state & TRANCHE_STATE_SERVED) &&
	    vgpu->process.pid)
		sandbox_kill(vgpu->gpu->broker->config->cgroup, vgpu->uuid);
	if (state & TRANCHE_STATE_OPEN && !(state & TRANCHE_STATE_SERVED))
		process_ensure(vgpu);
}

/* The kernel's values count, so that nobody reads what does not hold. */
static struct arbiter_settings
adopted_settings(const struct host_gpu *gpu, const struct vgpu_type *type,
		 const struct state_vgpu *state,
		 const struct tranche_vgpu_query *query)
{
	const struct setting_limits limits = {type->weight, type->vram};
	struct arbiter_settings settings = host_gpu_settings(gpu, type);

	if (state->kill_ns)
		settings.kill_ns = state->kill_ns;
	for (int i = 0; i < SETTINGS; i++)
		setting_parse(i, query->values[i], &limits, &settings);
	return settings;
}

static int adopt(struct host_gpu *gpu, const struct tranche_event *event,
		 struct vgpu **vgpup)
{
	const struct broker *broker = gpu->broker;
	struct tranche_vgpu_query query;
	struct arbiter_settings settings;
	const struct vgpu_type *type;
	struct state_vgpu state;
	int r = module_query(broker->module, event->uuid, &query);

	if (r < 0)
		return r;
	if (query.type >= gpu->types.count)
		return -EPROTO;
	type = &gpu->types.types[query.type];
	if (state_vgpu_read(broker->config->run, event->uuid, &state) < 0) {
		state = (struct state_vgpu){.uid = UID_NEW};
		memcpy(state.uuid, event->uuid, sizeof(state.uuid));
	}
	settings = adopted_settings(gpu, type, &state, &query);
	r = vgpu_new(vgpup, gpu, type, &state, &settings);
	if (r < 0)
		return r;
	(*vgpup)->state = query.state;
	(*vgpup)->gen = query.gen;
	if (query.state & TRANCHE_STATE_OPEN)
		vm_find(&(*vgpup)->vm, event->uuid);
	return 0;
}

/* A vGPU of an earlier broker: whoever serves it goes on. */
static void take_existing(struct host_gpu *gpu,
			  const struct tranche_event *event)
{
	struct vgpu *vgpu;
	int r = adopt(gpu, event, &vgpu);

	if (r < 0) {
		log_line(LOG_ERR, gpu->gpu->address, event->uuid,
			 "it can't be taken over: %s", strerror(-r));
		return;
	}
	if (process_adopt(vgpu) < 0 && !(vgpu->state & TRANCHE_STATE_SERVED))
		process_ensure(vgpu);
	log_line(LOG_INFO, gpu->gpu->address, vgpu->uuid, "taken over: %s, %s",
		 vgpu->type->name, vgpu_state_name(vgpu));
	if (vgpu->transient && vgpu_owner_watch(vgpu) < 0)
		vgpu_end(vgpu);
}

static void state_event(struct host_gpu *gpu, struct vgpu *vgpu,
			const struct tranche_event *event)
{
	if (vgpu) {
		state_change(vgpu, event->state, event->gen);
		return;
	}
	if (!gpu || !(event->flags & TRANCHE_EVENT_EXISTING))
		return;
	if (gpu->existing)
		gpu->existing--;
	take_existing(gpu, event);
}

static void handle(struct broker *broker, const struct tranche_event *event)
{
	struct host_gpu *gpu = host_gpu_by_parent(broker, event->parent);
	struct vgpu *vgpu = vgpu_find(broker, event->uuid);
	int verdict = 0;

	switch (event->kind) {
	case TRANCHE_EVENT_CREATE:
		verdict = gpu && event->type < gpu->types.count
				  ? create(gpu, event)
				  : -ENODEV;
		break;
	case TRANCHE_EVENT_ATTRIBUTE:
		verdict = gpu ? attribute(gpu, event) : -ENODEV;
		break;
	case TRANCHE_EVENT_STATE:
		state_event(gpu, vgpu, event);
		break;
	case TRANCHE_EVENT_REMOVED:
		if (vgpu)
			vgpu_free(vgpu);
		break;
	case TRANCHE_EVENT_PARENT_GONE:
		if (gpu)
			host_gpu_gone(gpu);
		hardware_changed(broker);
		break;
	default:
		break;
	}
	if (event->id)
		module_answer(broker->module, event->id, verdict);
}

void kernel_events_take(struct broker *broker)
{
	struct tranche_event event;

	while (module_event(broker->module, &event) == 0) {
		event.uuid[sizeof(event.uuid) - 1] = '\0';
		event.value[sizeof(event.value) - 1] = '\0';
		handle(broker, &event);
	}
}

static int program_settings(const struct host_gpu *gpu,
			    const struct state_vgpu *state,
			    struct arbiter_settings *settings)
{
	const struct setting_limits limits = {
		.weight = gpu->config->defaults.weight,
		.vram = gpu->types.capacity,
	};
	int r = 0;

	*settings = gpu->config->defaults;
	settings->kill_ns = state->kill_ns;
	for (int i = 0; r == 0 && i < SETTINGS; i++)
		r = setting_parse(i, state->values[i], &limits, settings);
	return r;
}

static int program_restore(struct broker *broker,
			   const struct state_vgpu *state)
{
	struct host_gpu *gpu = broker_gpu(broker, state->gpu);
	struct arbiter_settings settings;
	struct vgpu *vgpu;
	int r;

	if (!gpu || !gpu->arbiter)
		return -ENODEV;
	r = program_settings(gpu, state, &settings);
	if (r == 0)
		r = vgpu_new(&vgpu, gpu, NULL, state, &settings);
	if (r < 0)
		return r;
	log_line(LOG_INFO, state->gpu, state->uuid,
		 "taken over: program %d (%s)", state->owner, state->name);
	if (vgpu_owner_watch(vgpu) < 0)
		vgpu_end(vgpu);
	return 0;
}

static bool owner_lives(const struct state_vgpu *state)
{
	uint64_t start;

	return process_began(state->owner, &start) == 0 &&
	       start == state->owner_start;
}

static bool kernel_has(const struct state_vgpu *state)
{
	char path[PATH_MAX];

	vgpu_sysfs_path(state->uuid, "", path, sizeof(path));
	return access(path, F_OK) == 0;
}

/* What can't be looked at now may be there: its GPU may come back. */
static bool may_exist(struct broker *broker, const struct state_vgpu *state)
{
	const struct host_gpu *gpu = broker_gpu(broker, state->gpu);

	if (state->program)
		return (!gpu || !gpu->arbiter) && owner_lives(state);
	return broker->module >= 0 && (!gpu || !gpu->registered) &&
	       kernel_has(state);
}

/* Nothing is left of what nobody knows. */
static void restore(void *owner, const char *uuid)
{
	struct broker *broker = owner;
	const struct config *config = broker->config;
	struct state_vgpu state;

	if (vgpu_find(broker, uuid))
		return;
	if (state_vgpu_read(config->run, uuid, &state) == 0 &&
	    (may_exist(broker, &state) ||
	     (state.program && program_restore(broker, &state) == 0)))
		return;
	sandbox_kill(config->cgroup, uuid);
	vgpu_folder_remove(broker, uuid);
	state_vgpu_remove(config->run, uuid);
}

void kernel_programs_restore(struct broker *broker)
{
	state_vgpu_each(broker->config->run, restore, broker);
}
