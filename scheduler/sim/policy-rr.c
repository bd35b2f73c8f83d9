// SPDX-License-Identifier: MIT
/*
 * Round robin with fixed slices: each vGPU that has work when its turn comes
 * has the GPU for one slice, also while it has nothing to run. A job that
 * outlives the slice is waited for, and nobody pays for it.
 */
#include "scheduler/sim/policy.h"

#include <errno.h>
#include <stdlib.h>

#define ALL_ENGINES UINT32_MAX
#define DEFAULT_SLICE_NS (4 * SIM_NSEC_PER_MSEC)

struct rr {
	struct sim_policy base;
	uint64_t slice_ns;
	uint64_t slice_end_ns;
	uint32_t holder;
	uint32_t turn;
};

static int rr_new(struct sim_policy **ret, const struct sim_load *load)
{
	struct rr *rr = calloc(1, sizeof(*rr));

	if (!rr)
		return -ENOMEM;
	rr->base.ops = &sim_policy_rr;
	rr->base.load = load;
	rr->slice_ns = load->scenario->tuning.slice_ns;
	if (rr->slice_ns == 0)
		rr->slice_ns = DEFAULT_SLICE_NS;
	rr->holder = SIM_NOBODY;
	*ret = &rr->base;
	return 0;
}

static void rr_free(struct sim_policy *policy)
{
	free(policy);
}

static void rr_turn(struct rr *rr, uint64_t now_ns)
{
	uint32_t i, vgpu, n = (uint32_t)rr->base.load->scenario->n_vgpus;

	rr->holder = SIM_NOBODY;
	for (i = 0; i < n; i++) {
		vgpu = (rr->turn + i) % n;
		if (sim_policy_oldest(&rr->base, vgpu, ALL_ENGINES) ==
		    SIM_NOBODY)
			continue;
		rr->holder = vgpu;
		rr->slice_end_ns = now_ns + rr->slice_ns;
		rr->turn = vgpu + 1;
		return;
	}
}

static struct sim_verdict rr_decide(struct sim_policy *policy, uint64_t now_ns)
{
	struct rr *rr = (struct rr *)policy;
	uint32_t context, busy = 0;

	if (rr->holder != SIM_NOBODY)
		busy = sim_policy_busy_engines(policy, rr->holder);
	if (rr->holder == SIM_NOBODY ||
	    (busy == 0 && now_ns >= rr->slice_end_ns))
		rr_turn(rr, now_ns);
	if (rr->holder == SIM_NOBODY || now_ns >= rr->slice_end_ns)
		return (struct sim_verdict){.wake_ns = SIM_NEVER};
	context = sim_policy_oldest(policy, rr->holder, ~busy);
	if (context == SIM_NOBODY)
		return (struct sim_verdict){.wake_ns = rr->slice_end_ns};
	return (struct sim_verdict){.action = SIM_PASS, .context = context};
}

static uint32_t rr_holder(const struct sim_policy *policy)
{
	return ((const struct rr *)policy)->holder;
}

const struct sim_policy_ops sim_policy_rr = {
	.name = "rr",
	.about = "round robin, fixed slices",
	.new = rr_new,
	.free = rr_free,
	.decide = rr_decide,
	.holder = rr_holder,
};
