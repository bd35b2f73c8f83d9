// SPDX-License-Identifier: MIT
#include "tools/tranche/metrics/exposition.h"

#include <inttypes.h>

#include "units/units.h"

void exposition_family(FILE *file, const char *name, enum exposition_type type,
		       const char *help)
{
	static const char *const types[] = {
		[EXPOSITION_COUNTER] = "counter",
		[EXPOSITION_GAUGE] = "gauge",
		[EXPOSITION_HISTOGRAM] = "histogram",
	};

	fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		types[type]);
}

static void value_write(FILE *file, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", file);
			continue;
		}
		if (*value == '"' || *value == '\\')
			fputc('\\', file);
		fputc(*value, file);
	}
}

static void labels_write(FILE *file, const struct exposition_label *labels)
{
	for (size_t i = 0; labels[i].name; i++) {
		fprintf(file, "%c%s=\"", i ? ',' : '{', labels[i].name);
		value_write(file, labels[i].value);
		fputc('"', file);
	}
	if (labels[0].name)
		fputc('}', file);
}

void exposition_sample(FILE *file, const char *name,
		       const struct exposition_label *labels, const char *value)
{
	fputs(name, file);
	labels_write(file, labels);
	fprintf(file, " %s\n", value);
}

/* Returns how many there are. */
static size_t labels_copy(struct exposition_label *target,
			  const struct exposition_label *labels)
{
	size_t count = 0;

	for (; labels[count].name && count < EXPOSITION_LABELS; count++)
		target[count] = labels[count];
	return count;
}

void exposition_histogram(FILE *file, const char *name,
			  const struct exposition_label *labels,
			  const uint64_t *counts, const double *bounds,
			  size_t count, const char *sum)
{
	struct exposition_label all[EXPOSITION_LABELS + 2] = {0};
	char bound[EXPOSITION_NUMBER], text[EXPOSITION_NUMBER], part[128];
	struct exposition_label *le = &all[labels_copy(all, labels)];
	uint64_t total = 0;

	*le = (struct exposition_label){"le", bound};
	snprintf(part, sizeof(part), "%s_bucket", name);
	for (size_t i = 0; i < count; i++) {
		total += counts[i];
		if (i + 1 < count)
			snprintf(bound, sizeof(bound), "%.10g", bounds[i]);
		else
			snprintf(bound, sizeof(bound), "+Inf");
		exposition_sample(file, part, all,
				  exposition_count(text, total));
	}
	snprintf(part, sizeof(part), "%s_sum", name);
	exposition_sample(file, part, labels, sum);
	snprintf(part, sizeof(part), "%s_count", name);
	exposition_sample(file, part, labels, exposition_count(text, total));
}

const char *exposition_count(char text[static EXPOSITION_NUMBER],
			     uint64_t count)
{
	snprintf(text, EXPOSITION_NUMBER, "%" PRIu64, count);
	return text;
}

const char *exposition_seconds(char text[static EXPOSITION_NUMBER], uint64_t ns)
{
	snprintf(text, EXPOSITION_NUMBER, "%" PRIu64 ".%09" PRIu64,
		 ns / NS_PER_S, ns % NS_PER_S);
	return text;
}

const char *exposition_ratio(char text[static EXPOSITION_NUMBER],
			     double percent)
{
	snprintf(text, EXPOSITION_NUMBER, "%.6g", percent / 100);
	return text;
}
