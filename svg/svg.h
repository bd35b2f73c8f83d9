/* SPDX-License-Identifier: MIT */
/*
 * What the pictures of the project have in common: text made safe, colours,
 * bars, lanes of spans, and the steps of axes. Lengths are in pixels.
 *
 * States: a lane collects spans until svg_lane_end(); all else has none.
 * Ownership: the stream is the caller's, who checks it for errors. Locking:
 * none.
 */
#ifndef TRANCHE_SVG_H
#define TRANCHE_SVG_H

#include <stddef.h>
#include <stdio.h>

/* svg_write_text - text as contents of an element or of an attribute */
void svg_write_text(FILE *file, const char *text);

/* svg_colour - of the @index-th thing, distinct for all colour vision */
const char *svg_colour(size_t index);

/* svg_axis_step - a round step that puts five to ten ticks on @length */
double svg_axis_step(double length);

/**
 * struct svg_lane - a row of bars along time
 * @file: where to
 * @y: its top
 * @height: its height
 * @colour: of its bars
 * @opacity: of its bars, 0 to 1
 * @from: of the bar that is being collected, as the next two
 * @to: its end
 * @filled: how much of it is filled
 *
 * Spans that the eye could not tell apart become one bar, as high as the part
 * of the time that they fill. The last three begin as zeroes.
 */
struct svg_lane {
	FILE *file;
	double y;
	double height;
	const char *colour;
	double opacity;
	double from;
	double to;
	double filled;
};

/**
 * svg_bar - draw one bar at once
 * @lane: where; what it collects stays
 * @from: left
 * @to: right; at least a pixel is drawn
 * @part: of the lane's height, 0 to 1
 */
void svg_bar(const struct svg_lane *lane, double from, double to, double part);

/* svg_lane_span - add a span, not before the one added last */
void svg_lane_span(struct svg_lane *lane, double from, double to);

/* svg_lane_end - draw what is left */
void svg_lane_end(struct svg_lane *lane);

#endif
