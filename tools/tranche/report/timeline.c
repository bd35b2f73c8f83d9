// SPDX-License-Identifier: MIT
#include "tools/tranche/report/timeline.h"

#include <math.h>

#include "svg/svg.h"

enum {
	WIDTH = 1000,
	LEFT = 130,
	RIGHT = 20,
	TOP = 28,
	LANE_HEIGHT = 24,
	BAR_HEIGHT = 18,
	BOTTOM = 36,
};

struct view {
	FILE *file;
	const struct record *record;
	double from;
	double length;
	int height;
};

static double place(const struct view *view, double ns)
{
	double part = (ns - view->from) / view->length;

	return LEFT + (WIDTH - LEFT - RIGHT) * fmin(fmax(part, 0), 1);
}

static void write_lane(const struct view *view, size_t guest)
{
	const struct record *record = view->record;
	struct svg_lane lane = {
		.file = view->file,
		.y = TOP + (double)guest * LANE_HEIGHT,
		.height = BAR_HEIGHT,
		.colour = svg_colour(guest),
		.opacity = 0.9,
	};

	fprintf(view->file, "<text x=\"4\" y=\"%.1f\">", lane.y + 13);
	svg_write_text(view->file, record->guests[guest].name);
	fprintf(view->file,
		"</text>\n<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" "
		"fill=\"#f3f3f3\"/>\n",
		LEFT, lane.y, WIDTH - LEFT - RIGHT, BAR_HEIGHT);
	for (size_t i = 0; i < record->n_slices; i++) {
		const struct record_slice *slice = &record->slices[i];
		double begin = (double)slice->begin_ns;

		if (slice->guest == guest)
			svg_lane_span(&lane, place(view, begin),
				      place(view, begin + slice->length_ns));
	}
	svg_lane_end(&lane);
}

/* The axis counts from the beginning of the run. */
static void write_axis(const struct view *view)
{
	double zero = (double)view->record->samples[0].now_ns;
	double from = (view->from - zero) / 1e9;
	double to = from + view->length / 1e9;
	double step = svg_axis_step(to - from);

	for (double t = ceil(from / step) * step; t <= to; t += step)
		fprintf(view->file,
			"<text class=\"mid\" x=\"%.1f\" y=\"%d\">%.10g</text>\n",
			place(view, zero + t * 1e9), view->height - 20, t);
	fprintf(view->file,
		"<text class=\"mid\" x=\"%d\" y=\"%d\">seconds</text>\n",
		WIDTH / 2, view->height - 4);
}

void timeline_write(FILE *file, const struct record *record, uint64_t from_ns,
		    uint64_t to_ns, const char *title)
{
	const struct view view = {
		.file = file,
		.record = record,
		.from = (double)from_ns,
		.length = (double)(to_ns - from_ns),
		.height = TOP + (int)record->n_guests * LANE_HEIGHT + BOTTOM,
	};

	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d "
		"%d\" role=\"img\">\n<text class=\"head\" x=\"4\" y=\"17\">",
		WIDTH, view.height);
	svg_write_text(file, title);
	fputs("</text>\n", file);
	for (size_t i = 0; i < record->n_guests; i++)
		write_lane(&view, i);
	write_axis(&view);
	fputs("</svg>\n", file);
}
