// SPDX-License-Identifier: MIT
#include "tests/unit/tranche/scrape.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-json.h>

enum family_type { TYPE_NONE, TYPE_COUNTER, TYPE_GAUGE, TYPE_HISTOGRAM };

struct family {
	char name[SCRAPE_TEXT];
	enum family_type type;
};

/*
 * States: of the lines read so far; the last family is the one that samples
 * belong to, once it has a type.
 */
struct scrape {
	struct family *families;
	size_t family_count;
	struct scrape_sample *samples;
	size_t sample_count;
	char *error;
	size_t error_size;
	size_t line;
};

__attribute__((format(printf, 2, 3))) static int bad(struct scrape *scrape,
						     const char *format, ...)
{
	va_list ap;
	int length;

	length = snprintf(scrape->error, scrape->error_size,
			  "line %zu: ", scrape->line);
	va_start(ap, format);
	vsnprintf(scrape->error + length, scrape->error_size - (size_t)length,
		  format, ap);
	va_end(ap);
	return -EINVAL;
}

/* Bytes of a name at the beginning of @text; 0: none that may be. */
static size_t name_length(const char *text, bool colons)
{
	size_t length = 0;

	if (isdigit((unsigned char)text[0]))
		return 0;
	while (isalnum((unsigned char)text[length]) || text[length] == '_' ||
	       (colons && text[length] == ':'))
		length++;
	return length < SCRAPE_TEXT ? length : 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int word_read(const char **text, char word[static SCRAPE_TEXT],
		     bool colons)
{
	size_t length = name_length(*text, colons);

	if (!length)
		return -EINVAL;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += length;
	return 0;
}

static bool has_word(const char *name, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = name; (at = strstr(at, word)); at++)
		if (at > name && at[-1] == '_' &&
		    (!at[length] || at[length] == '_'))
			return true;
	return false;
}

/* Units have one name each, and it is the base unit's. */
static int name_check(struct scrape *scrape, const struct family *family)
{
	static const char *const units[] = {
		"ns", "us", "ms", "milliseconds", "percent", "kb", "mb", "mib"};
	bool total = ends_with(family->name, "_total");

	if (strncmp(family->name, "tranche_", 8) != 0)
		return bad(scrape, "%s has no prefix", family->name);
	if (total != (family->type == TYPE_COUNTER))
		return bad(scrape,
			   "%s: counters, and they alone, end in _total",
			   family->name);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (has_word(family->name, units[i]))
			return bad(scrape, "%s: %s is no base unit",
				   family->name, units[i]);
	return 0;
}

static int help_read(struct scrape *scrape, const char *text)
{
	struct family *family;
	char name[SCRAPE_TEXT];

	if (word_read(&text, name, true) < 0 || *text != ' ' || !text[1])
		return bad(scrape, "a HELP without a name and a text");
	for (size_t i = 0; i < scrape->family_count; i++)
		if (strcmp(scrape->families[i].name, name) == 0)
			return bad(scrape, "%s comes twice", name);
	family = &scrape->families[scrape->family_count++];
	strcpy(family->name, name);
	return 0;
}

static int type_read(struct scrape *scrape, const char *text)
{
	static const char *const types[] = {"", " counter", " gauge",
					    " histogram"};
	struct family *family;
	char name[SCRAPE_TEXT];

	if (!scrape->family_count || word_read(&text, name, true) < 0)
		return bad(scrape, "a TYPE without a HELP or name");
	family = &scrape->families[scrape->family_count - 1];
	if (strcmp(family->name, name) != 0 || family->type != TYPE_NONE)
		return bad(scrape, "the TYPE is not of %s", family->name);
	for (int i = TYPE_COUNTER; i <= TYPE_HISTOGRAM; i++)
		if (strcmp(text, types[i]) == 0)
			family->type = (enum family_type)i;
	if (family->type == TYPE_NONE)
		return bad(scrape, "no type '%s'", text);
	return name_check(scrape, family);
}

/* One character of a value, at @text; steps on. Return: -EINVAL: none. */
static int character_read(const char **text)
{
	char character = *(*text)++;

	if (!character)
		return -EINVAL;
	if (character != '\\')
		return (unsigned char)character;
	character = **text;
	if (character != '\\' && character != '"' && character != 'n')
		return -EINVAL;
	(*text)++;
	return character == 'n' ? '\n' : character;
}

