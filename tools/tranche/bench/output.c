// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-json.h>

#include "tools/tranche/bench/bench.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/report/chart.h"
#include "tools/tranche/report/html.h"
#include "tools/tranche/table.h"

static bool is_there(const struct results *results, size_t row, size_t load)
{
	return results->cells[row][load].count > 0;
}

static void print_cell(struct table *table, const struct results *results,
		       size_t row, size_t load)
{
	const struct result_cell *cell = &results->cells[row][load];
	struct result_figure rate = result_figure(cell, RESULT_RATE);
	double percent = result_percent(results, row, load);

	if (!cell->count)
		table_cell(table, cell->error[0] ? TABLE_BAD : TABLE_DIM, "%s",
			   cell->error[0] ? "failed" : "-");
	else if (isfinite(percent))
		table_cell(table, cell->wrong ? TABLE_BAD : TABLE_PLAIN,
			   "%.1f (%.0f %%)", rate.median, percent);
	else
		table_cell(table, cell->wrong ? TABLE_BAD : TABLE_PLAIN, "%.1f",
			   rate.median);
}

static void columns_fill(const struct results *results,
			 struct table_column *columns)
{
	columns[0] = (struct table_column){"SET-UP", false, false};
	for (size_t i = 0; i < results->n_loads; i++)
		columns[i + 1] = (struct table_column){results->loads[i].name,
						       true, false};
	columns[results->n_loads + 1] = (struct table_column){0};
}

static int print_rates(const struct results *results)
{
	struct table_column columns[RESULT_LOADS + 2];
	__attribute__((cleanup(table_freep))) struct table *table = NULL;

	columns_fill(results, columns);
	table = table_new(columns);
	if (!table)
		return message_memory();
	for (size_t row = 0; row < results->n_rows; row++) {
		table_cell(table, TABLE_PLAIN, "%s", results->rows[row].name);
		for (size_t load = 0; load < results->n_loads; load++)
			print_cell(table, results, row, load);
	}
	puts("\nJobs/s of all guests together, median; in brackets: of the "
	     "guest that has the GPU");
	return table_show(table) == 0 ? 0 : -EIO;
}

static void print_figures(struct table *table, const struct results *results,
			  size_t row, size_t load)
{
	static const enum result_measure shown[] = {
		RESULT_EVEN, RESULT_FIRST, RESULT_P50,
		RESULT_P99,  RESULT_CPU,   RESULT_EXITS,
	};

	table_cell(table, TABLE_PLAIN, "%s", results->rows[row].name);
	table_cell(table, TABLE_PLAIN, "%s", results->loads[load].name);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct result_figure figure =
			result_figure(&results->cells[row][load], shown[i]);

		if (isfinite(figure.median))
			table_cell(table, TABLE_PLAIN, "%.2f", figure.median);
		else
			table_cell(table, TABLE_DIM, "-");
	}
}

static int print_details(const struct results *results)
{
	static const struct table_column columns[] = {
		{"SET-UP", false, false},    {"LOAD", false, false},
		{"LEAST/MOST", true, false}, {"1ST HALF %", true, false},
		{"P50 MS", true, false},     {"P99 MS", true, false},
		{"CPU US/JOB", true, false}, {"EXITS/JOB", true, false},
		{NULL, false, false},
	};
	__attribute__((cleanup(table_freep))) struct table *table =
		table_new(columns);

	if (!table)
		return message_memory();
	for (size_t load = 0; load < results->n_loads; load++)
		for (size_t row = 0; row < results->n_rows; row++)
			if (is_there(results, row, load))
				print_figures(table, results, row, load);
	putchar('\n');
	return table_show(table) == 0 ? 0 : -EIO;
}

int output_print(const struct results *results)
{
	int r = print_rates(results);

	return r < 0 ? r : print_details(results);
}

static void csv_sample(const struct results *results, size_t row, size_t load,
		       size_t i, FILE *file)
{
	const struct result_sample *sample =
		&results->cells[row][load].samples[i];

	fprintf(file, "\"%s\",%u,\"%s\",%zu", results->rows[row].name,
		results->rows[row].guests, results->loads[load].name, i + 1);
	for (size_t m = 0; m < RESULT_MEASURES; m++) {
		fputc(',', file);
		if (isfinite(sample->values[m]))
			fprintf(file, "%.6g", sample->values[m]);
	}
	fputc('\n', file);
}

