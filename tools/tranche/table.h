/* SPDX-License-Identifier: MIT */
/*
 * The table printer: columns as wide as what stands in them, shrunk to the
 * terminal where one may be shrunk, colours on a terminal only.
 *
 * States: rows are added cell by cell, then the table is printed.
 * Ownership: a table owns copies of all texts. Locking: none.
 */
#ifndef TRANCHE_TABLE_H
#define TRANCHE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_tone {
	TABLE_PLAIN,
	TABLE_GOOD,
	TABLE_WARN,
	TABLE_BAD,
	TABLE_DIM,
};

/**
 * struct table_column - one of them
 * @title: NULL ends the list
 * @right: numbers stand right
 * @shrinks: gives way when the terminal is narrow
 */
struct table_column {
	const char *title;
	bool right;
	bool shrinks;
};

struct table;

/**
 * table_new - an empty table
 * @columns: ending with a title of NULL; not copied
 *
 * Return: the table, or NULL without memory.
 */
struct table *table_new(const struct table_column *columns);
void table_free(struct table *table);
void table_freep(struct table **table);

/**
 * table_cell - the next cell, row by row
 * @table: the table
 * @tone: its colour
 * @format: its text; what would steer a terminal is taken out
 *
 * Without memory the table is marked, and table_print() fails.
 */
__attribute__((format(printf, 3, 4))) void
table_cell(struct table *table, enum table_tone tone, const char *format, ...);

/**
 * table_print - write it
 * @table: the table; its last row is whole
 * @file: where to
 * @colour: whether to
 * @width: of the terminal; 0: none
 *
 * Return: 0 or a negative errno.
 */
int table_print(struct table *table, FILE *file, bool colour, size_t width);

/**
 * table_show - table_print() to standard output as it is
 *
 * Colours on a terminal, unless NO_COLOR is set or TERM is dumb.
 *
 * Return: an exit status.
 */
int table_show(struct table *table);

/* table_colour - whether standard output gets colours */
bool table_colour(void);

#endif
