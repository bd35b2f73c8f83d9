// SPDX-License-Identifier: MIT
/*
 * The weighted credit scheme of Intel's GVT-g (i915 gvt/sched_policy.c),
 * modelled from its description, traps included:
 *
 *  - every 100 ms each active vGPU, busy or not, gets its weight's part of
 *    100 ms added to its credit; every tenth time the old credit, and with
 *    it all debt, is dropped first
 *  - at every 1 ms tick and at every submission the busy vGPU that waited
 *    longest for its turn is looked for; only one with credit left is taken,
 *    else nobody
 *  - the GPU changes hands only after all its engines are empty; one job per
 *    engine is in flight
 */
#include "scheduler/sim/policy.h"

#include <errno.h>
#include <stdlib.h>

#define ALL_ENGINES UINT32_MAX
#define TICK_NS SIM_NSEC_PER_MSEC
#define BALANCE_NS (100 * SIM_NSEC_PER_MSEC)
#define BALANCES_PER_RESET 10

struct gvt_vgpu {
	int64_t credit_ns;
	/* Order of use: the smallest waited longest for its turn. */
	uint64_t used;
};

struct gvt {
	struct sim_policy base;
	uint64_t tick_ns;
	uint64_t balance_ns;
	uint64_t charged_ns;
	uint64_t n_balances;
	uint64_t n_uses;
	uint32_t current;
	/* Chosen to follow once the engines are empty; current if none. */
	uint32_t next;
	struct gvt_vgpu vgpus[SIM_VGPUS_MAX];
};

static int gvt_new(struct sim_policy **ret, const struct sim_load *load)
{
	struct gvt *gvt = calloc(1, sizeof(*gvt));

	if (!gvt)
		return -ENOMEM;
	gvt->base.ops = &sim_policy_gvt;
	gvt->base.load = load;
	gvt->current = SIM_NOBODY;
	gvt->next = SIM_NOBODY;
	*ret = &gvt->base;
	return 0;
}

static void gvt_free(struct sim_policy *policy)
{
	free(policy);
}

static void gvt_charge(struct gvt *gvt, uint64_t now_ns)
{
	if (gvt->current != SIM_NOBODY)
		gvt->vgpus[gvt->current].credit_ns -=
			(int64_t)(now_ns - gvt->charged_ns);
	gvt->charged_ns = now_ns;
}

static void gvt_balance(struct gvt *gvt)
{
	const struct sim_scenario *s = gvt->base.load->scenario;
	bool reset = gvt->n_balances++ % BALANCES_PER_RESET == 0;
	uint64_t weights = 0;
	int64_t part_ns;
	size_t i;

	for (i = 0; i < s->n_vgpus; i++)
		weights += s->vgpus[i].weight;
	for (i = 0; i < s->n_vgpus; i++) {
		part_ns = (int64_t)(BALANCE_NS * s->vgpus[i].weight / weights);
		if (reset)
			gvt->vgpus[i].credit_ns = part_ns;
		else
			gvt->vgpus[i].credit_ns += part_ns;
	}
}

static uint32_t gvt_find(const struct gvt *gvt)
{
	uint32_t i, found = SIM_NOBODY;

	for (i = 0; i < gvt->base.load->scenario->n_vgpus; i++) {
		if (gvt->vgpus[i].credit_ns <= 0)
			continue;
		if (sim_policy_oldest(&gvt->base, i, ALL_ENGINES) ==
			    SIM_NOBODY &&
		    sim_policy_busy_engines(&gvt->base, i) == 0)
			continue;
		if (found == SIM_NOBODY ||
		    gvt->vgpus[i].used < gvt->vgpus[found].used)
			found = i;
	}
	return found;
}

static void gvt_choose(struct gvt *gvt)
{
	if (gvt->next != gvt->current)
		return;
	gvt->next = gvt_find(gvt);
	if (gvt->next != SIM_NOBODY)
		gvt->vgpus[gvt->next].used = ++gvt->n_uses;
}

static void gvt_tick(struct gvt *gvt, uint64_t now_ns)
{
	if (now_ns < gvt->tick_ns)
		return;
	gvt->tick_ns = now_ns + TICK_NS;
	if (now_ns >= gvt->balance_ns) {
		gvt_balance(gvt);
		gvt->balance_ns = now_ns + BALANCE_NS;
	}
	gvt_choose(gvt);
}

static void gvt_submitted(struct sim_policy *policy, uint32_t context,
			  uint64_t now_ns)
{
	struct gvt *gvt = (struct gvt *)policy;

	(void)context;
	gvt_charge(gvt, now_ns);
	gvt_choose(gvt);
}

static struct sim_verdict gvt_decide(struct sim_policy *policy, uint64_t now_ns)
{
	struct gvt *gvt = (struct gvt *)policy;
	struct sim_verdict rest = {.action = SIM_REST};
	uint32_t context, busy = 0;

	gvt_charge(gvt, now_ns);
	gvt_tick(gvt, now_ns);
	if (gvt->current != SIM_NOBODY)
		busy = sim_policy_busy_engines(policy, gvt->current);
	if (busy == 0)
		gvt->current = gvt->next;
	rest.wake_ns = gvt->tick_ns;
	if (gvt->current == SIM_NOBODY || gvt->next != gvt->current)
		return rest;
	context = sim_policy_oldest(policy, gvt->current, ~busy);
	if (context == SIM_NOBODY)
		return rest;
	return (struct sim_verdict){.action = SIM_PASS, .context = context};
}

static uint32_t gvt_holder(const struct sim_policy *policy)
{
	return ((const struct gvt *)policy)->current;
}

const struct sim_policy_ops sim_policy_gvt = {
	.name = "gvt",
	.about = "GVT-g's weighted credit",
	.new = gvt_new,
	.free = gvt_free,
	.submitted = gvt_submitted,
	.decide = gvt_decide,
	.holder = gvt_holder,
};