/* From behind the quote to behind the next one. */
static int value_read(const char **text, char value[static SCRAPE_TEXT])
{
	size_t length = 0;
	int character;

	while (**text != '"') {
		character = character_read(text);
		if (character < 0 || length == SCRAPE_TEXT - 1)
			return -EINVAL;
		value[length++] = (char)character;
	}
	value[length] = '\0';
	(*text)++;
	return 0;
}

static int label_read(struct scrape *scrape, struct scrape_sample *sample,
		      const char **text)
{
	struct scrape_label *label = &sample->labels[sample->label_count];

	if (sample->label_count == SCRAPE_LABELS)
		return bad(scrape, "more labels than this can read");
	if (word_read(text, label->name, false) < 0 ||
	    strncmp(label->name, "__", 2) == 0)
		return bad(scrape, "no name of a label at '%.20s'", *text);
	if (strncmp(*text, "=\"", 2) != 0)
		return bad(scrape, "no value of label %s", label->name);
	*text += 2;
	if (value_read(text, label->value) < 0)
		return bad(scrape, "the value of label %s", label->name);
	for (size_t i = 0; i < sample->label_count; i++)
		if (strcmp(sample->labels[i].name, label->name) == 0)
			return bad(scrape, "label %s twice", label->name);
	sample->label_count++;
	return 0;
}

static int labels_read(struct scrape *scrape, struct scrape_sample *sample,
		       const char **text)
{
	int r;

	do {
		(*text)++;
		r = label_read(scrape, sample, text);
	} while (r == 0 && **text == ',');
	if (r == 0 && *(*text)++ != '}')
		r = bad(scrape, "labels do not end");
	return r;
}

static bool belongs(const char *name, const struct family *family)
{
	static const char *const parts[] = {"_bucket", "_sum", "_count"};
	size_t length = strlen(family->name);

	if (family->type != TYPE_HISTOGRAM)
		return strcmp(name, family->name) == 0;
	if (strncmp(name, family->name, length) != 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(name + length, parts[i]) == 0)
			return true;
	return false;
}

static int number_read(struct scrape *scrape, struct scrape_sample *sample,
		       const char *text)
{
	char *end;

	if (*text++ != ' ' || isspace((unsigned char)*text))
		return bad(scrape, "no single space before the value");
	sample->value = strtod(text, &end);
	if (end == text || *end)
		return bad(scrape, "'%s' is no number", text);
	if (!isfinite(sample->value) || sample->value < 0)
		return bad(scrape, "%s is %s", sample->name, text);
	if (ends_with(sample->name, "_ratio") && sample->value > 1)
		return bad(scrape, "%s is above 1", sample->name);
	if (ends_with(sample->name, "_info") && sample->value != 1)
		return bad(scrape, "%s is not 1", sample->name);
	return 0;
}

static bool equal(const struct scrape_sample *a, const struct scrape_sample *b)
{
	if (strcmp(a->name, b->name) != 0 || a->label_count != b->label_count)
		return false;
	for (size_t i = 0; i < a->label_count; i++)
		if (strcmp(a->labels[i].name, b->labels[i].name) != 0 ||
		    strcmp(a->labels[i].value, b->labels[i].value) != 0)
			return false;
	return true;
}

/* The one before, of the same histogram; NULL: this is its first. */
static const struct scrape_sample *before(const struct scrape *scrape,
					  const struct scrape_sample *sample)
{
	const struct scrape_sample *last = sample - 1;

	if (last < scrape->samples || strcmp(last->name, sample->name) != 0)
		return NULL;
	for (size_t i = 0; i + 1 < sample->label_count; i++)
		if (strcmp(last->labels[i].value, sample->labels[i].value) != 0)
			return NULL;
	return last;
}

/* Bounds grow, counts do not shrink. */
static int bucket_check(struct scrape *scrape,
			const struct scrape_sample *sample)
{
	const struct scrape_sample *last = before(scrape, sample);
	const struct scrape_label *le, *last_le;

	if (!sample->label_count)
		return bad(scrape, "a bucket without a bound");
	le = &sample->labels[sample->label_count - 1];
	if (strcmp(le->name, "le") != 0)
		return bad(scrape, "the last label is not the bound");
	if (!last)
		return 0;
	last_le = &last->labels[last->label_count - 1];
	if (atof(le->value) <= atof(last_le->value) ||
	    sample->value < last->value)
		return bad(scrape, "buckets do not add up");
	return 0;
}

