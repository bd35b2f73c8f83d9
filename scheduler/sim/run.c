// SPDX-License-Identifier: MIT
#include "scheduler/sim/run.h"

struct run {
	const struct sim_scenario *scenario;
	struct sim_account *account;
	struct sim_load load;
	struct sim_gpu gpu;
	struct sim_policy *policy;
	uint64_t now_ns;
	uint64_t wake_ns;
};

static void run_deinit(struct run *run)
{
	if (run->policy)
		run->policy->ops->free(run->policy);
	sim_gpu_deinit(&run->gpu);
	sim_load_deinit(&run->load);
}

static void run_pass(struct run *run, uint32_t context)
{
	const struct sim_context *c = &run->scenario->contexts[context];
	const struct sim_job *job = sim_load_pass(&run->load, context);
	struct sim_task task = {
		.context = context,
		.vgpu = c->vgpu,
		.engine = c->engine,
		.submit_ns = job->submit_ns,
		.length_ns = job->length_ns,
	};

	sim_gpu_enqueue(&run->gpu, &task);
}

static void run_kill(struct run *run, uint32_t context)
{
	struct sim_task task;

	if (sim_gpu_abort(&run->gpu, context, run->now_ns, &task))
		sim_account_end(run->account, &task, true);
	sim_load_lose(&run->load, context, run->now_ns);
}

static void run_decide(struct run *run)
{
	const struct sim_policy_ops *ops = run->policy->ops;
	struct sim_verdict verdict;

	for (;;) {
		verdict = ops->decide(run->policy, run->now_ns);
		switch (verdict.action) {
		case SIM_PASS:
			run_pass(run, verdict.context);
			break;
		case SIM_KILL:
			run_kill(run, verdict.context);
			break;
		case SIM_REST:
			run->wake_ns = verdict.wake_ns;
			return;
		}
	}
}

static void run_finish_jobs(struct run *run)
{
	const struct sim_policy_ops *ops = run->policy->ops;
	struct sim_task task;
	uint64_t reported_ns;

	while (sim_gpu_finish(&run->gpu, run->now_ns, &task, &reported_ns)) {
		sim_account_end(run->account, &task, false);
		sim_load_complete(&run->load, task.context, run->now_ns);
		if (ops->completed)
			ops->completed(run->policy, task.context, reported_ns,
				       run->now_ns);
	}
}

static void run_submit_bursts(struct run *run)
{
	const struct sim_policy_ops *ops = run->policy->ops;
	uint32_t context;

	while (sim_load_submit(&run->load, run->now_ns, &context))
		if (ops->submitted)
			ops->submitted(run->policy, context, run->now_ns);
}

static void run_start_jobs(struct run *run)
{
	struct sim_task task;
	uint64_t ready_ns;

	while (sim_gpu_start(&run->gpu, run->now_ns, &task)) {
		/* Behind its context's own jobs a job isn't ready yet. */
		ready_ns = run->load.queues[task.context].done_ns;
		if (ready_ns < task.submit_ns)
			ready_ns = task.submit_ns;
		sim_account_start(run->account, &task, ready_ns);
	}
}

static uint64_t run_wanting(const struct run *run)
{
	uint64_t vgpus = 0;
	uint32_t i;

	for (i = 0; i < run->scenario->n_contexts; i++)
		if (run->load.queues[i].n_submitted !=
		    run->load.queues[i].n_done)
			vgpus |= 1ULL << run->scenario->contexts[i].vgpu;
	return vgpus;
}

static uint64_t run_holding(const struct run *run)
{
	const struct sim_policy_ops *ops = run->policy->ops;
	uint32_t holder = ops->holder ? ops->holder(run->policy) : SIM_NOBODY;

	if (holder == SIM_NOBODY)
		return sim_gpu_running(&run->gpu);
	return 1ULL << holder;
}

static void run_step(struct run *run)
{
	run_finish_jobs(run);
	run_submit_bursts(run);
	run_decide(run);
	run_start_jobs(run);
	sim_account_set(run->account, run_holding(run),
			sim_gpu_running(&run->gpu), run_wanting(run));
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void run_until(struct run *run, uint64_t end_ns)
{
	uint64_t next_ns;

	for (;;) {
		next_ns = earlier(sim_gpu_next(&run->gpu),
				  sim_load_next(&run->load));
		next_ns = earlier(next_ns, run->wake_ns);
		if (next_ns >= end_ns)
			break;
		/* A wake-up that is overdue means at once. */
		if (next_ns > run->now_ns)
			run->now_ns = next_ns;
		sim_account_advance(run->account, run->now_ns);
		run_step(run);
	}
	sim_account_advance(run->account, end_ns);
}

static uint64_t run_anticipated(const struct run *run, uint64_t now_ns)
{
	const struct sim_policy_ops *ops = run->policy->ops;

	return ops->anticipated_ns ? ops->anticipated_ns(run->policy, now_ns)
				   : 0;
}

static void run_all(struct run *run)
{
	const struct sim_scenario *s = run->scenario;
	uint64_t before_ns;

	run_until(run, s->warmup_ns);
	sim_account_reset(run->account);
	before_ns = run_anticipated(run, s->warmup_ns);
	run_until(run, s->duration_ns);
	run->account->anticipated_ns =
		run_anticipated(run, s->duration_ns) - before_ns;
}

int sim_run(struct sim_account *account, const struct sim_scenario *scenario,
	    const struct sim_policy_ops *ops, uint64_t vgpus, bool keep_jobs)
{
	__attribute__((cleanup(run_deinit))) struct run run = {
		.scenario = scenario,
		.account = account,
	};
	int ret;

	ret = sim_load_init(&run.load, scenario, vgpus);
	if (ret < 0)
		return ret;
	ret = sim_gpu_init(&run.gpu, scenario);
	if (ret < 0)
		return ret;
	ret = ops->new(&run.policy, &run.load);
	if (ret < 0)
		return ret;
	sim_account_init(account, scenario, keep_jobs);
	run_all(&run);
	ret = sim_account_finish(account);
	if (ret < 0)
		sim_account_deinit(account);
	return ret;
}
