/* SPDX-License-Identifier: MIT */
/*
 * What must outlive the broker, beside what the kernel keeps: one small file
 * for each vGPU or enrolled program (RUN/state/UUID), one for each registered
 * GPU (RUN/gpu/ADDRESS), and one for each GPU whose policy was changed
 * (RUN/policy/ADDRESS). A file is written under another name and renamed, so that
 * it is always whole.
 *
 * Stateless. Locking: none.
 */
#ifndef BROKER_STATE_H
#define BROKER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mdev/broker/settings.h"

/* A user of its own is yet to be chosen. */
#define UID_NEW ((uid_t) - 1)

/**
 * struct state_vgpu - of one vGPU or program
 * @uuid: names the file
 * @gpu: address of its GPU
 * @name: what its owner calls it
 * @program: enrolled, not a device
 * @transient: goes when its owner goes
 * @elastic: a program that may have whatever memory is free
 * @stopped: by the guard quota
 * @uid: of its processes
 * @owner: process that a transient one lives for
 * @owner_start: when that began, in ticks: process numbers return
 * @kill_ns: its kill limit
 * @values: of its settings, as text; the kernel's copy counts where it has one
 */
struct state_vgpu {
	char uuid[TRANCHE_UUID_SIZE];
	char gpu[16];
	char name[ARBITER_NAME_MAX];
	bool program;
	bool transient;
	bool elastic;
	bool stopped;
	uid_t uid;
	pid_t owner;
	uint64_t owner_start;
	uint64_t kill_ns;
	char values[SETTINGS][TRANCHE_VALUE_SIZE];
};

/* state_init - make the folders below @run */
int state_init(const char *run);

int state_vgpu_write(const char *run, const struct state_vgpu *state);

/* state_vgpu_read - -EBADMSG when the file is not one of these */
int state_vgpu_read(const char *run, const char *uuid,
		    struct state_vgpu *state);
void state_vgpu_remove(const char *run, const char *uuid);

/**
 * state_vgpu_each - every UUID that has a file
 * @run: folder
 * @callback: gets it; may remove it
 * @owner: passed to it
 */
void state_vgpu_each(const char *run,
		     void (*callback)(void *owner, const char *uuid),
		     void *owner);

/**
 * struct state_gpu - what a GPU was registered with
 * @address: names the file
 * @vram: bytes lent
 * @types: as in the configuration
 * @window: bytes
 * @defaults: of settings, as text
 */
struct state_gpu {
	char address[16];
	char defaults[TRANCHE_VALUE_SIZE];
	uint64_t vram;
	unsigned int types;
	uint64_t window;
};

int state_gpu_write(const char *run, const struct state_gpu *state);
int state_gpu_read(const char *run, const char *address,
		   struct state_gpu *state);

/**
 * state_policy_write - keep a policy that was set while the broker ran
 * @run: folder
 * @address: of the GPU
 * @configured: what the configuration says
 * @set: what was set
 *
 * Return: 0 or a negative errno.
 */
int state_policy_write(const char *run, const char *address,
		       enum tsched_policy configured, enum tsched_policy set);

/**
 * state_policy_read - what holds for a GPU when the broker starts
 * @run: folder
 * @address: of the GPU
 * @configured: what the configuration says now
 *
 * Return: what was set while the configuration said the same; otherwise
 * @configured.
 */
enum tsched_policy state_policy_read(const char *run, const char *address,
				     enum tsched_policy configured);

/**
 * process_began - when a process began
 * @pid: of it
 * @start: in clock ticks since boot
 *
 * Return: 0; -ESRCH.
 */
int process_began(pid_t pid, uint64_t *start);

#endif
