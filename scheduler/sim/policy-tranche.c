// SPDX-License-Identifier: MIT
/*
 * Tranche's own policy: the scheduler's core, driven as the broker drives it.
 *
 * Every context of the scenario is a leaf. Its gate is open from GRANT until
 * REVOKE; a job in flight has a record in a ring as large as the context's
 * queue, so that the core's pointers stay valid.
 */
#include "scheduler/sim/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "scheduler/core/sched.h"

struct leaf {
	struct tsched_entity entity;
	struct tsched_job *jobs;
	uint64_t n_passed;
	uint64_t n_done;
	bool wants;
};

struct core {
	struct sim_policy base;
	struct tsched_gpu gpu;
	struct tsched_entity tenants[SIM_TENANTS_MAX];
	struct tsched_entity vgpus[SIM_VGPUS_MAX];
	struct leaf *leaves;
	struct tsched_job *jobs;
	/* Context that holds the GPU, draining or not. */
	uint32_t holder;
	bool draining;
};

static void core_free(struct sim_policy *policy)
{
	struct core *core = (struct core *)policy;

	if (!core)
		return;
	free(core->leaves);
	free(core->jobs);
	free(core);
}

static const enum tsched_policy modes[] = {
	[SIM_MODE_FAIR] = TSCHED_FAIR,
	[SIM_MODE_EQUAL] = TSCHED_EQUAL,
	[SIM_MODE_FIXED] = TSCHED_FIXED,
	[SIM_MODE_BEST_EFFORT] = TSCHED_BEST_EFFORT,
};

static const enum tsched_latency latencies[] = {
	[SIM_LATENCY_NORMAL] = TSCHED_LATENCY_NORMAL,
	[SIM_LATENCY_LOW] = TSCHED_LATENCY_LOW,
	[SIM_LATENCY_LOWEST] = TSCHED_LATENCY_LOWEST,
};

static struct tsched_config core_config(const struct sim_tuning *tuning)
{
	struct tsched_config config;

	tsched_config_init(&config);
	config.policy = modes[tuning->mode];
	if (tuning->slice_ns)
		config.slice_ns = tuning->slice_ns;
	if (tuning->kill_ns)
		config.kill_ns = tuning->kill_ns;
	if (tuning->cap_period_ns)
		config.cap_period_ns = tuning->cap_period_ns;
	return config;
}

static int tenant_add(struct core *core, uint32_t index)
{
	const struct sim_scenario *s = core->base.load->scenario;
	struct tsched_entity *e = &core->tenants[index];
	int ret = tsched_entity_add(&core->gpu, e, TSCHED_TENANT, NULL, 0);

	if (ret < 0)
		return ret;
	return tsched_entity_set_weight(e, s->tenants[index].weight, 0);
}

static int vgpu_add(struct core *core, uint32_t index)
{
	const struct sim_vgpu *v = &core->base.load->scenario->vgpus[index];
	struct tsched_entity *e = &core->vgpus[index];
	int ret;

	ret = tsched_entity_add(&core->gpu, e, TSCHED_VGPU,
				&core->tenants[v->tenant], 0);
	if (ret == 0)
		ret = tsched_entity_set_weight(e, v->weight, 0);
	if (ret == 0)
		ret = tsched_entity_set_cap(e, v->cap * 10, 0);
	if (ret == 0)
		ret = tsched_entity_set_reservation(e, v->reservation * 10, 0);
	if (ret == 0)
		ret = tsched_entity_set_latency(e, latencies[v->latency], 0);
	if (ret == 0)
		ret = tsched_entity_set_instances(e, v->instances, 0);
	return ret;
}

static int leaf_add(struct core *core, uint32_t index, uint64_t now_ns)
{
	const struct sim_scenario *s = core->base.load->scenario;
	struct leaf *leaf = &core->leaves[index];

	leaf->n_passed = 0;
	leaf->n_done = 0;
	leaf->wants = false;
	return tsched_entity_add(&core->gpu, &leaf->entity, TSCHED_CONTEXT,
				 &core->vgpus[s->contexts[index].vgpu], now_ns);
}

static int core_populate(struct core *core)
{
	const struct sim_load *load = core->base.load;
	struct tsched_job *jobs = core->jobs;
	uint32_t i;
	int ret = 0;

	for (i = 0; ret == 0 && i < load->scenario->n_tenants; i++)
		ret = tenant_add(core, i);
	for (i = 0; ret == 0 && i < load->scenario->n_vgpus; i++)
		ret = vgpu_add(core, i);
	for (i = 0; ret == 0 && i < load->scenario->n_contexts; i++) {
		core->leaves[i].jobs = jobs;
		jobs += load->queues[i].size;
		ret = leaf_add(core, i, 0);
	}
	return ret;
}

static int core_alloc(struct core *core, const struct sim_load *load)
{
	const struct sim_scenario *s = load->scenario;
	size_t i, n_jobs = 0;

	for (i = 0; i < s->n_contexts; i++)
		n_jobs += load->queues[i].size;
	core->base.ops = &sim_policy_tranche;
	core->base.load = load;
	core->holder = SIM_NOBODY;
	core->leaves = calloc(s->n_contexts, sizeof(*core->leaves));
	core->jobs = calloc(n_jobs, sizeof(*core->jobs));
	return core->leaves && core->jobs ? 0 : -ENOMEM;
}

static int core_new(struct sim_policy **ret, const struct sim_load *load)
{
	struct tsched_config config = core_config(&load->scenario->tuning);
	struct core *core = calloc(1, sizeof(*core));
	int err;

	if (!core)
		return -ENOMEM;
	err = core_alloc(core, load);
	if (err == 0)
		err = tsched_gpu_init(&core->gpu, &config, 0);
	if (err == 0)
		err = core_populate(core);
	if (err < 0) {
		core_free(&core->base);
		return err == -ENOMEM ? err : -EINVAL;
	}
	*ret = &core->base;
	return 0;
}

