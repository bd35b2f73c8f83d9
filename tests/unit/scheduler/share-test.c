// SPDX-License-Identifier: MIT
/*
 * How far shares are from what weights say, over every window of a run: the
 * figures docs/scheduling.md states. Time is the world's, not the machine's.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define MS ((uint64_t)1000000)
#define SEC (1000 * MS)
#define RUN (40 * SEC)
#define TENANTS 4
#define GRID MS
#define POINTS (RUN / GRID + 1)

struct tenant {
	uint32_t weight;
	uint64_t job_ns;
	uint64_t gap_ns; /* most; 0: always has jobs queued */
	bool gaps_vary; /* evenly from nothing up */
};

struct share_case {
	const char *name;
	struct tenant tenants[TENANTS];
	uint64_t window;
	double ratio_least; /* of the least to the greatest share by weight */
	double points_most; /* off the share by weight, in points; 0: unasked */
};

static const struct share_case cases[] = {
	{"0.1 ms : 50 ms, any 10 s",
	 {{100, MS / 10, 0, false}, {100, 50 * MS, 0, false}},
	 10 * SEC,
	 0.99,
	 0},
	{"0.1 ms : 50 ms, any 1 s",
	 {{100, MS / 10, 0, false}, {100, 50 * MS, 0, false}},
	 SEC,
	 0.97,
	 0},
	{"0.1 ms + 20 us gap : 50 ms, any 10 s",
	 {{100, MS / 10, 20000, false}, {100, 50 * MS, 0, false}},
	 10 * SEC,
	 0.99,
	 0},
	{"0.1 ms + 20 us gap : 50 ms, any 1 s",
	 {{100, MS / 10, 20000, false}, {100, 50 * MS, 0, false}},
	 SEC,
	 0.97,
	 0},
	{"two of 1 ms : two of 20 ms, any 1 s",
	 {{100, MS, 0, false},
	  {100, 20 * MS, 0, false},
	  {100, MS, 0, false},
	  {100, 20 * MS, 0, false}},
	 SEC,
	 0.9,
	 0},
	{"1 ms + 0.3 ms gap : 20 ms, any 10 s",
	 {{100, MS, 300000, false}, {100, 20 * MS, 0, false}},
	 10 * SEC,
	 0.99,
	 0},
	{"2 ms + 0 to 2.2 ms gap : 20 ms, any 10 s",
	 {{100, 2 * MS, 2200000, true}, {100, 20 * MS, 0, false}},
	 10 * SEC,
	 0.9,
	 0},
	{"weights 100:1, 1 ms, any 10 s",
	 {{10000, MS, 0, false}, {100, MS, 0, false}},
	 10 * SEC,
	 0,
	 1},
	{"weights 100:1, 1 ms : 20 ms, any 10 s",
	 {{10000, MS, 0, false}, {100, 20 * MS, 0, false}},
	 10 * SEC,
	 0,
	 1},
	{"weights 3:2:1, 2 ms, any 10 s",
	 {{300, 2 * MS, 0, false},
	  {200, 2 * MS, 0, false},
	  {100, 2 * MS, 0, false}},
	 10 * SEC,
	 0,
	 1},
	{"weights 3:2:1, 0.1/5/50 ms, any 10 s",
	 {{300, MS / 10, 0, false},
	  {200, 5 * MS, 0, false},
	  {100, 50 * MS, 0, false}},
	 10 * SEC,
	 0,
	 1},
};

/* held[i][t]: what tenant i had held by grid point t. */
static uint64_t held[TENANTS][POINTS];

static unsigned int world_fill(struct world *world, const struct share_case *c)
{
	unsigned int i;

	world_init_bare(world, 1);
	for (i = 0; i < TENANTS && c->tenants[i].weight; i++) {
		const struct tenant *tenant = &c->tenants[i];
		struct world_entity *e = world_add(world, TSCHED_VGPU, NULL);

		tsched_entity_set_weight(&e->core, tenant->weight, 0);
		e->pattern = tenant->gap_ns ? PATTERN_LOOP : PATTERN_DEEP;
		e->job_min = e->job_max = tenant->job_ns;
		e->gap_max = tenant->gap_ns;
		e->gap_min = tenant->gaps_vary ? 0 : tenant->gap_ns;
	}
	return i;
}

/*
 * Between two events one tenant holds throughout, or none: what it held at a
 * grid point between them follows exactly.
 */
static void run_record(struct world *world, unsigned int n)
{
	uint64_t before[TENANTS] = {0};
	uint64_t point = 0;
	unsigned int i;

	while (point < POINTS) {
		uint64_t from = world->now;

		world_step(world);
		for (; point < POINTS && point * GRID <= world->now; point++)
			for (i = 0; i < n; i++) {
				uint64_t had = world->entities[i].held_ns;
				uint64_t into = point * GRID - from;

				held[i][point] = had - before[i] < into
							 ? had
							 : before[i] + into;
			}
		for (i = 0; i < n; i++)
			before[i] = world->entities[i].held_ns;
	}
}

static double ratios[POINTS]; /* of the windows: least over greatest share */

struct share_error {
	unsigned int windows;
	double points; /* greatest distance from the share by weight */
};

static void window_measure(const struct share_case *c, unsigned int n,
			   uint64_t from, struct share_error *error)
{
	uint64_t to = from + c->window / GRID;
	double least = 1e300, greatest = 0, total = 0, weights = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		double had = held[i][to] - held[i][from];
		double share = had / c->tenants[i].weight;

		total += had;
		weights += c->tenants[i].weight;
		least = share < least ? share : least;
		greatest = share > greatest ? share : greatest;
	}
	ratios[error->windows++] = least / greatest;
	for (i = 0; i < n; i++) {
		double had = held[i][to] - held[i][from];
		double off =
			100 * (had / total - c->tenants[i].weight / weights);

		off = off < 0 ? -off : off;
		error->points = off > error->points ? off : error->points;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool case_run(const struct share_case *c)
{
	static struct world world;
	struct share_error error = {0};
	unsigned int n = world_fill(&world, c);
	uint64_t from;
	bool ok;

	run_record(&world, n);
	/* The first second is the estimators': they begin knowing nothing. */
	for (from = SEC / GRID; from + c->window / GRID < POINTS; from++)
		window_measure(c, n, from, &error);
	qsort(ratios, error.windows, sizeof(*ratios), compare);
	ok = ratios[0] >= c->ratio_least &&
	     (!c->points_most || error.points <= c->points_most);
	printf("%-40s %8.4f %8.4f %8.3f %7.2f%%  %s\n", c->name, ratios[0],
	       ratios[error.windows / 2], error.points,
	       100.0 * world.idle_ns / (world.now - world.begin),
	       ok ? "ok" : "TOO FAR");
	return ok;
}

int main(void)
{
	bool ok = true;
	size_t i;

	printf("%-40s %8s %8s %8s %8s\n", "least/greatest share, points off",
	       "worst", "median", "worst", "idle");
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ok = case_run(&cases[i]) && ok;
	return ok ? 0 : 1;
}
