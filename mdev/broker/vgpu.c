// SPDX-License-Identifier: MIT
#include "mdev/broker/vgpu.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mdev/broker/event.h"
#include "mdev/broker/log.h"
#include "mdev/broker/sysfs.h"

struct vgpu *vgpu_find(struct broker *broker, const char *uuid)
{
	struct vgpu *vgpu;

	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next)
		if (!strcmp(vgpu->uuid, uuid))
			return vgpu;
	return NULL;
}

struct setting_limits vgpu_limits(const struct vgpu *vgpu)
{
	const struct host_gpu *gpu = vgpu->gpu;

	return (struct setting_limits){
		.weight = vgpu->type ? vgpu->type->weight
				     : gpu->config->defaults.weight,
		.vram = vgpu->type ? vgpu->type->vram : gpu->types.capacity,
	};
}

const char *vgpu_state_name(const struct vgpu *vgpu)
{
	if (vgpu->stopped)
		return "stopped";
	if (!vgpu->type)
		return "program";
	if (vgpu->state & TRANCHE_STATE_BROKEN || vgpu->process.given_up)
		return "broken";
	return vgpu->state & TRANCHE_STATE_OPEN ? "open" : "closed";
}

static void folder_path(const struct broker *broker, const char *uuid,
			char *path, size_t size)
{
	snprintf(path, size, "%s/vgpu/%s", broker->config->run, uuid);
}

static void door_path(const struct broker *broker, const char *uuid, char *path,
		      size_t size)
{
	snprintf(path, size, "%s/vgpu/%s/door", broker->config->run, uuid);
}

void vgpu_door(const struct vgpu *vgpu, char *path, size_t size)
{
	door_path(vgpu->gpu->broker, vgpu->uuid, path, size);
}

void vgpu_folder_remove(const struct broker *broker, const char *uuid)
{
	char path[PATH_MAX];

	door_path(broker, uuid, path, sizeof(path));
	unlink(path);
	folder_path(broker, uuid, path, sizeof(path));
	rmdir(path);
}

void vgpu_sysfs_path(const char *uuid, const char *file, char *path,
		     size_t size)
{
	snprintf(path, size, "/sys/bus/mdev/devices/%s/%s", uuid, file);
}

static bool uid_used(const struct broker *broker, uid_t uid)
{
	const struct vgpu *vgpu;

	for (vgpu = broker->vgpus; vgpu; vgpu = vgpu->next)
		if (vgpu->uid == uid)
			return true;
	return false;
}

static int uid_new(const struct broker *broker, uid_t *uid)
{
	const struct config *config = broker->config;

	for (uint64_t i = 0; i < config->uid_count; i++) {
		*uid = config->uid_first + i;
		if (!uid_used(broker, *uid))
			return 0;
	}
	return -EUSERS;
}

/* Only its own processes may knock. */
static int door_open(const struct vgpu *vgpu)
{
	char folder[PATH_MAX], door[PATH_MAX];
	int r;

	folder_path(vgpu->gpu->broker, vgpu->uuid, folder, sizeof(folder));
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	vgpu_door(vgpu, door, sizeof(door));
	r = arbiter_account_add(vgpu->gpu->arbiter, vgpu->uuid, &vgpu->settings,
				door);
	if (r < 0) {
		rmdir(folder);
		return r;
	}
	if (chmod(door, 0600) < 0 || chown(door, vgpu->uid, -1) < 0)
		r = -errno;
	/* Stopped before this arbiter began: nobody comes in until a reset. */
	if (r == 0 && vgpu->stopped && unlink(door) < 0)
		r = -errno;
	if (r < 0)
		arbiter_account_remove(vgpu->gpu->arbiter, vgpu->uuid);
	return r;
}

static void door_close(const struct vgpu *vgpu)
{
	arbiter_account_remove(vgpu->gpu->arbiter, vgpu->uuid);
	vgpu_folder_remove(vgpu->gpu->broker, vgpu->uuid);
}

static void fill(struct vgpu *vgpu, const struct state_vgpu *state)
{
	snprintf(vgpu->uuid, sizeof(vgpu->uuid), "%s", state->uuid);
	snprintf(vgpu->name, sizeof(vgpu->name), "%s", state->name);
	vgpu->transient = state->transient;
	vgpu->elastic = state->elastic;
	vgpu->stopped = state->stopped;
	vgpu->uid = state->uid;
	vgpu->owner.pid = state->owner;
	vgpu->owner.start = state->owner_start;
	vgpu->settings.instances = vgpu->type ? vgpu->type->instances : EIGHTHS;
}