/* As many as fell in the last bucket, which has no end. */
static int count_check(struct scrape *scrape,
		       const struct scrape_sample *sample)
{
	const struct scrape_sample *last = sample - 2;

	if (last < scrape->samples || !ends_with(last->name, "_bucket") ||
	    strcmp(last->labels[last->label_count - 1].value, "+Inf") != 0 ||
	    last->value != sample->value)
		return bad(scrape, "the count is not the last bucket's");
	return 0;
}

static int sample_check(struct scrape *scrape,
			const struct scrape_sample *sample,
			const struct family *family)
{
	for (size_t i = 0; i < scrape->sample_count; i++)
		if (equal(sample, &scrape->samples[i]))
			return bad(scrape, "%s twice", sample->name);
	if (family->type != TYPE_HISTOGRAM)
		return 0;
	if (ends_with(sample->name, "_bucket"))
		return bucket_check(scrape, sample);
	return ends_with(sample->name, "_count") ? count_check(scrape, sample)
						 : 0;
}

static int sample_read(struct scrape *scrape, const char *text)
{
	struct scrape_sample *sample = &scrape->samples[scrape->sample_count];
	const struct family *family;
	int r = 0;

	if (!scrape->family_count)
		return bad(scrape, "a sample before the first family");
	family = &scrape->families[scrape->family_count - 1];
	if (word_read(&text, sample->name, true) < 0)
		return bad(scrape, "no name at '%.20s'", text);
	if (family->type == TYPE_NONE || !belongs(sample->name, family))
		return bad(scrape, "%s is not of the family before it",
			   sample->name);
	if (*text == '{')
		r = labels_read(scrape, sample, &text);
	if (r == 0)
		r = number_read(scrape, sample, text);
	if (r == 0)
		r = sample_check(scrape, sample, family);
	scrape->sample_count++;
	return r;
}

static int line_read(struct scrape *scrape, const char *line)
{
	scrape->line++;
	if (strncmp(line, "# HELP ", 7) == 0)
		return help_read(scrape, line + 7);
	if (strncmp(line, "# TYPE ", 7) == 0)
		return type_read(scrape, line + 7);
	if (!line[0] || line[0] == '#')
		return bad(scrape, "an empty line or another comment");
	return sample_read(scrape, line);
}

static int lines_read(struct scrape *scrape, char *text)
{
	char *line = text, *end;
	int r = 0;

	while (r == 0 && *line) {
		end = strchr(line, '\n');
		if (!end)
			return bad(scrape, "the last line does not end");
		*end = '\0';
		r = line_read(scrape, line);
		line = end + 1;
	}
	return r;
}

static bool is_utf8(const char *text)
{
	sd_json_variant *string = NULL;
	int r = sd_json_variant_new_string(&string, text);

	sd_json_variant_unref(string);
	return r >= 0;
}

struct scrape *scrape_new(const char *text, char *error, size_t size)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));
	char *copy = strdup(text);
	size_t lines = 1;
	int r;

	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	if (!scrape || !copy)
		abort();
	scrape->error = error;
	scrape->error_size = size;
	scrape->families = calloc(lines, sizeof(*scrape->families));
	scrape->samples = calloc(lines, sizeof(*scrape->samples));
	if (!scrape->families || !scrape->samples)
		abort();
	r = is_utf8(text) ? lines_read(scrape, copy)
			  : bad(scrape, "it is no UTF-8");
	free(copy);
	if (r == 0)
		return scrape;
	scrape_free(scrape);
	return NULL;
}

void scrape_free(struct scrape *scrape)
{
	free(scrape->families);
	free(scrape->samples);
	free(scrape);
}

size_t scrape_count(const struct scrape *scrape)
{
	return scrape->sample_count;
}

static bool has(const struct scrape_sample *sample, const char *name,
		const char *value)
{
	for (size_t i = 0; i < sample->label_count; i++)
		if (strcmp(sample->labels[i].name, name) == 0)
			return strcmp(sample->labels[i].value, value) == 0;
	return false;
}

const struct scrape_sample *scrape_find(const struct scrape *scrape,
					const char *name,
					const char *const *labels)
{
	const struct scrape_sample *found = NULL;
	bool fits;

	for (size_t i = 0; i < scrape->sample_count; i++) {
		fits = strcmp(scrape->samples[i].name, name) == 0;
		for (size_t j = 0; fits && labels[j]; j += 2)
			fits = has(&scrape->samples[i], labels[j],
				   labels[j + 1]);
		if (fits && found)
			return NULL;
		if (fits)
			found = &scrape->samples[i];
	}
	return found;
}