void output_csv(const struct results *results, FILE *file)
{
	fputs("set_up,guests,load,repeat", file);
	for (size_t m = 0; m < RESULT_MEASURES; m++)
		fprintf(file, ",%s", result_measure_names[m]);
	fputc('\n', file);
	for (size_t row = 0; row < results->n_rows; row++)
		for (size_t load = 0; load < results->n_loads; load++)
			for (size_t i = 0; i < results->cells[row][load].count;
			     i++)
				csv_sample(results, row, load, i, file);
}

static int figure_append(sd_json_variant **object, const char *name,
			 struct result_figure figure)
{
	_json_ sd_json_variant *value = NULL;
	int r;

	if (!isfinite(figure.median))
		return 0;
	r = sd_json_buildo(&value,
			   SD_JSON_BUILD_PAIR_REAL("median", figure.median),
			   SD_JSON_BUILD_PAIR_REAL("low", figure.low),
			   SD_JSON_BUILD_PAIR_REAL("high", figure.high));
	return r < 0 ? r : sd_json_variant_set_field(object, name, value);
}

static int cell_build(sd_json_variant **object, const struct results *results,
		      size_t row, size_t load)
{
	const struct result_cell *cell = &results->cells[row][load];
	double percent = result_percent(results, row, load);
	int r;

	r = sd_json_buildo(
		object,
		SD_JSON_BUILD_PAIR_STRING("set_up", results->rows[row].name),
		SD_JSON_BUILD_PAIR_UNSIGNED("guests",
					    results->rows[row].guests),
		SD_JSON_BUILD_PAIR_STRING("load", results->loads[load].name),
		SD_JSON_BUILD_PAIR_UNSIGNED("samples", cell->count),
		SD_JSON_BUILD_PAIR_UNSIGNED("wrong", cell->wrong),
		SD_JSON_BUILD_PAIR_CONDITION(cell->error[0], "error",
					     SD_JSON_BUILD_STRING(cell->error)),
		SD_JSON_BUILD_PAIR_CONDITION(isfinite(percent),
					     "percent_of_pass_through",
					     SD_JSON_BUILD_REAL(percent)));
	for (size_t m = 0; m < RESULT_MEASURES && r >= 0; m++)
		r = figure_append(object, result_measure_names[m],
				  result_figure(cell, m));
	return r;
}

static int cells_build(sd_json_variant **array, const struct results *results)
{
	int r = 0;

	for (size_t row = 0; row < results->n_rows; row++)
		for (size_t load = 0; load < results->n_loads; load++) {
			_json_ sd_json_variant *cell = NULL;

			if (!is_there(results, row, load) &&
			    !results->cells[row][load].error[0])
				continue;
			r = cell_build(&cell, results, row, load);
			if (r >= 0)
				r = sd_json_variant_append_array(array, cell);
			if (r < 0)
				return r;
		}
	return r;
}

static int facts_build(sd_json_variant **object, const struct results *results)
{
	int r = 0;

	for (size_t i = 0; i < results->n_facts && r >= 0; i++)
		r = sd_json_variant_set_field_string(object,
						     results->facts[i].name,
						     results->facts[i].value);
	return r;
}

int output_json(const struct results *results, FILE *file)
{
	_json_ sd_json_variant *cells = NULL, *facts = NULL, *root = NULL;
	int r = facts_build(&facts, results);

	if (r >= 0)
		r = cells_build(&cells, results);
	if (r >= 0)
		r = sd_json_buildo(&root,
				   SD_JSON_BUILD_PAIR_VARIANT("facts", facts),
				   SD_JSON_BUILD_PAIR_VARIANT("cells", cells));
	if (r >= 0)
		r = sd_json_variant_dump(
			root, SD_JSON_FORMAT_PRETTY | SD_JSON_FORMAT_NEWLINE,
			file, NULL);
	return r < 0 ? r : 0;
}

/* The loads that differ in length only, for plots by length. */
static size_t lengths_find(const struct results *results, size_t *loads)
{
	size_t n = 0;

	for (size_t i = 0; i < results->n_loads; i++)
		if (results->loads[i].against < 0 &&
		    strcmp(results->loads[i].kind, "fma") == 0)
			loads[n++] = i;
	return n;
}

/* Part of the GPU's time that went into jobs, of what the host knows. */
static double value_busy(const struct results *results, size_t row, size_t load)
{
	return result_figure(&results->cells[row][load], RESULT_RATE).median *
	       (double)results->loads[load].cost_ns / 1e7;
}