int vgpu_new(struct vgpu **vgpup, struct host_gpu *gpu,
	     const struct vgpu_type *type, const struct state_vgpu *state,
	     const struct arbiter_settings *settings)
{
	struct vgpu *vgpu = calloc(1, sizeof(*vgpu));
	int r = 0;

	if (!vgpu)
		return -ENOMEM;
	vgpu->gpu = gpu;
	vgpu->type = type;
	vgpu->settings = *settings;
	fill(vgpu, state);
	if (vgpu->uid == UID_NEW)
		r = uid_new(gpu->broker, &vgpu->uid);
	if (r == 0)
		r = door_open(vgpu);
	if (r < 0) {
		free(vgpu);
		return r;
	}
	vgpu->next = gpu->broker->vgpus;
	gpu->broker->vgpus = vgpu;
	vgpu_save(vgpu);
	vgpu_elastic_update(gpu);
	*vgpup = vgpu;
	return 0;
}

void vgpu_free(struct vgpu *vgpu)
{
	struct host_gpu *gpu = vgpu->gpu;
	struct vgpu **link = &gpu->broker->vgpus;

	vgpu->removing = true;
	if (vgpu->type)
		process_stop(vgpu);
	sd_event_source_disable_unref(vgpu->owner.watch);
	door_close(vgpu);
	state_vgpu_remove(gpu->broker->config->run, vgpu->uuid);
	while (*link != vgpu)
		link = &(*link)->next;
	*link = vgpu->next;
	event_vgpu(vgpu, EVENT_REMOVED, 0, "%s is gone",
		   vgpu->type ? "vGPU" : "program");
	free(vgpu);
	vgpu_elastic_update(gpu);
}

int vgpu_set(struct vgpu *vgpu, const struct arbiter_settings *settings)
{
	const struct host_gpu *gpu = vgpu->gpu;
	int r;

	if (!vgpu->type && !vgpu->elastic &&
	    settings->vram_limit > vgpu->settings.vram_limit &&
	    settings->vram_limit - vgpu->settings.vram_limit >
		    host_gpu_vram_free(gpu))
		return -ENOSPC;
	r = arbiter_account_set(gpu->arbiter, vgpu->uuid, settings);
	if (r < 0)
		return r;
	vgpu->settings = *settings;
	vgpu_save(vgpu);
	return 0;
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min)
		return min;
	return value < max ? value : max;
}

void vgpu_elastic_update(struct host_gpu *gpu)
{
	struct arbiter_account_stats stats;
	struct arbiter_settings settings;
	struct vgpu *vgpu;

	for (vgpu = gpu->broker->vgpus; vgpu; vgpu = vgpu->next) {
		if (vgpu->gpu != gpu || !vgpu->elastic)
			continue;
		settings = vgpu->settings;
		settings.vram_limit = host_gpu_vram_free(gpu);
		/* What it uses was taken out of what is free. */
		if (arbiter_account_stats(gpu->arbiter, vgpu->uuid, &stats) ==
		    0)
			settings.vram_limit += stats.vram_used;
		settings.vram_limit =
			clamp(settings.vram_limit, SETTING_VRAM_MIN,
			      gpu->types.capacity);
		vgpu_set(vgpu, &settings);
	}
}

/* A door that was taken away comes with a new account only. */
static int account_reset(struct vgpu *vgpu)
{
	char door[PATH_MAX];

	vgpu->stopped = false;
	vgpu_door(vgpu, door, sizeof(door));
	if (access(door, F_OK) == 0)
		return arbiter_account_reset(vgpu->gpu->arbiter, vgpu->uuid);
	arbiter_account_remove(vgpu->gpu->arbiter, vgpu->uuid);
	return door_open(vgpu);
}

/* A new process serves a broken vGPU already, which waits for its VMM. */
static bool served(const struct vgpu *vgpu)
{
	const uint32_t broken = TRANCHE_STATE_BROKEN;

	return vgpu->process.pid &&
	       (vgpu->state & (broken | TRANCHE_STATE_SERVED)) != broken;
}

