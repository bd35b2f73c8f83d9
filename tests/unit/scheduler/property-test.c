// SPDX-License-Identifier: MIT
/*
 * Random worlds against the bounds the scheduler promises:
 *
 *   property-test [--seed N] [--steps M] [--world-steps K]
 *
 * runs worlds of K steps with the seeds N, N + 1, ... until M steps are done.
 * A world that breaks a bound is named with the command that runs it again.
 */
#include "invariants.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	unsigned long seed;
	unsigned long steps;
	unsigned long world_steps;
};

static bool options_parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"seed", required_argument, NULL, 's'},
		{"steps", required_argument, NULL, 'n'},
		{"world-steps", required_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 0) : 0;

		if (c == 's')
			options->seed = value;
		else if (c == 'n')
			options->steps = value;
		else if (c == 'w' && value)
			options->world_steps = value;
		else
			return false;
	}
	return optind == argc;
}

static bool world_run(struct world *world, struct invariants *inv,
		      unsigned long seed, unsigned long steps)
{
	world_init(world, seed);
	invariants_init(inv, world);
	while (world->steps < steps) {
		world_step(world);
		if (!invariants_check(inv, world))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct world world;
	static struct invariants inv;
	struct options options = {
		.seed = 1,
		.steps = 10000000,
		.world_steps = 50000,
	};
	unsigned long done = 0;
	unsigned long seed;

	if (!options_parse(&options, argc, argv)) {
		fprintf(stderr,
			"usage: %s [--seed N] [--steps M]"
			" [--world-steps K]\n",
			argv[0]);
		return 2;
	}
	for (seed = options.seed; done < options.steps; seed++) {
		if (!world_run(&world, &inv, seed, options.world_steps)) {
			printf("seed %lu, world %d, step %lu: %s\n"
			       "again: %s --seed %lu --steps 1"
			       " --world-steps %lu\n",
			       seed, world.kind, world.steps, inv.failure,
			       argv[0], seed, options.world_steps);
			return 1;
		}
		done += world.steps;
	}
	printf("seeds %lu..%lu: %lu scheduling steps, every bound kept\n",
	       options.seed, seed - 1, done);
	return 0;
}
