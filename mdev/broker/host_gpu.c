// SPDX-License-Identifier: MIT
#include "mdev/broker/host_gpu.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mdev/broker/event.h"
#include "mdev/broker/log.h"
#include "mdev/broker/module.h"
#include "mdev/broker/spawn.h"
#include "mdev/broker/state.h"
#include "mdev/broker/vgpu.h"

/* Guests get whole GPUs by it. */
#define VFIO_DRIVER "vfio-pci"

/**
 * struct note - an arbiter's event on its way to the event loop
 * @gpu: whose arbiter
 * @kind: of it
 * @pid: of it
 * @bytes: of it
 * @account: a UUID
 */
struct note {
	struct host_gpu *gpu;
	enum arbiter_event_kind kind;
	pid_t pid;
	uint64_t bytes;
	char account[ARBITER_NAME_MAX];
};

/* On the arbiter's thread. A full pipe loses it: a gate may cause any number. */
static void on_arbiter_event(void *owner, const struct arbiter_event *event)
{
	struct host_gpu *gpu = owner;
	struct note note = {
		.gpu = gpu,
		.kind = event->kind,
		.pid = event->pid,
		.bytes = event->bytes,
	};

	snprintf(note.account, sizeof(note.account), "%s", event->account);
	if (write(gpu->broker->notes[1], &note, sizeof(note)) < 0)
		return;
}

static void note_tell(const struct note *note)
{
	struct vgpu *vgpu = vgpu_find(note->gpu->broker, note->account);

	if (!vgpu)
		return;
	switch (note->kind) {
	case ARBITER_CONTEXT_JOINED:
		event_vgpu(vgpu, EVENT_CONTEXT_JOINED, note->pid,
			   "process %d uses the GPU", note->pid);
		break;
	case ARBITER_CONTEXT_LEFT:
		event_vgpu(vgpu, EVENT_CONTEXT_LEFT, note->pid,
			   "process %d uses it no more", note->pid);
		break;
	case ARBITER_CONTEXT_KILLED:
		event_vgpu(
			vgpu, EVENT_CONTEXT_KILLED, note->pid,
			"a job ran past the kill limit: process %d was ended",
			note->pid);
		break;
	case ARBITER_ACCOUNT_STOPPED:
		vgpu->stopped = true;
		vgpu_save(vgpu);
		event_vgpu(
			vgpu, EVENT_STOPPED, 0,
			"too many jobs past the kill limit: stopped until it is reset");
		break;
	case ARBITER_VRAM_REFUSED:
		event_vgpu(vgpu, EVENT_VRAM_REFUSED, note->pid,
			   "process %d was refused %llu bytes of video memory",
			   note->pid, (unsigned long long)note->bytes);
		break;
	}
}

void host_gpu_notes(struct broker *broker)
{
	struct note note;

	/* Writes of this size are whole or not at all. */
	while (read(broker->notes[0], &note, sizeof(note)) == sizeof(note))
		note_tell(&note);
}

__attribute__((format(printf, 2, 3))) static void
unserved(struct host_gpu *gpu, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(gpu->reason, sizeof(gpu->reason), format, args);
	va_end(args);
}

static uint64_t vram_of(const struct host_gpu *gpu)
{
	return gpu->config->vram ? gpu->config->vram
				 : vram_lent(gpu->gpu->vram);
}

static struct tsched_config scheduler_config(const struct host_gpu *gpu,
					     enum tsched_policy policy)
{
	struct tsched_config scheduler = gpu->config->scheduler;

	scheduler.policy = policy;
	scheduler.kill_ns = gpu->config->defaults.kill_ns;
	return scheduler;
}

static int share(struct host_gpu *gpu)
{
	static const struct arbiter_ops ops = {.event = on_arbiter_event};
	struct tsched_config scheduler = scheduler_config(gpu, gpu->policy);
	int r;

	r = type_table_init(&gpu->types, vram_of(gpu), gpu->config->types,
			    gpu->config->defaults.weight);
	if (r < 0) {
		unserved(gpu, "it has too little video memory to share");
		return r;
	}
	r = arbiter_new(&gpu->arbiter, &scheduler, &ops, gpu);
	if (r < 0)
		unserved(gpu, "its arbiter can't start: %s", strerror(-r));
	return r;
}

