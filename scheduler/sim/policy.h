/* SPDX-License-Identifier: MIT */
/*
 * The scheduling policies that can be compared, behind one interface.
 *
 * A policy decides which waiting job goes to the GPU next. The run tells it
 * what happens, then asks it for verdicts until it has none:
 *
 *   submitted, completed  an event; read the load to see the queues
 *   SIM_PASS              the first waiting job of a context goes to the GPU
 *   SIM_KILL              a context is ended; its jobs are already lost when
 *                         the policy is asked again
 *   SIM_REST              nothing to do before an event or the given time
 *
 * A policy without gates has no holder; whoever runs a job then counts as
 * holding the GPU. The run owns the policy and the load; a policy reads the
 * load and never changes it.
 */
#ifndef TRANCHE_SCHEDULER_SIM_POLICY_H
#define TRANCHE_SCHEDULER_SIM_POLICY_H

#include <stdint.h>

#include "scheduler/sim/load.h"

#define SIM_NOBODY UINT32_MAX

enum sim_action {
	SIM_REST,
	SIM_PASS,
	SIM_KILL,
};

/**
 * struct sim_verdict - What a policy wants done
 * @action: what
 * @context: whom it is about, unless SIM_REST
 * @wake_ns: with SIM_REST, when to ask again at the latest, or SIM_NEVER
 */
struct sim_verdict {
	enum sim_action action;
	uint32_t context;
	uint64_t wake_ns;
};

/* Base of every policy; an implementation embeds it first. */
struct sim_policy {
	const struct sim_policy_ops *ops;
	const struct sim_load *load;
};

/**
 * struct sim_policy_ops - One policy's implementation
 * @name: how it is chosen on the command line
 * @about: one line for tables
 * @new: makes a policy for the load; 0, -ENOMEM, or -EINVAL for settings that
 *	 it refuses
 * @free: releases it
 * @submitted: a context submitted a burst; NULL to ignore
 * @completed: a context's oldest job in flight is done; the time it reports
 *	       may be inexact; NULL to ignore
 * @decide: gives the next verdict
 * @holder: index of the vGPU that holds the GPU, or SIM_NOBODY; NULL for a
 *	    policy without gates
 * @anticipated_ns: time the GPU was kept for a holder's next job; NULL if the
 *		    policy doesn't do that knowingly
 */
struct sim_policy_ops {
	const char *name;
	const char *about;
	int (*new)(struct sim_policy **ret, const struct sim_load *load);
	void (*free)(struct sim_policy *policy);
	void (*submitted)(struct sim_policy *policy, uint32_t context,
			  uint64_t now_ns);
	void (*completed)(struct sim_policy *policy, uint32_t context,
			  uint64_t reported_ns, uint64_t now_ns);
	struct sim_verdict (*decide)(struct sim_policy *policy,
				     uint64_t now_ns);
	uint32_t (*holder)(const struct sim_policy *policy);
	uint64_t (*anticipated_ns)(const struct sim_policy *policy,
				   uint64_t now_ns);
};

extern const struct sim_policy_ops sim_policy_tranche;
extern const struct sim_policy_ops sim_policy_fifo;
extern const struct sim_policy_ops sim_policy_rr;
extern const struct sim_policy_ops sim_policy_gvt;

/* All policies in the order tables show them; ends with NULL. */
extern const struct sim_policy_ops *const sim_policies[];

/**
 * sim_policy_find() - Look a policy up
 * @name: its name
 *
 * Return: the policy, or NULL.
 */
const struct sim_policy_ops *sim_policy_find(const char *name);

/**
 * sim_policy_oldest() - Find the job that waits longest
 * @policy: a policy
 * @vgpu: index of the vGPU to look at, or SIM_NOBODY for all
 * @engines: bit mask of the engines to look at
 *
 * For the baselines, which serve the jobs of a vGPU in order of submission.
 *
 * Return: the context whose first waiting job it is, or SIM_NOBODY.
 */
uint32_t sim_policy_oldest(const struct sim_policy *policy, uint32_t vgpu,
			   uint32_t engines);

/**
 * sim_policy_busy_engines() - Find the engines that have a vGPU's jobs
 * @policy: a policy
 * @vgpu: index of the vGPU
 *
 * Return: bit mask of the engines.
 */
uint32_t sim_policy_busy_engines(const struct sim_policy *policy,
				 uint32_t vgpu);

#endif
