// SPDX-License-Identifier: MIT
#include "tools/tranche/report/page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "tools/tranche/report/chart.h"
#include "tools/tranche/report/html.h"
#include "tools/tranche/report/share.h"
#include "tools/tranche/report/timeline.h"

#define NS_PER_S 1e9
#define NS_PER_MS 1e6
#define DETAIL_NS 200000000

static double since(const struct record *record, uint64_t ns)
{
	return ((double)ns - (double)record->samples[0].now_ns) / NS_PER_S;
}

static void write_claims(FILE *file, const struct record *record)
{
	static const char *const titles[] = {"", "What was claimed and found",
					     NULL};

	html_verdict(file, record_holds(record),
		     record_holds(record) ? "All that was claimed holds."
					  : "Something does not hold.");
	html_table_begin(file, titles);
	for (size_t i = 0; i < record->n_claims; i++) {
		bool holds = record->claims[i].holds;

		html_row_begin(file);
		html_cell(file, holds ? "good" : "bad", "%s",
			  holds ? "✔" : "✘");
		html_cell(file, "", "%s", record->claims[i].text);
		html_row_end(file);
	}
	html_table_end(file);
}

static void write_phase_cells(FILE *file, const struct record_phase *phase,
			      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool near = fabs(phase->measured[i] - phase->wanted[i]) <=
			    SHARE_TOLERANCE;

		html_cell(file, near || !phase->checked ? "n" : "n bad",
			  "%.1f (%.1f)", phase->measured[i], phase->wanted[i]);
	}
}

static void write_phases(FILE *file, const struct record *record)
{
	const char *titles[RECORD_GUESTS + 3] = {"Phase", "Settled"};

	for (size_t i = 0; i < record->n_guests; i++)
		titles[i + 2] = record->guests[i].name;
	html_heading(file, "Share of GPU time in percent, and in brackets what "
			   "was wanted");
	html_table_begin(file, titles);
	for (size_t i = 0; i < record->n_phases; i++) {
		const struct record_phase *phase = &record->phases[i];

		if (!phase->checked)
			continue;
		html_row_begin(file);
		html_cell(file, "", "%s", phase->title);
		html_cell(file, "n", "%.1f s",
			  since(record, phase->end_ns) -
				  since(record, phase->settled_ns));
		write_phase_cells(file, phase, record->n_guests);
		html_row_end(file);
	}
	html_table_end(file);
}

static double phase_wanted(const struct record *record, uint64_t now_ns,
			   size_t guest)
{
	for (size_t i = 0; i < record->n_phases; i++) {
		const struct record_phase *phase = &record->phases[i];

		if (phase->checked && now_ns >= phase->begin_ns &&
		    now_ns <= phase->end_ns)
			return phase->wanted[guest];
	}
	return NAN;
}

/* The lines of a guest: what it had each second, and what it ought to have. */
static void fill_lines(const struct record *record, size_t guest, double *had,
		       double *wanted)
{
	const struct record_sample *s = record->samples;

	for (size_t i = 0; i < record->n_samples; i++) {
		had[i] = i ? share_between(&s[i - 1], &s[i], record->n_guests,
					   guest, true)
			   : NAN;
		wanted[i] = phase_wanted(record, s[i].now_ns, guest);
	}
}

static size_t fill_marks(const struct record *record, struct chart_mark *marks,
			 char letters[][4])
{
	for (size_t i = 0; i < record->n_phases; i++) {
		snprintf(letters[i], sizeof(letters[i]), "%.3s",
			 record->phases[i].title);
		marks[i].x = since(record, record->phases[i].begin_ns);
		marks[i].label = letters[i];
	}
	return record->n_phases;
}

