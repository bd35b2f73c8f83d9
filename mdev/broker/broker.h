/* SPDX-License-Identifier: MIT */
/*
 * The broker: the host's GPUs, the vGPUs and enrolled programs on them, and
 * the control socket. It stands beside the way of a guest's work and may die at
 * any moment: what it must know again afterwards the kernel keeps, or a file in
 * the run directory (state.h).
 *
 * States: broker_init() finds GPUs, takes over what an earlier broker left and
 * listens; broker_run() serves until SIGTERM or SIGINT.
 *
 * Ownership: the broker owns GPUs, vGPUs and the control server. Arbiters and
 * device processes are left running at its end, so that the next one goes on.
 *
 * Locking: none. One thread, the event loop's, has everything here; threads of
 * arbiters and of sysfs writes ring it.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <systemd/sd-event.h>

#include "mdev/broker/config.h"
#include "mdev/broker/hardware.h"

struct control;
struct host_gpu;
struct vgpu;

/**
 * struct broker - all of it
 * @loop: the event loop
 * @config: the caller's
 * @gpus: by address
 * @gpu_count: how many
 * @hardware: what is due about them
 * @vgpus: list of vGPUs and enrolled programs
 * @module: control descriptor of tranche.ko; -1 without it
 * @notes: pipe by which arbiters tell the event loop
 * @control: the control socket's server
 */
struct broker {
	sd_event *loop;
	const struct config *config;
	struct host_gpu **gpus;
	size_t gpu_count;
	struct hardware hardware;
	struct vgpu *vgpus;
	int module;
	int notes[2];
	struct control *control;
};

/**
 * broker_init - take over the host
 * @broker: filled in
 * @config: outlives it
 *
 * Says itself what went wrong.
 *
 * Return: 0 or a negative errno.
 */
int broker_init(struct broker *broker, const struct config *config);

/* broker_run - Return: 0 after a signal, or a negative errno */
int broker_run(struct broker *broker);
void broker_deinit(struct broker *broker);

/* broker_gpu - by address, with or without the domain; NULL: unknown */
struct host_gpu *broker_gpu(struct broker *broker, const char *address);

/**
 * broker_take_over - vGPUs and programs of an earlier broker
 * @broker: some of its GPUs have just begun
 *
 * The kernel queued an event for each vGPU when its parent was attached.
 */
void broker_take_over(struct broker *broker);

/* now_ns - CLOCK_MONOTONIC */
uint64_t now_ns(void);

#endif
