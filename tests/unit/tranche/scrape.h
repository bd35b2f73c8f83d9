/* SPDX-License-Identifier: MIT */
/*
 * A strict reader of Prometheus' text format, version 0.0.4, for tests: it
 * refuses what Prometheus refuses, and names and values against its
 * conventions.
 *
 * States: empty, then read. Ownership: scrape_new() to scrape_free().
 * Locking: none.
 */
#ifndef TEST_SCRAPE_H
#define TEST_SCRAPE_H

#include <stddef.h>

#define SCRAPE_LABELS 8
#define SCRAPE_TEXT 160

struct scrape_label {
	char name[SCRAPE_TEXT];
	char value[SCRAPE_TEXT];
};

struct scrape_sample {
	char name[SCRAPE_TEXT];
	struct scrape_label labels[SCRAPE_LABELS];
	size_t label_count;
	double value;
};

struct scrape;

/**
 * scrape_new - read a text
 * @text: all of it
 * @error: filled in with what is wrong, and in which line
 * @size: of @error
 *
 * Return: what it says; NULL: it is not sound.
 */
struct scrape *scrape_new(const char *text, char *error, size_t size);
void scrape_free(struct scrape *scrape);

size_t scrape_count(const struct scrape *scrape);

/**
 * scrape_find - the only sample of a name that has these labels
 * @scrape: what was read
 * @name: of the sample
 * @labels: label, value, ... that it has among others, then NULL
 *
 * Return: it; NULL: none, or more than one.
 */
const struct scrape_sample *scrape_find(const struct scrape *scrape,
					const char *name,
					const char *const *labels);

#endif
