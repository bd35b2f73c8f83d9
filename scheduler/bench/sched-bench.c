// SPDX-License-Identifier: MIT
/*
 * What a scheduling decision costs as entities grow in number:
 *
 *   sched-bench [--repeats N] [--svg FILE]
 *
 * One operation is all that happens between two holds: the charge of the one
 * that ends, its release, and the decision that grants the next. All entities
 * always want, so that all are in the queues. The best of several repeats is
 * what the code costs; the median is what it cost on this machine now.
 */
#include "scheduler/core/sched.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REPEATS_MAX 101
#define OPERATIONS 100000
#define CONTEXTS_PER_VGPU 10
#define VGPUS_PER_TENANT 10

struct shape {
	const char *name;
	unsigned int leaves;
	bool tree; /* tenants, vGPUs and contexts, not vGPUs alone */
};

struct result {
	double median_ns;
	double best_ns;
};

static const struct shape shapes[] = {
	{"flat/2", 2, false},	      {"flat/16", 16, false},
	{"flat/100", 100, false},     {"flat/1000", 1000, false},
	{"flat/10000", 10000, false}, {"tree/16", 16, true},
	{"tree/100", 100, true},      {"tree/1000", 1000, true},
	{"tree/10000", 10000, true},
};
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct tsched_entity *add(struct tsched_gpu *gpu,
				 struct tsched_entity **next,
				 enum tsched_kind kind,
				 struct tsched_entity *parent)
{
	struct tsched_entity *entity = (*next)++;

	if (tsched_entity_add(gpu, entity, kind, parent, 0))
		abort();
	tsched_entity_set_weight(entity, 50 + (entity - parent) % 7 * 50, 0);
	return entity;
}

/*
 * Returns the memory, the caller's to free. Aligned to cache lines, so that
 * a tree node is in one.
 */
static struct tsched_entity *gpu_fill(struct tsched_gpu *gpu,
				      const struct shape *shape)
{
	size_t size = (2 * shape->leaves + 2) * sizeof(struct tsched_entity);
	struct tsched_entity *entities = aligned_alloc(64, size);
	struct tsched_entity *next = entities;
	struct tsched_entity *tenant = NULL, *vgpu = NULL;
	unsigned int i;

	if (!entities)
		abort();
	for (i = 0; i < shape->leaves; i++) {
		struct tsched_entity *leaf;

		if (!shape->tree) {
			leaf = add(gpu, &next, TSCHED_VGPU, NULL);
			tsched_entity_want(leaf, 0);
			continue;
		}
		if (i % (CONTEXTS_PER_VGPU * VGPUS_PER_TENANT) == 0)
			tenant = add(gpu, &next, TSCHED_TENANT, NULL);
		if (i % CONTEXTS_PER_VGPU == 0)
			vgpu = add(gpu, &next, TSCHED_VGPU, tenant);
		leaf = add(gpu, &next, TSCHED_CONTEXT, vgpu);
		tsched_entity_want(leaf, 0);
	}
	return entities;
}