static void write_chart(FILE *file, const struct results *results,
			const char *title, const char *label,
			double (*value)(const struct results *results,
					size_t row, size_t load))
{
	struct chart_series series[RESULT_ROWS];
	double x[RESULT_LOADS], y[RESULT_ROWS][RESULT_LOADS], top = 1;
	size_t loads[RESULT_LOADS], n = lengths_find(results, loads);
	struct chart chart = {
		.title = title,
		.x_label = "length of a job alone on the host, ms",
		.y_label = label,
		.log_x = true,
		.series = series,
		.n_series = results->n_rows,
	};

	if (n < 2)
		return;
	for (size_t i = 0; i < n; i++)
		x[i] = results->loads[loads[i]].dispatch_ms;
	for (size_t row = 0; row < results->n_rows; row++) {
		for (size_t i = 0; i < n; i++) {
			y[row][i] = value(results, row, loads[i]);
			top = isfinite(y[row][i]) ? fmax(top, y[row][i]) : top;
		}
		series[row] = (struct chart_series){
			results->rows[row].name, row, row >= 8, x, y[row], n};
	}
	chart.x_from = x[0];
	chart.x_to = x[n - 1];
	chart.y_to = top * 1.05;
	chart_write(file, &chart);
}

static void write_figure(FILE *file, struct result_figure figure)
{
	if (isfinite(figure.median))
		html_cell(file, "n", "%.3g (%.3g–%.3g)", figure.median,
			  figure.low, figure.high);
	else
		html_cell(file, "n", "–");
}

static void write_cell(FILE *file, const struct results *results, size_t row,
		       size_t load)
{
	const struct result_cell *cell = &results->cells[row][load];
	double percent = result_percent(results, row, load);

	html_row_begin(file);
	html_cell(file, "", "%s", results->rows[row].name);
	html_cell(file, "", "%s", results->loads[load].name);
	html_cell(file, "n", "%zu", cell->count);
	if (isfinite(percent))
		html_cell(file, "n", "%.0f %%", percent);
	else
		html_cell(file, "n", "–");
	for (size_t m = 0; m < RESULT_MEASURES; m++)
		write_figure(file, result_figure(cell, m));
	html_cell(file, cell->wrong || cell->error[0] ? "bad" : "good", "%s",
		  cell->error[0] ? cell->error
		  : cell->wrong	 ? "wrong results"
				 : "right");
	html_row_end(file);
}

static void write_cells(FILE *file, const struct results *results)
{
	static const char *const titles[] = {
		"Set-up", "Load",	"Samples",	"Of pass-through",
		"Jobs/s", "Least/most", "First half %", "p50 ms",
		"p99 ms", "CPU µs/job", "VM exits/job", "Results",
		NULL,
	};

	html_heading(file, "All figures: median (lowest–highest)");
	html_table_begin(file, titles);
	for (size_t load = 0; load < results->n_loads; load++)
		for (size_t row = 0; row < results->n_rows; row++)
			if (is_there(results, row, load) ||
			    results->cells[row][load].error[0])
				write_cell(file, results, row, load);
	html_table_end(file);
}

static void write_facts(FILE *file, const struct results *results)
{
	static const char *const titles[] = {"", "", NULL};

	html_heading(file, "Where and how");
	html_table_begin(file, titles);
	for (size_t i = 0; i < results->n_facts; i++) {
		html_row_begin(file);
		html_cell(file, "", "%s", results->facts[i].name);
		html_cell(file, "", "%s", results->facts[i].value);
		html_row_end(file);
	}
	html_table_end(file);
}

void output_html(const struct results *results, FILE *file)
{
	html_begin(file, "Pass-through against vGPUs");
	write_chart(file, results,
		    "Throughput of all guests against the GPU passed through",
		    "percent", result_percent);
	write_chart(file, results,
		    "Jobs done, as GPU time that they take alone on the host",
		    "percent of time", value_busy);
	write_cells(file, results);
	write_facts(file, results);
	html_end(file);
}

static int write_html(const struct results *results, FILE *file)
{
	output_html(results, file);
	return 0;
}

static int write_csv(const struct results *results, FILE *file)
{
	output_csv(results, file);
	return 0;
}

static int write_one(const struct results *results, const char *folder,
		     const char *name,
		     int (*write)(const struct results *results, FILE *file))
{
	char path[4096];
	FILE *file;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	if (!file)
		return message_bad("cannot write '%s': %s: choose another "
				   "folder with --output",
				   path, strerror(errno));
	r = write(results, file);
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	if (r < 0)
		message_error("cannot write '%s': %s: is the disk full?", path,
			      strerror(-r));
	else
		printf("written: %s\n", path);
	return r;
}

int output_write(const struct results *results, const char *folder)
{
	int r = write_one(results, folder, "bench.json", output_json);

	if (r == 0)
		r = write_one(results, folder, "bench.csv", write_csv);
	if (r == 0)
		r = write_one(results, folder, "bench.html", write_html);
	return r;
}
