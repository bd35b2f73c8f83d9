/* SPDX-License-Identifier: MIT */
/*
 * A page of HTML that is XML too and needs nothing beside it. Stateless; the
 * stream is the caller's, who checks it for errors.
 */
#ifndef TRANCHE_REPORT_HTML_H
#define TRANCHE_REPORT_HTML_H

#include <stdbool.h>
#include <stdio.h>

void html_begin(FILE *file, const char *title);
void html_end(FILE *file);

/* html_heading - of a part of the page */
void html_heading(FILE *file, const char *text);

/* html_verdict - a line that stands out, good or bad */
void html_verdict(FILE *file, bool good, const char *text);

/**
 * html_cell - a cell of a table
 * @file: where to
 * @class: "n" for numbers, "good", "bad", or "" for text
 * @format: its text, made safe
 */
__attribute__((format(printf, 3, 4))) void
html_cell(FILE *file, const char *class, const char *format, ...);

/* html_row_begin, html_row_end - around the cells of a row */
void html_row_begin(FILE *file);
void html_row_end(FILE *file);

/* html_table_begin - with the titles of its columns, ending with NULL */
void html_table_begin(FILE *file, const char *const *titles);
void html_table_end(FILE *file);

#endif
