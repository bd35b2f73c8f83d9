// SPDX-License-Identifier: MIT
#include "scheduler/sim/policy.h"

#include <string.h>

const struct sim_policy_ops *const sim_policies[] = {
	&sim_policy_tranche,
	&sim_policy_fifo,
	&sim_policy_rr,
	&sim_policy_gvt,
	NULL,
};

const struct sim_policy_ops *sim_policy_find(const char *name)
{
	size_t i;

	for (i = 0; sim_policies[i]; i++)
		if (strcmp(sim_policies[i]->name, name) == 0)
			return sim_policies[i];
	return NULL;
}

uint32_t sim_policy_oldest(const struct sim_policy *policy, uint32_t vgpu,
			   uint32_t engines)
{
	const struct sim_scenario *s = policy->load->scenario;
	uint32_t i, oldest = SIM_NOBODY;
	uint64_t submit_ns, oldest_ns = SIM_NEVER;

	for (i = 0; i < s->n_contexts; i++) {
		if (vgpu != SIM_NOBODY && s->contexts[i].vgpu != vgpu)
			continue;
		if (!(engines >> s->contexts[i].engine & 1) ||
		    sim_load_waiting(policy->load, i) == 0)
			continue;
		submit_ns = sim_load_first(policy->load, i)->submit_ns;
		if (submit_ns >= oldest_ns)
			continue;
		oldest = i;
		oldest_ns = submit_ns;
	}
	return oldest;
}

uint32_t sim_policy_busy_engines(const struct sim_policy *policy, uint32_t vgpu)
{
	const struct sim_scenario *s = policy->load->scenario;
	uint32_t i, engines = 0;

	for (i = 0; i < s->n_contexts; i++)
		if (s->contexts[i].vgpu == vgpu &&
		    sim_load_in_flight(policy->load, i) > 0)
			engines |= 1U << s->contexts[i].engine;
	return engines;
}
