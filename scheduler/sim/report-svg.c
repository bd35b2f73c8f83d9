// SPDX-License-Identifier: MIT
/*
 * The report as a picture: a panel for each policy, in it a lane for each
 * vGPU, beside the lane its figures. Lengths are in pixels.
 */
#include "scheduler/sim/report.h"

#include <math.h>

#include "svg/svg.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
	WIDTH = 1252,
	LANE_LEFT = 150,
	LANE_WIDTH = 640,
	LANE_HEIGHT = 26,
	BAR_HEIGHT = 18,
	FIGURES_LEFT = LANE_LEFT + LANE_WIDTH + 16,
	HEAD_HEIGHT = 92,
	PANEL_HEAD = 30,
	AXIS_HEIGHT = 40,
};

/* Columns of the figures: right edges, relative to FIGURES_LEFT. */
static const struct {
	const char *head;
	int right;
} columns[] = {
	{"hold", 58},	   {"wanted", 118},  {"wait p50", 194},
	{"wait p99", 272}, {"max lag", 362}, {"slowdown", 434},
};

struct view {
	const struct sim_report *report;
	FILE *file;
	double from_ns;
	double for_ns;
};

static double view_x(const struct view *view, uint64_t time_ns)
{
	double x = ((double)time_ns - view->from_ns) / view->for_ns;

	return LANE_LEFT + LANE_WIDTH * fmin(fmax(x, 0), 1);
}

static struct svg_lane lane_at(const struct view *view, uint32_t vgpu, int y,
			       double opacity)
{
	return (struct svg_lane){
		.file = view->file,
		.y = y,
		.height = BAR_HEIGHT,
		.colour = svg_colour(vgpu),
		.opacity = opacity,
	};
}

static void write_spans(const struct view *view, const struct sim_spans *spans,
			uint32_t vgpu, int y, double opacity)
{
	struct svg_lane lane = lane_at(view, vgpu, y, opacity);
	size_t i;

	for (i = 0; i < spans->n; i++)
		if (spans->items[i].vgpu == vgpu)
			svg_lane_span(&lane,
				      view_x(view, spans->items[i].start_ns),
				      view_x(view, spans->items[i].end_ns));
	svg_lane_end(&lane);
}

static void write_figure(const struct view *view, size_t column, int y,
			 const char *unit, int digits, double value)
{
	fprintf(view->file,
		"<text class=\"f\" x=\"%d\" y=\"%d\">%.*f%s</text>\n",
		FIGURES_LEFT + columns[column].right, y, digits, value, unit);
}

static void write_lane(const struct view *view, size_t policy, uint32_t vgpu,
		       int y)
{
	const struct sim_account *a = &view->report->accounts[policy];
	struct sim_figures f = sim_report_figures(view->report, policy, vgpu);
	int text_y = y + BAR_HEIGHT - 4;

	fprintf(view->file, "<text x=\"12\" y=\"%d\" fill=\"%s\">", text_y,
		svg_colour(vgpu));
	svg_write_text(view->file, view->report->scenario->vgpus[vgpu].name);
	fprintf(view->file,
		"</text>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"fill=\"#f3f3f3\"/>\n",
		LANE_LEFT, y, LANE_WIDTH, BAR_HEIGHT);
	write_spans(view, &a->holds, vgpu, y, 0.25);
	write_spans(view, &a->jobs, vgpu, y, 0.95);
	write_figure(view, 0, text_y, " %", 1, f.hold_percent);
	write_figure(view, 1, text_y, " %", 1, f.wanted_percent);
	write_figure(view, 2, text_y, " ms", 2, f.wait_p50_ms);
	write_figure(view, 3, text_y, " ms", 2, f.wait_p99_ms);
	write_figure(view, 4, text_y, " ms", 1, f.lag_ms);
	write_figure(view, 5, text_y, "×", 2, f.slowdown);
}

static void write_axis(const struct view *view, int top, int bottom)
{
	double ms = (double)SIM_NSEC_PER_MSEC;
	double step = svg_axis_step(view->for_ns / ms);
	double t = ceil(view->from_ns / ms / step) * step, x;

	for (; t * ms <= view->from_ns + view->for_ns; t += step) {
		x = view_x(view, (uint64_t)llround(t * ms));
		fprintf(view->file,
			"<path d=\"M%.1f %dV%d\" stroke=\"#999\" "
			"stroke-opacity=\"0.5\"/>\n"
			"<text class=\"t\" x=\"%.1f\" y=\"%d\">%.10g</text>\n",
			x, top, bottom + 4, x, bottom + 17, t);
	}
	fprintf(view->file,
		"<text class=\"t\" x=\"%d\" y=\"%d\">time in ms</text>\n",
		LANE_LEFT / 2, bottom + 17);
}