static void leaf_update(struct core *core, uint32_t context, uint64_t now_ns)
{
	struct leaf *leaf = &core->leaves[context];
	bool wants = sim_load_waiting(core->base.load, context) > 0;

	if (wants && !leaf->wants)
		tsched_entity_want(&leaf->entity, now_ns);
	if (!wants && leaf->wants)
		tsched_entity_idle(&leaf->entity, now_ns);
	leaf->wants = wants;
}

static void core_submitted(struct sim_policy *policy, uint32_t context,
			   uint64_t now_ns)
{
	leaf_update((struct core *)policy, context, now_ns);
}

static void core_completed(struct sim_policy *policy, uint32_t context,
			   uint64_t reported_ns, uint64_t now_ns)
{
	struct core *core = (struct core *)policy;
	struct leaf *leaf = &core->leaves[context];
	uint64_t size = policy->load->queues[context].size;

	tsched_job_complete(&leaf->entity, &leaf->jobs[leaf->n_done++ % size],
			    reported_ns, TSCHED_SEEN_ON_TIME, now_ns);
}

static uint32_t core_leaf_index(const struct core *core,
				struct tsched_entity *entity)
{
	return (uint32_t)((struct leaf *)entity - core->leaves);
}

static struct sim_verdict core_pass(struct core *core, uint32_t context,
				    uint64_t now_ns)
{
	const struct sim_load *load = core->base.load;
	struct leaf *leaf = &core->leaves[context];
	uint64_t size = load->queues[context].size;

	tsched_job_submit(
		&leaf->entity, &leaf->jobs[leaf->n_passed++ % size],
		(enum tsched_engine)load->scenario->contexts[context].engine, 0,
		now_ns);
	/* The run takes the job when this verdict returns. */
	if (sim_load_waiting(load, context) == 1) {
		tsched_entity_idle(&leaf->entity, now_ns);
		leaf->wants = false;
	}
	return (struct sim_verdict){.action = SIM_PASS, .context = context};
}

static struct sim_verdict core_kill(struct core *core, uint32_t context,
				    uint64_t now_ns)
{
	tsched_entity_remove(&core->leaves[context].entity, now_ns);
	if (core->holder == context)
		core->holder = SIM_NOBODY;
	/* The guest starts its program again. */
	leaf_add(core, context, now_ns);
	return (struct sim_verdict){.action = SIM_KILL, .context = context};
}

/* Ends a hold that was revoked, once nothing is in flight. */
static void core_release(struct core *core, uint64_t now_ns)
{
	struct leaf *leaf;

	if (core->holder == SIM_NOBODY || !core->draining)
		return;
	leaf = &core->leaves[core->holder];
	if (leaf->n_passed != leaf->n_done)
		return;
	tsched_hold_end(&leaf->entity, now_ns);
	core->holder = SIM_NOBODY;
}

/* The holder's next job, if its depth allows one; else none. */
static bool core_may_pass(const struct core *core, uint32_t depth)
{
	const struct leaf *leaf;

	if (core->holder == SIM_NOBODY || core->draining)
		return false;
	leaf = &core->leaves[core->holder];
	return sim_load_waiting(core->base.load, core->holder) > 0 &&
	       leaf->n_passed - leaf->n_done < depth;
}

static struct sim_verdict
core_rest(struct core *core, const struct tsched_decision *d, uint64_t now_ns)
{
	uint32_t context;

	if (d->verdict == TSCHED_KEEP && core_may_pass(core, d->depth))
		return core_pass(core, core->holder, now_ns);
	if (d->verdict == TSCHED_OPEN) {
		context =
			sim_policy_oldest(&core->base, SIM_NOBODY, UINT32_MAX);
		if (context != SIM_NOBODY)
			return core_pass(core, context, now_ns);
	}
	return (struct sim_verdict){.wake_ns = d->wake_ns};
}

static struct sim_verdict core_decide(struct sim_policy *policy,
				      uint64_t now_ns)
{
	struct core *core = (struct core *)policy;
	struct tsched_decision d;

	for (;;) {
		core_release(core, now_ns);
		tsched_decide(&core->gpu, now_ns, &d);
		switch (d.verdict) {
		case TSCHED_GRANT:
			core->holder = core_leaf_index(core, d.entity);
			core->draining = false;
			break;
		case TSCHED_REVOKE:
			core->draining = true;
			break;
		case TSCHED_KILL:
			return core_kill(core, core_leaf_index(core, d.entity),
					 now_ns);
		default:
			return core_rest(core, &d, now_ns);
		}
	}
}

static uint32_t core_holder(const struct sim_policy *policy)
{
	const struct core *core = (const struct core *)policy;

	if (core->holder == SIM_NOBODY)
		return SIM_NOBODY;
	return policy->load->scenario->contexts[core->holder].vgpu;
}

static uint64_t core_anticipated_ns(const struct sim_policy *policy,
				    uint64_t now_ns)
{
	struct core *core = (struct core *)policy;
	struct tsched_gpu_stats stats;

	tsched_gpu_stats(&core->gpu, now_ns, &stats);
	return stats.anticipate_ns;
}

const struct sim_policy_ops sim_policy_tranche = {
	.name = "tranche",
	.about = "measured holds, weighted fair queueing",
	.new = core_new,
	.free = core_free,
	.submitted = core_submitted,
	.completed = core_completed,
	.decide = core_decide,
	.holder = core_holder,
	.anticipated_ns = core_anticipated_ns,
};
