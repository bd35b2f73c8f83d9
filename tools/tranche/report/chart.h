/* SPDX-License-Identifier: MIT */
/*
 * A chart of lines as inline SVG. Stateless; the stream is the caller's, who
 * checks it for errors.
 */
#ifndef TRANCHE_REPORT_CHART_H
#define TRANCHE_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct chart_series - one line
 * @label: in the legend; NULL: not there
 * @colour: number of its colour
 * @dashed: drawn so
 * @x: places, growing
 * @y: values; what is not finite makes a gap
 * @n: how many
 */
struct chart_series {
	const char *label;
	size_t colour;
	bool dashed;
	const double *x;
	const double *y;
	size_t n;
};

/* A place of note: a thin line with a word at its top. */
struct chart_mark {
	double x;
	const char *label;
};

/**
 * struct chart - what to draw
 * @title: above it
 * @x_label: below it
 * @y_label: beside its title
 * @x_from: left end; positive with @log_x
 * @x_to: right end
 * @y_to: top; the bottom is 0
 * @log_x: tenfold is as far everywhere, with ticks at the first series' places
 * @series: the lines
 * @n_series: how many
 * @marks: places of note
 * @n_marks: how many
 */
struct chart {
	const char *title;
	const char *x_label;
	const char *y_label;
	double x_from;
	double x_to;
	double y_to;
	bool log_x;
	const struct chart_series *series;
	size_t n_series;
	const struct chart_mark *marks;
	size_t n_marks;
};

/* chart_write - draw it */
void chart_write(FILE *file, const struct chart *chart);

#endif
