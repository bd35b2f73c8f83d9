// SPDX-License-Identifier: MIT
#include "tools/tranche/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "units/units.h"

_Static_assert(TEXT_SIZE >= UNITS_TEXT, "texts of units fit");

static bool steers(unsigned char byte, unsigned char next)
{
	return byte < 0x20 || byte == 0x7f ||
	       /* The same again above ASCII, as UTF-8. */
	       (byte == 0xc2 && next >= 0x80 && next < 0xa0);
}

void text_clean(char *text)
{
	for (; *text; text++) {
		if (!steers((unsigned char)text[0], (unsigned char)text[1]))
			continue;
		if ((unsigned char)*text == 0xc2)
			*text++ = '?';
		*text = '?';
	}
}

/* One character: its bytes, at least 1, and its columns. */
static size_t character_read(const char *text, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t bytes;
	int width;

	*columns = 1;
	bytes = mbrtowc(&wide, text, strlen(text), &state);
	if (bytes == 0 || bytes > (size_t)-3)
		return 1;
	width = wcwidth(wide);
	if (width >= 0)
		*columns = (size_t)width;
	return bytes;
}

size_t text_width(const char *text)
{
	size_t width = 0, columns;

	while (*text) {
		text += character_read(text, &columns);
		width += columns;
	}
	return width;
}

size_t text_fit(const char *text, size_t width)
{
	const char *at = text;
	size_t columns, bytes;

	while (*at) {
		bytes = character_read(at, &columns);
		if (columns > width)
			break;
		width -= columns;
		at += bytes;
	}
	return (size_t)(at - text);
}

const char *text_percent(char text[static TEXT_SIZE], double percent)
{
	bool whole = percent == (double)(int)percent;

	snprintf(text, TEXT_SIZE, "%.*f %%", whole ? 0 : 1, percent);
	return text;
}

const char *text_size(char text[static TEXT_SIZE], uint64_t bytes)
{
	return units_format_size(text, bytes);
}

const char *text_us(char text[static TEXT_SIZE], uint64_t us)
{
	return units_format_ns(text, units_multiply(us, NS_PER_US));
}

/* Steps through the units while the value is a large one. */
static const char *short_format(char text[static TEXT_SIZE], double value,
				double step, const char *const *units)
{
	/* What would be rounded up to a step is of the next unit. */
	while (units[1] && value >= step - 0.5) {
		value /= step;
		units++;
	}
	snprintf(text, TEXT_SIZE, "%.*f%s", value < 9.95 && value > 0 ? 1 : 0,
		 value, *units);
	return text;
}

const char *text_size_short(char text[static TEXT_SIZE], uint64_t bytes)
{
	static const char *const units[] = {"K", "M", "G", "T", "P", "E", NULL};

	return short_format(text, (double)bytes / 1024, 1024, units);
}

const char *text_us_short(char text[static TEXT_SIZE], uint64_t us)
{
	static const char *const units[] = {"us", "ms", "s", NULL};

	return short_format(text, (double)us, 1000, units);
}
