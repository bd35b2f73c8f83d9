/* SPDX-License-Identifier: MIT */
/*
 * The sandbox that a vGPU's device process gets: what it sees, what it is told,
 * how much it may have.
 *
 * Stateless. Locking: none.
 */
#ifndef BROKER_SPAWN_H
#define BROKER_SPAWN_H

#include <sys/types.h>

#include "mdev/broker/config.h"
#include "mdev/gpu/gpu.h"

struct vgpu;

/**
 * spawn_device - start tranche-vgpu for a vGPU
 * @vgpu: the vGPU
 * @fd: its descriptor; the caller's
 * @pid: of the process
 *
 * Return: a pidfd, the caller's, or a negative errno.
 */
int spawn_device(const struct vgpu *vgpu, int fd, pid_t *pid);

#define GATE_VARIABLES 8

/**
 * gate_environment - how a program is told to go through the gate
 * @config: the configuration
 * @gpu: the GPU
 * @door: path of its door
 * @variables: NAME=VALUE, ended by NULL; strings to be freed by strv_clear()
 *
 * Return: 0; -ENOMEM.
 */
int gate_environment(const struct config *config, const struct gpu *gpu,
		     const char *door, char *variables[GATE_VARIABLES + 1]);
void strv_clear(char **strings);

/**
 * gate_check - whether programs can be enrolled
 * @config: the configuration
 * @reason: filled in with one line if not
 * @size: of it
 *
 * Return: 0; -ENOENT.
 */
int gate_check(const struct config *config, char *reason, size_t size);

/* spawn_check - the same for vGPUs, whose devices need more */
int spawn_check(const struct config *config, char *reason, size_t size);

#endif