static void defaults_format(const struct arbiter_settings *defaults,
			    char text[TRANCHE_VALUE_SIZE])
{
	snprintf(text, TRANCHE_VALUE_SIZE, "%u %u %u %s", defaults->weight,
		 defaults->cap, defaults->reservation,
		 latency_names[defaults->latency]);
}

static struct state_gpu state_of(const struct host_gpu *gpu)
{
	struct state_gpu state = {
		.vram = vram_of(gpu),
		.types = gpu->config->types,
		.window = gpu->config->window,
	};

	snprintf(state.address, sizeof(state.address), "%s", gpu->gpu->address);
	defaults_format(&gpu->config->defaults, state.defaults);
	return state;
}

static int types_describe(const struct host_gpu *gpu,
			  struct tranche_type types[EIGHTHS])
{
	struct arbiter_settings settings;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < gpu->types.count; i++) {
		const struct vgpu_type *type = &gpu->types.types[i];

		r = type_describe(type, gpu->window, &types[i]);
		settings = host_gpu_settings(gpu, type);
		for (int s = 0; s < SETTINGS; s++)
			setting_format(s, &settings, types[i].values[s]);
	}
	return r;
}

static int register_new(struct host_gpu *gpu)
{
	struct tranche_type types[EIGHTHS];
	const struct broker *broker = gpu->broker;
	struct state_gpu state = state_of(gpu);
	int r;

	gpu->window = gpu->config->window;
	r = types_describe(gpu, types);
	if (r == 0)
		r = module_register(broker->module, gpu->gpu->address,
				    gpu->types.capacity, types,
				    gpu->types.count, &gpu->parent);
	if (r < 0)
		return r;
	r = state_gpu_write(broker->config->run, &state);
	if (r < 0)
		module_unregister(broker->module, gpu->parent);
	return r;
}

/* With vGPUs on it, it stays what it was registered as. */
static int keep_types(struct host_gpu *gpu, const struct state_gpu *was)
{
	log_line(
		LOG_WARNING, gpu->gpu->address, NULL,
		"%u vGPUs keep the types it was registered with: the configuration's come into force when they are gone and tranched starts again",
		gpu->existing);
	gpu->window = was->window;
	return type_table_init(&gpu->types, was->vram, was->types,
			       gpu->config->defaults.weight);
}

static int take_over(struct host_gpu *gpu)
{
	const struct broker *broker = gpu->broker;
	struct state_gpu now = state_of(gpu), was;
	int r;

	r = module_attach(broker->module, gpu->gpu->address, &gpu->parent,
			  &gpu->existing);
	if (r < 0)
		return r;
	gpu->window = now.window;
	r = state_gpu_read(broker->config->run, gpu->gpu->address, &was);
	if (r == 0 && was.vram == now.vram && was.types == now.types &&
	    was.window == now.window && !strcmp(was.defaults, now.defaults))
		return 0;
	if (gpu->existing)
		return r == 0 ? keep_types(gpu, &was) : r;
	module_unregister(broker->module, gpu->parent);
	return register_new(gpu);
}

bool host_gpu_passed_through(const struct gpu *found)
{
	return found->driver && !strcmp(found->driver, VFIO_DRIVER);
}

static void serve(struct host_gpu *gpu)
{
	int r;

	if (gpu->broker->module < 0) {
		unserved(gpu, "there is no " TRANCHE_DEVICE
			      ": load tranche.ko and restart tranched");
		return;
	}
	if (spawn_check(gpu->broker->config, gpu->reason, sizeof(gpu->reason)) <
	    0)
		return;
	r = register_new(gpu);
	if (r == -EEXIST)
		r = take_over(gpu);
	gpu->registered = r == 0;
	if (r == -EBUSY)
		unserved(gpu, "another broker serves it");
	else if (r < 0)
		unserved(gpu, "the module does not register it: %s",
			 strerror(-r));
}