int vgpu_reset(struct vgpu *vgpu)
{
	int r = account_reset(vgpu);

	if (r < 0)
		return r;
	vgpu_save(vgpu);
	if (vgpu->type && !served(vgpu)) {
		process_reset(vgpu);
		r = process_start(vgpu);
	}
	if (r == 0)
		event_vgpu(vgpu, EVENT_RESET, vgpu->process.pid, "reset");
	return r;
}

void vgpu_save(const struct vgpu *vgpu)
{
	const struct broker *broker = vgpu->gpu->broker;
	struct state_vgpu state = {
		.program = !vgpu->type,
		.transient = vgpu->transient,
		.elastic = vgpu->elastic,
		.stopped = vgpu->stopped,
		.uid = vgpu->uid,
		.owner = vgpu->owner.pid,
		.owner_start = vgpu->owner.start,
		.kill_ns = vgpu->settings.kill_ns,
	};
	int r;

	snprintf(state.uuid, sizeof(state.uuid), "%s", vgpu->uuid);
	snprintf(state.name, sizeof(state.name), "%s", vgpu->name);
	snprintf(state.gpu, sizeof(state.gpu), "%s", vgpu->gpu->gpu->address);
	for (int i = 0; i < SETTINGS; i++)
		setting_format(i, &vgpu->settings, state.values[i]);
	r = state_vgpu_write(broker->config->run, &state);
	if (r < 0)
		log_line(LOG_ERR, NULL, vgpu->uuid,
			 "its state can't be written below %s: %s",
			 broker->config->run, strerror(-r));
}

static int on_owner_end(sd_event_source *source, int fd, uint32_t events,
			void *owner)
{
	struct vgpu *vgpu = owner;

	(void)source;
	(void)fd;
	(void)events;
	vgpu->owner.watch = sd_event_source_disable_unref(vgpu->owner.watch);
	vgpu_end(vgpu);
	return 0;
}

int vgpu_owner_watch(struct vgpu *vgpu)
{
	struct owner *owner = &vgpu->owner;
	uint64_t start;
	int pidfd, r;

	if (!owner->pid)
		return -ESRCH;
	pidfd = pidfd_open(owner->pid, 0);
	if (pidfd < 0)
		return -errno;
	/* The number may have become another process's. */
	if (process_began(owner->pid, &start) < 0 || start != owner->start) {
		close(pidfd);
		return -ESRCH;
	}
	r = sd_event_add_io(vgpu->gpu->broker->loop, &owner->watch, pidfd,
			    EPOLLIN, on_owner_end, vgpu);
	if (r < 0) {
		close(pidfd);
		return r;
	}
	return sd_event_source_set_io_fd_own(owner->watch, true);
}

struct removal {
	struct broker *broker;
	char uuid[TRANCHE_UUID_SIZE];
	void (*done)(void *owner, int error);
	void *owner;
};

/* When it went, REMOVED came before this. */
static void on_removed(void *owner, int error, unsigned int step)
{
	struct removal *removal = owner;
	struct vgpu *vgpu = vgpu_find(removal->broker, removal->uuid);

	(void)step;
	if (vgpu && error < 0) {
		vgpu->removing = false;
		log_line(LOG_ERR, NULL, removal->uuid,
			 "it can't be removed: %s", strerror(-error));
	}
	if (removal->done)
		removal->done(removal->owner, error);
	free(removal);
}

int vgpu_remove(struct vgpu *vgpu, void (*done)(void *owner, int error),
		void *owner)
{
	struct sysfs_write write = {.text = "1"};
	struct removal *removal;
	int r;

	if (vgpu->removing)
		return -EALREADY;
	removal = calloc(1, sizeof(*removal));
	if (!removal)
		return -ENOMEM;
	removal->broker = vgpu->gpu->broker;
	removal->done = done;
	removal->owner = owner;
	strcpy(removal->uuid, vgpu->uuid);
	vgpu_sysfs_path(vgpu->uuid, "remove", write.path, sizeof(write.path));
	r = sysfs_write_start(removal->broker->loop, &write, 1, on_removed,
			      removal);
	if (r < 0)
		free(removal);
	else
		vgpu->removing = true;
	return r;
}

void vgpu_end(struct vgpu *vgpu)
{
	int r;

	if (!vgpu->type) {
		vgpu_free(vgpu);
		return;
	}
	r = vgpu_remove(vgpu, NULL, NULL);
	if (r < 0 && r != -EALREADY)
		log_line(LOG_ERR, NULL, vgpu->uuid, "it can't be removed: %s",
			 strerror(-r));
}
