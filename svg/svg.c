// SPDX-License-Identifier: MIT
#include "svg/svg.h"

#include <math.h>

void svg_write_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			/* XML allows no control characters. */
			fputc((unsigned char)*text < ' ' ? ' ' : *text, file);
		}
	}
}

const char *svg_colour(size_t index)
{
	/* Okabe and Ito, 2008. */
	static const char *const colours[] = {
		"#0072b2", "#d55e00", "#009e73", "#cc79a7",
		"#b58900", "#56b4e9", "#e69f00", "#555555",
	};

	return colours[index % (sizeof(colours) / sizeof(colours[0]))];
}

double svg_axis_step(double length)
{
	double step = pow(10, floor(log10(length / 5)));

	if (length / step > 25)
		return 5 * step;
	return length / step > 10 ? 2 * step : step;
}

void svg_bar(const struct svg_lane *lane, double from, double to, double part)
{
	double height = lane->height * fmin(part, 1);

	fprintf(lane->file,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"fill=\"%s\" fill-opacity=\"%.2g\"/>\n",
		from, lane->y + lane->height - height, fmax(to - from, 1),
		height, lane->colour, lane->opacity);
}

void svg_lane_span(struct svg_lane *lane, double from, double to)
{
	if (to <= from)
		return;
	if (from - lane->to > 1 || from - lane->from > 4 || to - from > 2)
		svg_lane_end(lane);
	if (lane->filled == 0)
		lane->from = from;
	lane->filled += to - from;
	lane->to = to;
}

void svg_lane_end(struct svg_lane *lane)
{
	if (lane->filled > 0)
		svg_bar(lane, lane->from, lane->to,
			lane->filled / (lane->to - lane->from));
	lane->filled = 0;
}
