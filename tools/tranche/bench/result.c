// SPDX-License-Identifier: MIT
#include "tools/tranche/bench/result.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *const result_measure_names[RESULT_MEASURES] = {
	[RESULT_RATE] = "jobs_per_s",
	[RESULT_EVEN] = "least_to_most",
	[RESULT_FIRST] = "first_half_percent",
	[RESULT_P50] = "p50_ms",
	[RESULT_P99] = "p99_ms",
	[RESULT_CPU] = "host_cpu_us_per_job",
	[RESULT_EXITS] = "vm_exits_per_job",
};

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

struct result_figure result_figure(const struct result_cell *cell,
				   enum result_measure measure)
{
	double values[RESULT_REPEATS];
	size_t n = 0;

	for (size_t i = 0; i < cell->count; i++)
		if (isfinite(cell->samples[i].values[measure]))
			values[n++] = cell->samples[i].values[measure];
	if (!n)
		return (struct result_figure){NAN, NAN, NAN};
	qsort(values, n, sizeof(values[0]), compare);
	return (struct result_figure){
		.median = (values[(n - 1) / 2] + values[n / 2]) / 2,
		.low = values[0],
		.high = values[n - 1],
	};
}

int result_row_find(const struct results *results, enum row_kind kind,
		    unsigned int guests)
{
	for (size_t i = 0; i < results->n_rows; i++)
		if (results->rows[i].kind == kind &&
		    results->rows[i].guests == guests)
			return (int)i;
	return -1;
}

double result_percent(const struct results *results, size_t row, size_t load)
{
	int passed = result_row_find(results, ROW_PASSED, 1);

	if (passed < 0)
		return NAN;
	return 100 *
	       result_figure(&results->cells[row][load], RESULT_RATE).median /
	       result_figure(&results->cells[passed][load], RESULT_RATE).median;
}

void result_fact_add(struct results *results, const char *name,
		     const char *format, ...)
{
	struct result_fact *fact = &results->facts[results->n_facts];
	va_list args;

	if (results->n_facts == RESULT_FACTS)
		return;
	results->n_facts++;
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	va_start(args, format);
	vsnprintf(fact->value, sizeof(fact->value), format, args);
	va_end(args);
}