/* An arbiter that there is already keeps its accounts and types. */
static void begin(struct host_gpu *gpu)
{
	const struct gpu *found = gpu->gpu;

	gpu->reason[0] = '\0';
	if (!gpu->config->serve)
		unserved(gpu, "the configuration says Serve=no");
	else if (host_gpu_passed_through(found))
		unserved(gpu, VFIO_DRIVER " has it, for a guest alone");
	else if (!found->driver && !found->software)
		unserved(gpu, "no kernel driver is bound to it");
	else if (!found->vulkan_name || !found->vulkan_library || gpu->silent)
		unserved(gpu, "no Vulkan driver uses it");
	else if (gate_check(gpu->broker->config, gpu->reason,
			    sizeof(gpu->reason)) == 0 &&
		 (gpu->arbiter || share(gpu) == 0) && !found->software)
		serve(gpu);
}

static void tell(struct host_gpu *gpu)
{
	const struct gpu *found = gpu->gpu;

	if (gpu->reason[0]) {
		log_line(LOG_NOTICE, found->address, NULL, "not served: %s",
			 gpu->reason);
		return;
	}
	log_line(LOG_INFO, found->address, NULL,
		 "served: %s, %llu MiB of video memory", found->name,
		 (unsigned long long)gpu->types.capacity >> 20);
	if (gpu->left)
		event_gpu(gpu, EVENT_GPU_BACK,
			  "%s has it again: vGPUs can be made", found->driver);
	gpu->left = false;
}

int host_gpu_new(struct host_gpu **gpup, struct broker *broker,
		 struct gpu *found)
{
	struct host_gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu)
		return -ENOMEM;
	gpu->gpu = calloc(1, sizeof(*gpu->gpu));
	if (!gpu->gpu) {
		free(gpu);
		return -ENOMEM;
	}
	gpu_move(gpu->gpu, found);
	gpu->broker = broker;
	gpu->config = config_gpu(broker->config, gpu->gpu->address);
	gpu->lasting = state_policy_read(broker->config->run, gpu->gpu->address,
					 gpu->config->scheduler.policy);
	gpu->policy = gpu->lasting;
	begin(gpu);
	tell(gpu);
	*gpup = gpu;
	return 0;
}

void host_gpu_update(struct host_gpu *gpu, struct gpu *found)
{
	char was[sizeof(gpu->reason)];

	/* Programs that are enrolled need what Vulkan said. */
	gpu->silent = !found->vulkan_name;
	if (gpu->silent)
		gpu_vulkan_move(found, gpu->gpu);
	gpu_deinit(gpu->gpu);
	gpu_move(gpu->gpu, found);
	strcpy(was, gpu->reason);
	begin(gpu);
	/* That its driver let go was told. */
	if (strcmp(was, gpu->reason) && (gpu->gpu->driver || !gpu->left))
		tell(gpu);
}

void host_gpu_removed(struct host_gpu *gpu)
{
	free(gpu->gpu->driver);
	gpu->gpu->driver = NULL;
	unserved(gpu, "it was removed from this host");
	tell(gpu);
}

void host_gpu_gone(struct host_gpu *gpu)
{
	gpu->registered = false;
	gpu->left = true;
	unserved(gpu, "its driver let go of it, or it was removed");
	event_gpu(gpu, EVENT_GPU_GONE, "%s", gpu->reason);
}

static int policy_put(struct host_gpu *gpu, enum tsched_policy policy)
{
	struct tsched_config scheduler = scheduler_config(gpu, policy);
	int r = arbiter_set_config(gpu->arbiter, &scheduler);

	if (r < 0)
		return r;
	if (gpu->policy != policy)
		event_gpu(gpu, EVENT_CHANGED, "policy=%s",
			  policy_names[policy]);
	gpu->policy = policy;
	return 0;
}

static int policy_keep(struct host_gpu *gpu, enum tsched_policy policy)
{
	int r = state_policy_write(gpu->broker->config->run, gpu->gpu->address,
				   gpu->config->scheduler.policy, policy);

	if (r == 0)
		gpu->lasting = policy;
	return r;
}

