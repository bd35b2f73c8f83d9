/* SPDX-License-Identifier: MIT */
/*
 * Running a scenario under a policy, in virtual time.
 *
 * One call is one run from time 0 to the scenario's end. Nothing but the
 * scenario and the policy decides its outcome: equal inputs give equal
 * accounts, on every machine.
 */
#ifndef TRANCHE_SCHEDULER_SIM_RUN_H
#define TRANCHE_SCHEDULER_SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "scheduler/sim/account.h"
#include "scheduler/sim/policy.h"
#include "scheduler/sim/scenario.h"

#define SIM_ALL_VGPUS UINT64_MAX

/**
 * sim_run() - Run a scenario
 * @account: receives what happened; the caller's to deinit on success
 * @scenario: the scenario; must outlive @account
 * @ops: the policy
 * @vgpus: bit mask of the vGPUs that take part
 * @keep_jobs: record every job, for timelines
 *
 * Return: 0, -ENOMEM, or -EINVAL if the policy refuses the settings.
 */
int sim_run(struct sim_account *account, const struct sim_scenario *scenario,
	    const struct sim_policy_ops *ops, uint64_t vgpus, bool keep_jobs);

#endif
