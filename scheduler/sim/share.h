/* SPDX-License-Identifier: MIT */
/*
 * What each vGPU ought to get: the ideal that runs are measured against.
 *
 * An ideal GPU could be split without limit. The part of each vGPU is then
 * its weight's part of its tenant's part, not less than its reservation, not
 * more than its cap or its demand; what it leaves goes to its siblings, then
 * to the other tenants. There is no state.
 */
#ifndef TRANCHE_SCHEDULER_SIM_SHARE_H
#define TRANCHE_SCHEDULER_SIM_SHARE_H

#include <stdint.h>

#include "scheduler/sim/scenario.h"

/**
 * sim_share_ideal() - Divide the GPU ideally
 * @scenario: weights, caps, reservations and the mode of division
 * @present: bit mask of the vGPUs that want the GPU
 * @demand: what each vGPU can use at most, 0 to 1; NULL for no limit
 * @share: receives the part of each vGPU, 0 to 1
 */
void sim_share_ideal(const struct sim_scenario *scenario, uint64_t present,
		     const double *demand, double *share);

#endif