int host_gpu_set_policy(struct host_gpu *gpu, enum tsched_policy policy,
			const sd_varlink *lender)
{
	enum tsched_policy was = gpu->policy;
	int r = policy_put(gpu, policy);

	if (r == 0 && !lender)
		r = policy_keep(gpu, policy);
	if (r < 0) {
		policy_put(gpu, was);
		return r;
	}
	gpu->lender = lender;
	return 0;
}

void host_gpu_policies_return(struct broker *broker, const sd_varlink *lender)
{
	for (size_t i = 0; i < broker->gpu_count; i++) {
		struct host_gpu *gpu = broker->gpus[i];

		if (gpu->lender != lender)
			continue;
		gpu->lender = NULL;
		policy_put(gpu, gpu->lasting);
	}
}

struct host_gpu *host_gpu_by_parent(struct broker *broker, uint32_t parent)
{
	for (size_t i = 0; i < broker->gpu_count; i++)
		if (broker->gpus[i]->registered &&
		    broker->gpus[i]->parent == parent)
			return broker->gpus[i];
	return NULL;
}

bool host_gpu_served(const struct host_gpu *gpu)
{
	return !gpu->reason[0];
}

/* What a vGPU or program takes out of what can be promised. */
static uint64_t promised(const struct vgpu *vgpu)
{
	struct arbiter_account_stats stats;

	if (vgpu->type)
		return vgpu->type->vram;
	if (!vgpu->elastic)
		return vgpu->settings.vram_limit;
	if (arbiter_account_stats(vgpu->gpu->arbiter, vgpu->uuid, &stats) < 0)
		return 0;
	return stats.vram_used;
}

uint64_t host_gpu_vram_free(const struct host_gpu *gpu)
{
	uint64_t free = gpu->types.capacity;
	const struct vgpu *vgpu;

	for (vgpu = gpu->broker->vgpus; vgpu; vgpu = vgpu->next)
		if (vgpu->gpu == gpu) {
			uint64_t bytes = promised(vgpu);

			free -= bytes < free ? bytes : free;
		}
	return free;
}

uint32_t host_gpu_reservable(const struct host_gpu *gpu, const struct vgpu *but)
{
	uint32_t free = gpu->config->scheduler.reservable;
	const struct vgpu *vgpu;

	for (vgpu = gpu->broker->vgpus; vgpu; vgpu = vgpu->next)
		if (vgpu->gpu == gpu && vgpu != but) {
			uint32_t part = vgpu->settings.reservation;

			free -= part < free ? part : free;
		}
	return free;
}

struct arbiter_settings host_gpu_settings(const struct host_gpu *gpu,
					  const struct vgpu_type *type)
{
	struct arbiter_settings settings = gpu->config->defaults;

	settings.weight = type->weight;
	settings.vram_limit = type->vram;
	return settings;
}

unsigned int host_gpu_vgpus(const struct host_gpu *gpu,
			    const struct vgpu_type *type)
{
	const struct vgpu *vgpu;
	unsigned int count = 0;

	for (vgpu = gpu->broker->vgpus; vgpu; vgpu = vgpu->next)
		count += vgpu->gpu == gpu && vgpu->type &&
			 (!type || vgpu->type == type);
	return count;
}

unsigned int host_gpu_available(const struct host_gpu *gpu,
				const struct vgpu_type *type)
{
	uint64_t room = host_gpu_vram_free(gpu) / type->vram;
	unsigned int used = host_gpu_vgpus(gpu, type), left;

	if (!gpu->registered)
		return 0;
	left = used < type->instances ? type->instances - used : 0;
	return room < left ? room : left;
}

void host_gpu_type_path(const struct host_gpu *gpu,
			const struct vgpu_type *type, const char *file,
			char *path, size_t size)
{
	snprintf(path, size,
		 "/sys/bus/pci/devices/%s/mdev_supported_types/%s-%s/%s",
		 gpu->gpu->address, gpu->gpu->driver, type->name, file);
}