static void write_panel_head(const struct view *view, size_t policy, int y)
{
	const struct sim_policy_ops *ops = view->report->policies[policy];
	const struct sim_account *a = &view->report->accounts[policy];
	size_t i;

	fprintf(view->file,
		"<text x=\"12\" y=\"%d\"><tspan class=\"b\">%s</tspan> "
		"(%s): GPU idle %.1f %%, with work waiting %.1f %%</text>\n",
		y + 16, ops->name, ops->about,
		sim_report_percent(view->report, a->idle_ns),
		sim_report_percent(view->report, a->idle_wanted_ns));
	for (i = 0; i < ARRAY_SIZE(columns); i++)
		fprintf(view->file,
			"<text class=\"f\" x=\"%d\" y=\"%d\">%s</text>\n",
			FIGURES_LEFT + columns[i].right, y + 16,
			columns[i].head);
}

static int write_panel(const struct view *view, size_t policy, int y)
{
	uint32_t i, n = (uint32_t)view->report->scenario->n_vgpus;
	int top = y + PANEL_HEAD, bottom = top + (int)n * LANE_HEIGHT;

	write_panel_head(view, policy, y);
	for (i = 0; i < n; i++)
		write_lane(view, policy, i, top + (int)i * LANE_HEIGHT);
	write_axis(view, top - 4, bottom - (LANE_HEIGHT - BAR_HEIGHT));
	return bottom + AXIS_HEIGHT;
}

static void write_legend(const struct view *view)
{
	const struct sim_scenario *s = view->report->scenario;
	struct svg_lane job = lane_at(view, 0, 44, 0.95);
	struct svg_lane hold = lane_at(view, 0, 44, 0.25);
	struct svg_lane rest = lane_at(view, 0, 44, 1);

	rest.colour = "#f3f3f3";
	svg_bar(&job, 12, 40, 1);
	fputs("<text x=\"46\" y=\"58\">job runs</text>\n", view->file);
	svg_bar(&job, 120, 148, 0.5);
	fputs("<text x=\"154\" y=\"58\">many short jobs: height is the part "
	      "of time</text>\n",
	      view->file);
	svg_bar(&hold, 490, 518, 1);
	fputs("<text x=\"524\" y=\"58\">has the GPU, runs nothing</text>\n",
	      view->file);
	svg_bar(&rest, 720, 748, 1);
	fprintf(view->file,
		"<text x=\"754\" y=\"58\">waits or wants nothing</text>\n"
		"<text x=\"12\" y=\"80\" fill=\"#555\">Figures: %.3g s of "
		"virtual time, seed %llu. Waits: from the moment a job is "
		"next in its own queue to its start. Max lag: behind the "
		"share of an ideal GPU.</text>\n",
		(double)(s->duration_ns - s->warmup_ns) /
			(double)SIM_NSEC_PER_SEC,
		(unsigned long long)s->seed);
}

static void write_head(const struct view *view, int height)
{
	fprintf(view->file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<style>rect{shape-rendering:crispEdges}text{font:13px sans-serif}.h{font-size:17px;"
		"font-weight:bold}.b{font-weight:bold}.t{text-anchor:middle;"
		"font-size:11px}.f{text-anchor:end;font-size:12px}</style>\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"white\"/>\n"
		"<text class=\"h\" x=\"12\" y=\"28\">",
		WIDTH, height, WIDTH, height, WIDTH, height);
	svg_write_text(view->file, view->report->scenario->title);
	fputs("</text>\n", view->file);
	write_legend(view);
}

void sim_report_write_svg(const struct sim_report *report, FILE *file)
{
	const struct sim_scenario *s = report->scenario;
	struct view view = {
		.report = report,
		.file = file,
		.from_ns = (double)s->plot_from_ns,
		.for_ns = (double)s->plot_for_ns,
	};
	int panel = PANEL_HEAD + (int)s->n_vgpus * LANE_HEIGHT + AXIS_HEIGHT;
	int y = HEAD_HEIGHT;
	size_t i;

	write_head(&view, y + panel * (int)report->n_policies);
	for (i = 0; i < report->n_policies; i++)
		y = write_panel(&view, i, y);
	fputs("</svg>\n", file);
}
