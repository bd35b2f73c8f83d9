// SPDX-License-Identifier: MIT
/*
 * No gating: every job goes to the GPU as it is submitted, and the GPU runs
 * them in that order. What a host without vGPU scheduling does.
 */
#include "scheduler/sim/policy.h"

#include <errno.h>
#include <stdlib.h>

#define ALL_ENGINES UINT32_MAX

static int fifo_new(struct sim_policy **ret, const struct sim_load *load)
{
	struct sim_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	policy->ops = &sim_policy_fifo;
	policy->load = load;
	*ret = policy;
	return 0;
}

static void fifo_free(struct sim_policy *policy)
{
	free(policy);
}

static struct sim_verdict fifo_decide(struct sim_policy *policy,
				      uint64_t now_ns)
{
	uint32_t context = sim_policy_oldest(policy, SIM_NOBODY, ALL_ENGINES);

	(void)now_ns;
	if (context == SIM_NOBODY)
		return (struct sim_verdict){.wake_ns = SIM_NEVER};
	return (struct sim_verdict){.action = SIM_PASS, .context = context};
}

const struct sim_policy_ops sim_policy_fifo = {
	.name = "fifo",
	.about = "no gating, order of submission",
	.new = fifo_new,
	.free = fifo_free,
	.decide = fifo_decide,
};