static double repeat_run(struct tsched_gpu *gpu, uint64_t *now)
{
	struct tsched_decision d;
	uint64_t begin = clock_ns();
	unsigned int i;

	for (i = 0; i < OPERATIONS; i++) {
		tsched_decide(gpu, *now, &d);
		if (d.verdict != TSCHED_GRANT)
			abort();
		/* Holds of 0.1 to 1.6 ms in no order. */
		*now += 100000 + (i * 2654435761u >> 28) * 100000;
		tsched_hold_end(d.entity, *now);
	}
	return (double)(clock_ns() - begin) / OPERATIONS;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct result shape_run(const struct shape *shape, unsigned int repeats)
{
	struct tsched_config config;
	struct tsched_gpu gpu;
	struct tsched_entity *entities;
	double times[REPEATS_MAX];
	uint64_t now = 0;
	unsigned int i;

	tsched_config_init(&config);
	if (tsched_gpu_init(&gpu, &config, 0))
		abort();
	entities = gpu_fill(&gpu, shape);
	repeat_run(&gpu, &now);
	for (i = 0; i < repeats; i++)
		times[i] = repeat_run(&gpu, &now);
	free(entities);
	qsort(times, repeats, sizeof(*times), double_compare);
	return (struct result){
		.median_ns = times[repeats / 2],
		.best_ns = times[0],
	};
}

#define SVG_WIDTH 640
#define SVG_HEIGHT 360
#define SVG_MARGIN 60
#define SVG_NS_MAX 1000.0

static double svg_x(unsigned int leaves)
{
	return SVG_MARGIN + log10(leaves) / 4 * (SVG_WIDTH - 2 * SVG_MARGIN);
}

static double svg_y(double ns)
{
	double part = ns < SVG_NS_MAX ? ns / SVG_NS_MAX : 1;

	return SVG_HEIGHT - SVG_MARGIN - part * (SVG_HEIGHT - 2 * SVG_MARGIN);
}

static void svg_axes(FILE *out)
{
	unsigned int leaves, ns;

	fprintf(out,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d'"
		" height='%d' font-family='sans-serif' font-size='12'>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n"
		"<text x='%d' y='24' font-size='14'>Decision and charge, ns,"
		" by number of leaves</text>\n",
		SVG_WIDTH, SVG_HEIGHT, SVG_MARGIN);
	for (ns = 0; ns <= SVG_NS_MAX; ns += 200)
		fprintf(out,
			"<line x1='%d' x2='%d' y1='%.1f' y2='%.1f'"
			" stroke='#ddd'/><text x='%d' y='%.1f'"
			" text-anchor='end'>%u</text>\n",
			SVG_MARGIN, SVG_WIDTH - SVG_MARGIN, svg_y(ns),
			svg_y(ns), SVG_MARGIN - 6, svg_y(ns) + 4, ns);
	for (leaves = 1; leaves <= 10000; leaves *= 10)
		fprintf(out,
			"<text x='%.1f' y='%d' text-anchor='middle'>%u</text>\n",
			svg_x(leaves), SVG_HEIGHT - SVG_MARGIN + 18, leaves);
}

static void svg_line(FILE *out, const struct result *results, bool tree,
		     const char *colour)
{
	size_t i;

	fprintf(out,
		"<polyline fill='none' stroke='%s' stroke-width='2'"
		" points='",
		colour);
	for (i = 0; i < SHAPES; i++)
		if (shapes[i].tree == tree)
			fprintf(out, "%.1f,%.1f ", svg_x(shapes[i].leaves),
				svg_y(results[i].median_ns));
	fprintf(out, "'/>\n<text x='%d' y='%d' fill='%s'>%s</text>\n",
		SVG_MARGIN + 10, SVG_MARGIN + (tree ? 16 : 0), colour,
		tree ? "tenants, vGPUs, contexts" : "vGPUs only");
}

static int svg_write(const char *path, const struct result *results)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return -errno;
	svg_axes(out);
	svg_line(out, results, false, "#1b6ca8");
	svg_line(out, results, true, "#c0392b");
	fputs("</svg>\n", out);
	if (fclose(out))
		return -errno;
	return 0;
}

struct options {
	unsigned int repeats;
	const char *svg;
};

static bool options_parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"repeats", required_argument, NULL, 'r'},
		{"svg", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'r')
			options->repeats = strtoul(optarg, NULL, 0);
		else if (c == 's')
			options->svg = optarg;
		else
			return false;
	}
	return optind == argc && options->repeats &&
	       options->repeats <= REPEATS_MAX;
}

int main(int argc, char **argv)
{
	struct options options = {.repeats = 9};
	struct result results[SHAPES];
	size_t i;

	if (!options_parse(&options, argc, argv)) {
		fprintf(stderr, "usage: %s [--repeats 1..%d] [--svg FILE]\n",
			argv[0], REPEATS_MAX);
		return 2;
	}
	printf("memory: %zu bytes an entity, %zu bytes a GPU\n",
	       sizeof(struct tsched_entity), sizeof(struct tsched_gpu));
	printf("%-24s %12s %12s %12s\n", "Benchmark", "Median ns", "Best ns",
	       "Iterations");
	for (i = 0; i < SHAPES; i++) {
		results[i] = shape_run(&shapes[i], options.repeats);
		printf("decide+charge/%-10s %12.1f %12.1f %12d\n",
		       shapes[i].name, results[i].median_ns, results[i].best_ns,
		       OPERATIONS);
	}
	if (options.svg && svg_write(options.svg, results)) {
		perror(options.svg);
		return 1;
	}
	return 0;
}
