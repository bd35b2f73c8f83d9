/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark compares, and what it found: set-ups in rows, loads in
 * columns, in each cell one sample for each repeat.
 *
 * States: filled sample by sample. Ownership: plain values. Locking: none.
 */
#ifndef TRANCHE_BENCH_RESULT_H
#define TRANCHE_BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESULT_ROWS 16
#define RESULT_LOADS 12
#define RESULT_REPEATS 32
#define RESULT_FACTS 16
#define RESULT_TEXT 256

enum row_kind {
	ROW_HOST, /* a program of the host, as if Tranche were not there */
	ROW_GATE, /* the same, enrolled */
	ROW_VGPU, /* guests with vGPUs */
	ROW_FREE, /* the same, as if nobody had a share */
	ROW_GL, /* guests with QEMU's own virtio-gpu */
	ROW_PASSED, /* a guest that has the GPU to itself */
	ROW_AGAIN, /* the first row once more, at the end */
};

struct result_row {
	const char *name;
	enum row_kind kind;
	unsigned int guests;
};

/**
 * struct result_load - a load
 * @name: of it
 * @kind: of tranche-load
 * @dispatch_ms: how long a job is to be alone on the host
 * @against: the other half of the guests runs jobs of the load of this index;
 *	     -1: all run the same
 * @items: as calibrated
 * @iterations: as calibrated
 * @cost_ns: as calibrated
 */
struct result_load {
	const char *name;
	const char *kind;
	double dispatch_ms;
	int against;
	uint64_t items;
	uint64_t iterations;
	uint64_t cost_ns;
};

enum result_measure {
	RESULT_RATE, /* jobs/s, all guests */
	RESULT_EVEN, /* least work of a guest against most */
	RESULT_FIRST, /* percent of the work that the first half did */
	RESULT_P50, /* ms from submission to completion, the worst guest */
	RESULT_P99,
	RESULT_CPU, /* us of the host's processors for each job */
	RESULT_EXITS, /* of VMs for each job */
	RESULT_MEASURES,
};

struct result_sample {
	double values[RESULT_MEASURES];
};

struct result_cell {
	struct result_sample samples[RESULT_REPEATS];
	size_t count;
	uint64_t wrong; /* words */
	char error[RESULT_TEXT]; /* why samples are missing, or "" */
};

struct result_fact {
	char name[32];
	char value[RESULT_TEXT];
};

struct results {
	struct result_row rows[RESULT_ROWS];
	size_t n_rows;
	struct result_load loads[RESULT_LOADS];
	size_t n_loads;
	struct result_cell cells[RESULT_ROWS][RESULT_LOADS];
	struct result_fact facts[RESULT_FACTS];
	size_t n_facts;
};

/* A median and what is around it; not finite without samples. */
struct result_figure {
	double median;
	double low;
	double high;
};

extern const char *const result_measure_names[RESULT_MEASURES];

/**
 * result_figure - put the samples of a cell together
 * @cell: the cell
 * @measure: of which
 */
struct result_figure result_figure(const struct result_cell *cell,
				   enum result_measure measure);

/**
 * result_percent - of what a guest does that has the GPU to itself
 * @results: all
 * @row: of the set-up
 * @load: of the load
 *
 * Return: percent; not finite when one of both is missing.
 */
double result_percent(const struct results *results, size_t row, size_t load);

/* result_row_find - the row of a kind with so many guests, or -1 */
int result_row_find(const struct results *results, enum row_kind kind,
		    unsigned int guests);

__attribute__((format(printf, 3, 4))) void
result_fact_add(struct results *results, const char *name, const char *format,
		...);

#endif
