// SPDX-License-Identifier: MIT
#include "units/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* strtoull() takes blanks and a minus sign, which nobody means here. */
static int parse_whole(const char *text, int base, uint64_t *valuep,
		       const char **endp)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*valuep = strtoull(text, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	*endp = end;
	return 0;
}

int units_parse_count(const char *text, uint64_t min, uint64_t max,
		      uint64_t *valuep)
{
	int base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
	const char *end;
	uint64_t value;
	int r;

	r = parse_whole(text, base, &value, &end);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*valuep = value;
	return 0;
}

int units_parse_size(const char *text, uint64_t *bytesp)
{
	static const char prefixes[] = "KMGT";
	unsigned int shift = 0;
	const char *end, *prefix;
	uint64_t value;
	int r;

	r = parse_whole(text, 10, &value, &end);
	if (r < 0)
		return r;
	prefix = *end ? strchr(prefixes, toupper((unsigned char)*end)) : NULL;
	if (prefix) {
		shift = 10 * (unsigned int)(prefix - prefixes + 1);
		end++;
		if (strcmp(end, "iB") == 0)
			end += 2;
	}
	if (strcmp(end, "B") == 0)
		end++;
	if (*end)
		return -EINVAL;
	if (value > (UINT64_C(1) << 63) >> shift)
		return -ERANGE;
	*bytesp = value << shift;
	return 0;
}

/* Only plain decimals: strtod() would also take "inf", "nan" and hexadecimal. */
static int parse_decimal(const char *text, double *valuep, const char **endp)
{
	size_t length = strspn(text, "0123456789.");
	char *end;

	if (!length || !isdigit((unsigned char)text[0]))
		return -EINVAL;
	*valuep = strtod(text, &end);
	if (end != text + length)
		return -EINVAL;
	*endp = end;
	return 0;
}

static int scale_to_ns(double value, double ns_per_unit, uint64_t *nsp)
{
	double ns = value * ns_per_unit + 0.5;

	if (ns > (double)UNITS_DURATION_MAX)
		return -ERANGE;
	*nsp = (uint64_t)ns;
	return 0;
}

int units_parse_ms(const char *text, uint64_t *nsp)
{
	const char *end;
	double value;
	int r;

	r = parse_decimal(text, &value, &end);
	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	return scale_to_ns(value, (double)NS_PER_MS, nsp);
}

int units_parse_duration(const char *text, uint64_t *nsp)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {
		{"", 1e9},   {"ms", 1e6},   {"s", 1e9},
		{"m", 60e9}, {"h", 3600e9}, {"d", 86400e9},
	};
	const char *end;
	double value;
	int r;

	r = parse_decimal(text, &value, &end);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0)
			return scale_to_ns(value, units[i].ns, nsp);
	return -EINVAL;
}

const char *units_format_size(char text[static UNITS_TEXT], uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(text, UNITS_TEXT, "%u B", (unsigned int)bytes);
		return text;
	}
	for (; value >= 1024 && i + 1 < sizeof(names) / sizeof(names[0]); i++)
		value /= 1024;
	snprintf(text, UNITS_TEXT, "%.*f %s", value == floor(value) ? 0 : 1,
		 value, names[i]);
	return text;
}

const char *units_format_ns(char text[static UNITS_TEXT], uint64_t ns)
{
	if (ns < NS_PER_US)
		snprintf(text, UNITS_TEXT, "%u ns", (unsigned int)ns);
	else if (ns < NS_PER_MS)
		snprintf(text, UNITS_TEXT, "%.1f us", (double)ns / 1e3);
	else if (ns < NS_PER_S)
		snprintf(text, UNITS_TEXT, "%.2f ms", (double)ns / 1e6);
	else
		snprintf(text, UNITS_TEXT, "%.2f s", (double)ns / 1e9);
	return text;
}

const char *units_format_rate(char text[static UNITS_TEXT], double per_second)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T"};
	size_t i = 0;

	for (;
	     per_second >= 1000 && i + 1 < sizeof(prefixes) / sizeof(*prefixes);
	     i++)
		per_second /= 1000;
	snprintf(text, UNITS_TEXT, "%.3g %s", per_second, prefixes[i]);
	return text;
}

uint64_t units_multiply(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}
