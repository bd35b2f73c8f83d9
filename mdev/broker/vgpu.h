/* SPDX-License-Identifier: MIT */
/*
 * A vGPU, or a program of the host that is enrolled as one: its account with
 * the arbiter, its settings, and for a vGPU the process that serves it.
 *
 * States, as the control socket names them:
 *
 *   closed   no VMM has it       -> open
 *   open     a VMM has it        -> closed, broken
 *   broken   nobody serves it    -> open, closed (a new process; a reset)
 *   stopped  guard quota tripped -> as before, by vgpu_reset()
 *   program  enrolled, until its connection (or, after a new broker came, its
 *            process) ends
 *
 * A vGPU begins with the kernel's CREATE event and ends with REMOVED; the
 * kernel keeps it meanwhile. Settings live in the kernel's attributes and here;
 * here first: a write of what holds already always succeeds.
 *
 * Ownership: the broker owns all. Locking: the event loop's thread only.
 */
#ifndef BROKER_VGPU_H
#define BROKER_VGPU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include <systemd/sd-varlink.h>

#include "mdev/broker/host_gpu.h"
#include "mdev/broker/process.h"
#include "mdev/broker/settings.h"
#include "mdev/broker/state.h"
#include "mdev/broker/vm.h"

/**
 * struct owner - whose life bounds a transient vGPU or a program
 * @link: its connection, or NULL when that was an earlier broker's
 * @pid: its process, or 0
 * @start: when that began
 * @watch: of its pidfd, without a connection
 */
struct owner {
	sd_varlink *link;
	pid_t pid;
	uint64_t start;
	sd_event_source *watch;
};

/**
 * struct vgpu - one of them
 * @next: of all
 * @gpu: its GPU
 * @type: NULL: a program
 * @uuid: name in the kernel, of the account and of files
 * @name: what its owner calls it
 * @transient: goes with its owner
 * @elastic: a program without a limit of its own: it may have what is free
 * @removing: its end has begun
 * @uid: of its processes
 * @settings: as the arbiter has them
 * @state: TRANCHE_STATE_*
 * @gen: generation
 * @stopped: by the guard quota
 * @owner: of a transient one
 * @process: that serves it
 * @vm: who has it open
 */
struct vgpu {
	struct vgpu *next;
	struct host_gpu *gpu;
	const struct vgpu_type *type;
	char uuid[TRANCHE_UUID_SIZE];
	char name[ARBITER_NAME_MAX];
	bool transient;
	bool elastic;
	bool removing;
	uid_t uid;
	struct arbiter_settings settings;
	uint32_t state;
	uint32_t gen;
	bool stopped;
	struct owner owner;
	struct process process;
	struct vm vm;
};

struct vgpu *vgpu_find(struct broker *broker, const char *uuid);

/* vgpu_limits - what its settings may be */
struct setting_limits vgpu_limits(const struct vgpu *vgpu);

/* vgpu_state_name - one of the words above */
const char *vgpu_state_name(const struct vgpu *vgpu);

/**
 * vgpu_new - a vGPU or program with its account, not yet served
 * @vgpup: the new one, on the broker's list
 * @gpu: its GPU, with an arbiter
 * @type: or NULL for a program
 * @state: uuid, name, transient, elastic, uid (or UID_NEW), owner
 * @settings: to begin with
 *
 * Return: 0; -ENOSPC for a reservation or memory that does not fit; -EUSERS
 * when no user is left; another negative errno.
 */
int vgpu_new(struct vgpu **vgpup, struct host_gpu *gpu,
	     const struct vgpu_type *type, const struct state_vgpu *state,
	     const struct arbiter_settings *settings);

/* vgpu_free - end its processes and its account, forget it */
void vgpu_free(struct vgpu *vgpu);

/**
 * vgpu_set - change settings, all or none
 * @vgpu: the vGPU
 * @settings: all of them
 *
 * Return: 0; -EINVAL; -ENOSPC for a reservation or memory that does not fit.
 */
int vgpu_set(struct vgpu *vgpu, const struct arbiter_settings *settings);

/**
 * vgpu_reset - let it work again
 * @vgpu: the vGPU
 *
 * Ends its contexts, lifts the guard quota's stop, and begins a new device
 * process where none serves it.
 */
int vgpu_reset(struct vgpu *vgpu);

/* vgpu_save - write its state file */
void vgpu_save(const struct vgpu *vgpu);

/* vgpu_folder_remove - what is left of a door, with its folder */
void vgpu_folder_remove(const struct broker *broker, const char *uuid);

/* vgpu_door - path of its door */
void vgpu_door(const struct vgpu *vgpu, char *path, size_t size);

/* vgpu_owner_watch - end it when @owner's process ends; not a connection's */
int vgpu_owner_watch(struct vgpu *vgpu);

/**
 * vgpu_remove - take a vGPU out of the kernel
 * @vgpu: no program
 * @done: when it is gone or could not be, unless NULL
 * @owner: passed to it
 *
 * Return: 0, and @done comes; -EALREADY; another negative errno.
 */
int vgpu_remove(struct vgpu *vgpu, void (*done)(void *owner, int error),
		void *owner);

/**
 * vgpu_end - begin the end of a transient vGPU or a program
 * @vgpu: the vGPU; a program is freed at once
 */
void vgpu_end(struct vgpu *vgpu);

/* vgpu_elastic_update - give elastic programs what is free now */
void vgpu_elastic_update(struct host_gpu *gpu);

/* vgpu_sysfs_path - its folder in sysfs, or a file there */
void vgpu_sysfs_path(const char *uuid, const char *file, char *path,
		     size_t size);

#endif
