// SPDX-License-Identifier: MIT
#include "scheduler/sim/share.h"

/* One who takes part in a division. */
struct claim {
	double weight;
	double floor;
	double limit;
	double part;
};

static double claim_part(const struct claim *c, double level)
{
	double part = c->weight * level;

	if (part < c->floor)
		part = c->floor;
	return part < c->limit ? part : c->limit;
}

static double claims_sum(const struct claim *claims, uint32_t n, double level)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		sum += claim_part(&claims[i], level);
	return sum;
}

/*
 * Raises the water level until the capacity is used up. The sum grows with
 * the level, hence bisection; 60 halvings are beyond a double's precision.
 */
static void claims_divide(struct claim *claims, uint32_t n, double capacity)
{
	double low = 0, high = 1, middle;
	uint32_t i;

	for (i = 0; i < 60; i++) {
		middle = (low + high) / 2;
		if (claims_sum(claims, n, middle) < capacity)
			low = middle;
		else
			high = middle;
	}
	for (i = 0; i < n; i++)
		claims[i].part = claim_part(&claims[i], high);
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static struct claim vgpu_claim(const struct sim_scenario *s, uint32_t vgpu,
			       double demand, uint32_t n_present)
{
	const struct sim_vgpu *v = &s->vgpus[vgpu];
	struct claim c = {
		.weight = v->weight,
		.limit = smaller(v->cap / 100.0, demand),
	};

	switch (s->tuning.mode) {
	case SIM_MODE_EQUAL:
		c.weight = 1;
		c.limit = smaller(c.limit, 1.0 / n_present);
		break;
	case SIM_MODE_FIXED:
		c.weight = 1;
		c.limit = smaller(c.limit, 1.0 / v->instances);
		break;
	case SIM_MODE_FAIR:
	case SIM_MODE_BEST_EFFORT:
		c.floor = smaller(v->reservation / 100.0, c.limit);
		break;
	}
	return c;
}

/* Claims of a tenant's present vGPUs; @index tells which they are. */
static uint32_t tenant_claims(const struct sim_scenario *s, uint32_t tenant,
			      uint64_t present, const double *demand,
			      struct claim *claims, uint32_t *index)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->n_vgpus; i++) {
		if (!(present >> i & 1) || s->vgpus[i].tenant != tenant)
			continue;
		index[n] = i;
		claims[n++] =
			vgpu_claim(s, i, demand ? demand[i] : 1,
				   (uint32_t)__builtin_popcountll(present));
	}
	return n;
}

void sim_share_ideal(const struct sim_scenario *scenario, uint64_t present,
		     const double *demand, double *share)
{
	struct claim tenants[SIM_TENANTS_MAX], vgpus[SIM_VGPUS_MAX];
	uint32_t index[SIM_VGPUS_MAX], i, t, n;

	for (t = 0; t < scenario->n_tenants; t++) {
		n = tenant_claims(scenario, t, present, demand, vgpus, index);
		tenants[t] = (struct claim){
			.weight = scenario->tenants[t].weight,
		};
		for (i = 0; i < n; i++) {
			tenants[t].floor += vgpus[i].floor;
			tenants[t].limit += vgpus[i].limit;
		}
	}
	claims_divide(tenants, (uint32_t)scenario->n_tenants, 1);
	for (i = 0; i < scenario->n_vgpus; i++)
		share[i] = 0;
	for (t = 0; t < scenario->n_tenants; t++) {
		n = tenant_claims(scenario, t, present, demand, vgpus, index);
		claims_divide(vgpus, n, tenants[t].part);
		for (i = 0; i < n; i++)
			share[index[i]] = vgpus[i].part;
	}
}