static void draw_shares(FILE *file, const struct record *record, double *lines)
{
	size_t n = record->n_samples, g = record->n_guests;
	struct chart_series series[2 * RECORD_GUESTS];
	struct chart_mark marks[32];
	char letters[32][4];
	struct chart chart = {
		.title = "Share of the GPU each second; dashed: wanted",
		.x_label = "seconds",
		.y_label = "percent of time",
		.x_to = since(record, record->samples[n - 1].now_ns),
		.y_to = 100,
		.series = series,
		.n_series = 2 * g,
		.marks = marks,
	};

	for (size_t i = 0; i < n; i++)
		lines[i] = since(record, record->samples[i].now_ns);
	for (size_t i = 0; i < g; i++) {
		double *had = lines + (1 + 2 * i) * n, *wanted = had + n;

		fill_lines(record, i, had, wanted);
		series[i] = (struct chart_series){
			record->guests[i].name, i, false, lines, had, n};
		series[g + i] =
			(struct chart_series){NULL, i, true, lines, wanted, n};
	}
	if (record->n_phases <= 32)
		chart.n_marks = fill_marks(record, marks, letters);
	chart_write(file, &chart);
}

static int write_shares(FILE *file, const struct record *record)
{
	double *lines = calloc(record->n_samples * (1 + 2 * record->n_guests),
			       sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	html_heading(file, "Shares over time");
	draw_shares(file, record, lines);
	free(lines);
	return 0;
}

static void write_timelines(FILE *file, const struct record *record)
{
	uint64_t from = record->samples[0].now_ns;
	uint64_t to = record->samples[record->n_samples - 1].now_ns;

	html_heading(file, "Who had the GPU when");
	timeline_write(file, record, from, to, "The whole run");
	for (size_t i = 0; i < record->n_phases; i++) {
		const struct record_phase *phase = &record->phases[i];

		if (phase->checked && phase->settled_ns + DETAIL_NS <= to)
			timeline_write(file, record, phase->settled_ns,
				       phase->settled_ns + DETAIL_NS,
				       phase->title);
	}
}

static void write_latencies(FILE *file, const struct record *record)
{
	static const char *const titles[] = {
		"Guest",   "Dispatch", "Submissions",	"p50",	 "p95", "p99",
		"Longest", "Result",   "Words checked", "Wrong", NULL};

	html_heading(file, "From submission to completion, over all phases");
	html_table_begin(file, titles);
	for (size_t i = 0; i < record->n_guests; i++) {
		const struct record_guest *guest = &record->guests[i];
		const struct record_work *work = &guest->work;

		html_row_begin(file);
		html_cell(file, "", "%s", guest->name);
		html_cell(file, "n", "%.1f ms", guest->dispatch_ms);
		html_cell(file, "n", "%" PRIu64, work->submissions);
		html_cell(file, "n", "%.1f ms",
			  (double)work->p50_ns / NS_PER_MS);
		html_cell(file, "n", "%.1f ms",
			  (double)work->p95_ns / NS_PER_MS);
		html_cell(file, "n", "%.1f ms",
			  (double)work->p99_ns / NS_PER_MS);
		html_cell(file, "n", "%.1f ms",
			  (double)work->max_ns / NS_PER_MS);
		html_cell(file, "", "%s", work->result);
		html_cell(file, "n", "%" PRIu64, work->verified);
		html_cell(file, work->wrong ? "n bad" : "n", "%" PRIu64,
			  work->wrong);
		html_row_end(file);
	}
	html_table_end(file);
}

static void write_facts(FILE *file, const struct record *record)
{
	static const char *const titles[] = {"", "", NULL};

	html_heading(file, "Where and how");
	html_table_begin(file, titles);
	for (size_t i = 0; i < record->n_facts; i++) {
		html_row_begin(file);
		html_cell(file, "", "%s", record->facts[i].name);
		html_cell(file, "", "%s", record->facts[i].value);
		html_row_end(file);
	}
	if (record->trace[0]) {
		html_row_begin(file);
		html_cell(file, "", "Trace of this run");
		html_cell(file, "", "%s (open it at ui.perfetto.dev)",
			  record->trace);
		html_row_end(file);
	}
	html_table_end(file);
}

int page_write(FILE *file, const struct record *record)
{
	int r = 0;

	html_begin(file, "One GPU, several guests, a share for each");
	write_claims(file, record);
	write_phases(file, record);
	if (record->n_samples > 1) {
		r = write_shares(file, record);
		write_timelines(file, record);
	}
	write_latencies(file, record);
	write_facts(file, record);
	html_end(file);
	if (r == 0 && (fflush(file) != 0 || ferror(file)))
		r = -EIO;
	return r;
}
