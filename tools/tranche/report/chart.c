// SPDX-License-Identifier: MIT
#include "tools/tranche/report/chart.h"

#include <math.h>

#include "svg/svg.h"

enum {
	WIDTH = 1000,
	LEFT = 56,
	RIGHT = 20,
	TOP = 50,
	PLOT_HEIGHT = 240,
	BOTTOM = 62,
	HEIGHT = TOP + PLOT_HEIGHT + BOTTOM,
	LEGEND_STEP = 150,
};

static double place(const struct chart *chart, double x)
{
	double part = (x - chart->x_from) / (chart->x_to - chart->x_from);

	if (chart->log_x)
		part = log(x / chart->x_from) /
		       log(chart->x_to / chart->x_from);
	return LEFT + (WIDTH - LEFT - RIGHT) * fmin(fmax(part, 0), 1);
}

static double level(const struct chart *chart, double y)
{
	return TOP + PLOT_HEIGHT * (1 - fmin(fmax(y / chart->y_to, 0), 1));
}

static void write_y_axis(FILE *file, const struct chart *chart)
{
	double step = svg_axis_step(chart->y_to);

	for (double y = 0; y <= chart->y_to * 1.001; y += step)
		fprintf(file,
			"<path d=\"M%d %.1fH%d\" class=\"grid\"/>"
			"<text class=\"end\" x=\"%d\" y=\"%.1f\">%.10g</text>\n",
			LEFT, level(chart, y), WIDTH - RIGHT, LEFT - 6,
			level(chart, y) + 4, y);
}

static void write_x_tick(FILE *file, const struct chart *chart, double x)
{
	fprintf(file, "<text class=\"mid\" x=\"%.1f\" y=\"%d\">%.10g</text>\n",
		place(chart, x), TOP + PLOT_HEIGHT + 16, x);
}

static void write_x_axis(FILE *file, const struct chart *chart)
{
	double step = svg_axis_step(chart->x_to - chart->x_from);

	if (chart->log_x && chart->n_series)
		for (size_t i = 0; i < chart->series[0].n; i++)
			write_x_tick(file, chart, chart->series[0].x[i]);
	else
		for (double x = ceil(chart->x_from / step) * step;
		     x <= chart->x_to; x += step)
			write_x_tick(file, chart, x);
	fprintf(file, "<text class=\"mid\" x=\"%d\" y=\"%d\">", WIDTH / 2,
		TOP + PLOT_HEIGHT + 33);
	svg_write_text(file, chart->x_label);
	fputs("</text>\n", file);
}

static void write_marks(FILE *file, const struct chart *chart)
{
	for (size_t i = 0; i < chart->n_marks; i++) {
		double x = place(chart, chart->marks[i].x);

		fprintf(file,
			"<path d=\"M%.1f %dV%d\" class=\"mark\"/>"
			"<text x=\"%.1f\" y=\"%d\">",
			x, TOP - 8, TOP + PLOT_HEIGHT, x + 3, TOP - 8);
		svg_write_text(file, chart->marks[i].label);
		fputs("</text>\n", file);
	}
}

static void write_line(FILE *file, const struct chart *chart,
		       const struct chart_series *series)
{
	bool on = false;

	fputs("<path d=\"", file);
	for (size_t i = 0; i < series->n; i++) {
		bool finite = isfinite(series->y[i]);

		if (finite)
			fprintf(file, "%c%.1f %.1f", on ? 'L' : 'M',
				place(chart, series->x[i]),
				level(chart, series->y[i]));
		on = finite;
	}
	/* A path without a point is none. */
	fprintf(file,
		"M0 0\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s/>\n",
		svg_colour(series->colour), series->dashed ? "1.2" : "2",
		series->dashed ? " stroke-dasharray=\"5 4\"" : "");
}

static void write_legend(FILE *file, const struct chart *chart)
{
	int x = LEFT, y = TOP + PLOT_HEIGHT + 48;

	for (size_t i = 0; i < chart->n_series; i++) {
		const struct chart_series *series = &chart->series[i];

		if (!series->label)
			continue;
		fprintf(file,
			"<path d=\"M%d %dh22\" stroke=\"%s\" "
			"stroke-width=\"3\"%s/><text x=\"%d\" y=\"%d\">",
			x, y, svg_colour(series->colour),
			series->dashed ? " stroke-dasharray=\"5 4\"" : "",
			x + 27, y + 4);
		svg_write_text(file, series->label);
		fputs("</text>\n", file);
		x += LEGEND_STEP;
	}
}

void chart_write(FILE *file, const struct chart *chart)
{
	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d "
		"%d\" role=\"img\">\n<text class=\"head\" x=\"%d\" y=\"18\">",
		WIDTH, HEIGHT, LEFT);
	svg_write_text(file, chart->title);
	fprintf(file, "</text>\n<text class=\"end\" x=\"%d\" y=\"18\">",
		WIDTH - RIGHT);
	svg_write_text(file, chart->y_label);
	fputs("</text>\n", file);
	write_y_axis(file, chart);
	write_x_axis(file, chart);
	write_marks(file, chart);
	for (size_t i = 0; i < chart->n_series; i++)
		write_line(file, chart, &chart->series[i]);
	write_legend(file, chart);
	fputs("</svg>\n", file);
}
