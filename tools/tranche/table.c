// SPDX-License-Identifier: MIT
#include "tools/tranche/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/tranche/message.h"
#include "tools/tranche/text.h"
#include "tools/tranche/verb.h"

#define COLUMNS_MAX 24
#define GAP 2
/* A column is not shrunk below this. */
#define WIDTH_MIN 8

struct cell {
	char *text;
	enum table_tone tone;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	struct cell *cells;
	size_t cell_count;
	int error;
};

/* How one printing is done. */
struct style {
	FILE *file;
	bool colour;
	size_t widths[COLUMNS_MAX];
};

struct table *table_new(const struct table_column *columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	while (columns[table->column_count].title &&
	       table->column_count < COLUMNS_MAX)
		table->column_count++;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

void table_freep(struct table **table)
{
	table_free(*table);
}

static struct cell *cell_append(struct table *table)
{
	struct cell *cells;

	cells = reallocarray(table->cells, table->cell_count + 1,
			     sizeof(*cells));
	if (!cells)
		return NULL;
	table->cells = cells;
	cells[table->cell_count] = (struct cell){0};
	return &cells[table->cell_count++];
}

void table_cell(struct table *table, enum table_tone tone, const char *format,
		...)
{
	struct cell *cell = cell_append(table);
	va_list ap;
	int length = -1;

	if (cell) {
		va_start(ap, format);
		length = vasprintf(&cell->text, format, ap);
		va_end(ap);
		cell->tone = tone;
	}
	if (length < 0) {
		if (cell)
			cell->text = NULL;
		table->error = -ENOMEM;
		return;
	}
	text_clean(cell->text);
}

static void widths_measure(const struct table *table, size_t *widths)
{
	size_t width, column;

	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = text_width(table->columns[i].title);
	for (size_t i = 0; i < table->cell_count; i++) {
		column = i % table->column_count;
		width = text_width(table->cells[i].text);
		if (width > widths[column])
			widths[column] = width;
	}
}

/* Takes from the widest column that may shrink, one at a time. */
static void widths_shrink(const struct table *table, size_t *widths,
			  size_t terminal)
{
	size_t total = GAP * (table->column_count - 1), widest;

	for (size_t i = 0; i < table->column_count; i++)
		total += widths[i];
	for (; total > terminal; total--) {
		widest = table->column_count;
		for (size_t i = 0; i < table->column_count; i++)
			if (table->columns[i].shrinks &&
			    widths[i] > WIDTH_MIN &&
			    (widest == table->column_count ||
			     widths[i] > widths[widest]))
				widest = i;
		if (widest == table->column_count)
			return;
		widths[widest]--;
	}
}

static const char *tone_code(enum table_tone tone)
{
	switch (tone) {
	case TABLE_GOOD:
		return "\033[32m";
	case TABLE_WARN:
		return "\033[33m";
	case TABLE_BAD:
		return "\033[31m";
	case TABLE_DIM:
		return "\033[2m";
	default:
		return "";
	}
}

static void spaces_print(FILE *file, size_t count)
{
	while (count--)
		fputc(' ', file);
}

static void text_print(const struct style *style, const char *text,
		       const char *code)
{
	bool colour = style->colour && code[0];

	fprintf(style->file, "%s%s%s", colour ? code : "", text,
		colour ? "\033[0m" : "");
}

/* The text as it fits, ended by an ellipsis where it does not. */
static char *text_cut(const char *text, size_t width)
{
	char *cut;

	if (text_width(text) <= width)
		return strdup(text);
	if (asprintf(&cut, "%.*s…", (int)text_fit(text, width - 1), text) < 0)
		return NULL;
	return cut;
}

static int cell_print(const struct table *table, const struct style *style,
		      size_t column, const char *text, const char *code)
{
	bool last = column + 1 == table->column_count;
	size_t width = style->widths[column], used;
	char *cut = text_cut(text, width);

	if (!cut)
		return -ENOMEM;
	used = text_width(cut);
	if (table->columns[column].right && used < width)
		spaces_print(style->file, width - used);
	text_print(style, cut, code);
	if (!table->columns[column].right && used < width && !last)
		spaces_print(style->file, width - used);
	if (last)
		fputc('\n', style->file);
	else
		spaces_print(style->file, GAP);
	free(cut);
	return 0;
}

int table_print(struct table *table, FILE *file, bool colour, size_t width)
{
	struct style style = {.file = file, .colour = colour};
	int r = table->error;

	if (r < 0)
		return r;
	widths_measure(table, style.widths);
	if (width)
		widths_shrink(table, style.widths, width);
	for (size_t i = 0; i < table->column_count && r == 0; i++)
		r = cell_print(table, &style, i, table->columns[i].title,
			       "\033[1m");
	for (size_t i = 0; i < table->cell_count && r == 0; i++)
		r = cell_print(table, &style, i % table->column_count,
			       table->cells[i].text,
			       tone_code(table->cells[i].tone));
	if (r == 0 && (fflush(file) != 0 || ferror(file)))
		r = -EIO;
	return r;
}

bool table_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && no[0]) && term &&
	       strcmp(term, "dumb") != 0;
}

static size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

int table_show(struct table *table)
{
	int r = table_print(table, stdout, table_colour(), terminal_width());

	if (r == -ENOMEM) {
		message_memory();
		return STATUS_FAILED;
	}
	if (r < 0) {
		message_error("cannot write the output: is the disk full?");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}
