/* SPDX-License-Identifier: MIT */
/*
 * The broker's configuration: tranched.conf(5). Every key has a default, and
 * so has a missing file.
 *
 * States: filled once by config_init(), then only read. It owns its strings.
 * Locking: none.
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scheduler/arbiter/arbiter.h"

#define CONFIG_PATH "/etc/tranche/tranched.conf"
#define CONFIG_ERROR_SIZE 512

/**
 * struct gpu_config - of one GPU: [GPU "address"], or [GPU] for all others
 * @address: as written
 * @line: of its section
 * @serve: whether to touch it at all
 * @vram: bytes to lend; 0: its device-local memory less a reserve
 * @types: which, as type_table_init() takes them
 * @scheduler: policy, slice, lease and so on
 * @defaults: of new vGPUs; the weight is an eighth's
 * @window: bytes of a vGPU's window
 * @memory_max: bytes of host memory of one device process
 * @tasks_max: processes and threads of it
 */
struct gpu_config {
	char address[16];
	unsigned int line;
	bool serve;
	uint64_t vram;
	unsigned int types;
	struct tsched_config scheduler;
	struct arbiter_settings defaults;
	uint64_t window;
	uint64_t memory_max;
	uint64_t tasks_max;
};

/**
 * struct config - all of it
 * @socket: path of the control socket
 * @group: whose members may change things; "": only root
 * @run: folder of what must outlive the broker
 * @cgroup: folder of the device processes' control groups
 * @uid_first: the first user of device processes
 * @uid_count: how many there are
 * @restart_count: device processes of one vGPU that may die in a row ...
 * @restart_ns: ... within this time, before it stays broken
 * @device: path of tranche-vgpu
 * @render_server: path of virglrenderer's server
 * @gate: path of the gate's driver manifest
 * @layers: folder of Tranche's layer manifests
 * @gpu: defaults
 * @gpus: those with a section of their own
 * @gpu_count: how many
 */
struct config {
	char *socket;
	char *group;
	char *run;
	char *cgroup;
	uint64_t uid_first;
	uint64_t uid_count;
	uint64_t restart_count;
	uint64_t restart_ns;
	char *device;
	char *render_server;
	char *gate;
	char *layers;
	struct gpu_config gpu;
	struct gpu_config *gpus;
	size_t gpu_count;
};

/**
 * config_init - read a file
 * @config: filled in
 * @path: of the file; NULL: CONFIG_PATH, which may be missing
 * @error: one line that names cause and cure
 *
 * Return: 0; -EINVAL; another negative errno.
 */
int config_init(struct config *config, const char *path,
		char error[CONFIG_ERROR_SIZE]);
void config_deinit(struct config *config);

/**
 * config_gpu - what holds for a GPU
 * @config: the configuration
 * @address: with the domain, or "software"
 */
const struct gpu_config *config_gpu(const struct config *config,
				    const char *address);

#endif
