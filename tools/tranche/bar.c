// SPDX-License-Identifier: MIT
#include "tools/tranche/bar.h"

#include <string.h>

/* What one column shows: filled or not, with the mark or not. */
static const char *const ascii[2][2] = {{".", "|"}, {"#", "|"}};
static const char *const unicode_glyphs[2][2] = {{"░", "│"}, {"█", "┃"}};

static size_t column(double percent, size_t width)
{
	double at = percent * (double)width / 100 + 0.5;

	if (!(at > 0))
		return 0;
	return at > (double)width ? width : (size_t)at;
}

const char *bar_format(char text[static BAR_BYTES], size_t width, double share,
		       double wanted, bool unicode)
{
	const char *const(*glyphs)[2] = unicode ? unicode_glyphs : ascii;
	size_t filled, mark;
	char *end = text;

	if (width > BAR_MAX)
		width = BAR_MAX;
	filled = column(share, width);
	mark = column(wanted, width);
	for (size_t i = 0; i < width; i++)
		end = stpcpy(end, glyphs[i < filled][i + 1 == mark]);
	*end = '\0';
	return text;
}
