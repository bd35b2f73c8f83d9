/* SPDX-License-Identifier: MIT */
/*
 * The simulated GPU: engines that run one job at a time to its end.
 *
 * Each engine has a queue in order of arrival. A job's states on an engine:
 *
 *   queued   sim_gpu_enqueue()
 *   running  sim_gpu_start(); nothing preempts it
 *   gone     sim_gpu_finish(), or sim_gpu_abort() of its context
 *
 * The GPU owns its queues. It has no clock: time comes in with every call.
 */
#ifndef TRANCHE_SCHEDULER_SIM_GPU_H
#define TRANCHE_SCHEDULER_SIM_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/sim/load.h"
#include "scheduler/sim/rng.h"
#include "scheduler/sim/scenario.h"

/**
 * struct sim_task - A job on an engine
 * @context: whose job it is
 * @vgpu: its vGPU
 * @engine: the engine
 * @submit_ns: when the guest submitted it
 * @length_ns: GPU time it takes
 * @start_ns: when the engine took it up, switching included
 * @end_ns: when it is done
 */
struct sim_task {
	uint32_t context;
	uint32_t vgpu;
	uint32_t engine;
	uint64_t submit_ns;
	uint64_t length_ns;
	uint64_t start_ns;
	uint64_t end_ns;
};

struct sim_engine {
	struct sim_task *tasks;
	uint64_t size;
	uint64_t n_queued;
	uint64_t n_started;
	uint32_t last_vgpu;
	bool running;
	struct sim_task current;
};

struct sim_gpu {
	const struct sim_gpu_model *model;
	struct sim_rng rng;
	struct sim_engine engines[SIM_ENGINES_MAX];
};

/**
 * sim_gpu_init() - Prepare an idle GPU
 * @gpu: the GPU
 * @scenario: its model, and how many jobs each engine can be given at once
 *
 * Return: 0 or -ENOMEM.
 */
int sim_gpu_init(struct sim_gpu *gpu, const struct sim_scenario *scenario);

/**
 * sim_gpu_deinit() - Release what sim_gpu_init() took
 * @gpu: the GPU, or one that is all zero
 */
void sim_gpu_deinit(struct sim_gpu *gpu);

/**
 * sim_gpu_enqueue() - Give an engine a job
 * @gpu: the GPU
 * @task: the job; its start and end are ignored
 */
void sim_gpu_enqueue(struct sim_gpu *gpu, const struct sim_task *task);

/**
 * sim_gpu_next() - Time of the next completion
 * @gpu: the GPU
 *
 * Return: nanoseconds, or SIM_NEVER when all engines are idle.
 */
uint64_t sim_gpu_next(const struct sim_gpu *gpu);

/**
 * sim_gpu_start() - Let an idle engine take up its next job
 * @gpu: the GPU
 * @now_ns: current time
 * @task: receives the job
 *
 * Return: true if a job was taken up; call again until it is false.
 */
bool sim_gpu_start(struct sim_gpu *gpu, uint64_t now_ns, struct sim_task *task);

/**
 * sim_gpu_finish() - Take a job that is done off its engine
 * @gpu: the GPU
 * @now_ns: current time
 * @task: receives the job
 * @reported_ns: receives the time that the GPU says the job took
 *
 * Return: true if a job was done; call again until it is false.
 */
bool sim_gpu_finish(struct sim_gpu *gpu, uint64_t now_ns, struct sim_task *task,
		    uint64_t *reported_ns);

/**
 * sim_gpu_abort() - Remove all jobs of a context
 * @gpu: the GPU
 * @context: the context
 * @now_ns: current time
 * @task: receives the job that ran, ended now
 *
 * Return: true if one of its jobs was running.
 */
bool sim_gpu_abort(struct sim_gpu *gpu, uint32_t context, uint64_t now_ns,
		   struct sim_task *task);

/**
 * sim_gpu_running() - Find whose jobs are running
 * @gpu: the GPU
 *
 * Return: bit mask of vGPUs; 0 when the GPU is idle.
 */
uint64_t sim_gpu_running(const struct sim_gpu *gpu);

#endif
