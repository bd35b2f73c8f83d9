/* SPDX-License-Identifier: MIT */
/*
 * A kernel made ready on a device: its pipeline, buffers and a ring of slots,
 * one per submission in flight.
 *
 * A slot is idle, then in flight (job_submit()), then idle with an output to
 * check (job_complete(), which always takes the oldest: one queue completes in
 * order). The amount of work may be changed only while nothing is in flight.
 *
 * The job owns everything it makes and borrows its device. One thread at a
 * time; job_release() alone may be called from another.
 */
#ifndef TRANCHE_LOAD_JOB_H
#define TRANCHE_LOAD_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "device.h"
#include "kernel.h"

#define JOB_DEPTH_MAX 64
/* Held memory comes in multiples of this many bytes. */
#define JOB_PAGE UINT64_C(4096)

struct job_slot {
	struct buffer output;
	VkDescriptorSet set;
	VkCommandBuffer commands;
	VkFence fence;
	struct load_params *params;
	uint32_t nonce;
	uint64_t submitted_ns;
	/* There is an output to check. */
	bool completed;
};

/* A part of an output on its way to be checked. */
struct job_sample {
	bool pending;
	uint32_t nonce;
	uint64_t first;
	uint64_t count;
};

struct job {
	struct device *device;
	const struct load_kernel *kernel;
	struct load_work work;
	uint32_t seed;
	uint32_t depth;

	struct buffer params;
	struct buffer input;
	/* Memory that is only held; see job_hold_memory(). */
	struct buffer *ballast;
	uint32_t n_ballast;

	VkDescriptorSetLayout set_layout;
	VkPipelineLayout pipeline_layout;
	VkShaderModule shader;
	VkPipeline pipeline;
	VkDescriptorPool descriptors;

	struct job_slot *slots;
	uint32_t oldest;
	uint32_t in_flight;
	uint32_t submitted;
	uint64_t sample_next;
	struct job_sample sample;
};

/* What checks have found. */
struct job_verdict {
	/* 32-bit words compared with the CPU's result. */
	uint64_t verified;
	uint64_t wrong;
};

/**
 * job_working_set() - memory that a job needs on the device
 * @kernel: the kernel
 * @items: its items
 * @depth: submissions in flight
 *
 * Return: bytes, without memory that is only held.
 */
uint64_t job_working_set(const struct load_kernel *kernel, uint32_t items,
			 uint32_t depth);

/**
 * job_fit_items() - the most items that memory and the device allow
 * @kernel: the kernel
 * @memory: bytes for the working set
 * @depth: submissions in flight
 * @range_max: bytes that the device allows in one buffer
 *
 * Return: a multiple of the kernel's step; 0 when not even its least number
 * fits.
 */
uint32_t job_fit_items(const struct load_kernel *kernel, uint64_t memory,
		       uint32_t depth, uint64_t range_max);

/**
 * job_new() - make a kernel ready
 * @jobp: where the job goes; free it with job_free()
 * @device: the device; it must outlive the job
 * @kernel: the kernel
 * @work: the amount of work; its items are the most the job can ever do
 * @depth: submissions in flight, 1 to %JOB_DEPTH_MAX
 * @seed: what the input and the nonces are made from
 *
 * Return: 0 or a negative errno as of vulkan_errno(). Failures are told.
 */
int job_new(struct job **jobp, struct device *device,
	    const struct load_kernel *kernel, const struct load_work *work,
	    uint32_t depth, uint32_t seed);

/**
 * job_free() - give everything back
 * @job: the job or NULL; nothing may be in flight, or the device is lost
 */
void job_free(struct job *job);

static inline void job_freep(struct job **jobp)
{
	job_free(*jobp);
}

/**
 * job_hold_memory() - allocate device memory and write to all of it
 * @job: the job
 * @size: bytes; rounded down to 4 KiB
 *
 * Return: 0; -ENOMEM when it is not to be had; another negative errno.
 * Failures are told.
 */
int job_hold_memory(struct job *job, uint64_t size);

/**
 * job_ballast_word() - what every word of a chunk of held memory is
 * @job: the job
 * @index: the chunk, from 0
 *
 * Return: the 32-bit word.
 */
uint32_t job_ballast_word(const struct job *job, uint32_t index);

/**
 * job_set_work() - change the amount of work of later submissions
 * @job: the job; nothing may be in flight
 * @work: its items must not exceed those of job_new()
 *
 * Outputs not checked so far are forgotten.
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int job_set_work(struct job *job, const struct load_work *work);

/**
 * job_submit() - submit one dispatch
 * @job: the job; fewer than its depth must be in flight
 *
 * Return: 0 or a negative errno as of vulkan_errno(). Failures are told.
 */
int job_submit(struct job *job);

/**
 * job_complete() - wait until the oldest dispatch has completed
 * @job: the job; something must be in flight
 * @latency_nsp: where the nanoseconds from submit to completion go
 *
 * Return: as device_wait().
 */
int job_complete(struct job *job, uint64_t *latency_nsp);

/**
 * job_release() - let endless dispatches end
 * @job: the job
 *
 * Safe from any thread.
 */
void job_release(struct job *job);

/**
 * job_sample_start() - have a part of the output completed last read back
 * @job: the job; job_complete() must have returned 0 before, and no other
 *       sample may be pending
 *
 * Does not wait, so that submissions may stay in flight. Successive calls take
 * successive parts.
 *
 * Return: 0 or a negative errno as of vulkan_errno(). Failures are told.
 */
int job_sample_start(struct job *job);

/**
 * job_sample_check() - check the pending sample, if there is one
 * @job: the job
 * @wait: wait for it
 * @verdict: what is found is added to it
 *
 * What a call computes on the CPU is bounded (about 2^16 steps).
 *
 * Return: 0, also when it is not there yet; -EBADMSG when a word is wrong;
 * another negative errno. Failures are told.
 */
int job_sample_check(struct job *job, bool wait, struct job_verdict *verdict);

/**
 * job_verify_all() - check the outputs of all slots and the held memory
 * @job: the job; nothing may be in flight, no sample pending
 * @verdict: what is found is added to it
 *
 * Outputs are checked in full, unless that took the CPU more than about 2^26
 * steps: then each in 64 evenly spread parts.
 *
 * Return: as job_sample_check().
 */
int job_verify_all(struct job *job, struct job_verdict *verdict);

#endif
