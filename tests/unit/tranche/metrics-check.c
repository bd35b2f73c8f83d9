// SPDX-License-Identifier: MIT
/*
 * metrics-check [NAME [LABEL VALUE]...]: reads metrics from standard input,
 * fails when they are not sound, and prints the one sample that is named.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tranche/scrape.h"

#define TEXT_MAX ((size_t)4 << 20)

int main(int argc, char **argv)
{
	const struct scrape_sample *sample;
	char *text = calloc(1, TEXT_MAX), error[256];
	struct scrape *scrape;

	if (!text || fread(text, 1, TEXT_MAX - 1, stdin) == 0) {
		fputs("metrics-check: nothing to read\n", stderr);
		return 1;
	}
	scrape = scrape_new(text, error, sizeof(error));
	if (!scrape) {
		fprintf(stderr, "metrics-check: %s\n", error);
		return 1;
	}
	if (argc < 2)
		return 0;
	sample = scrape_find(scrape, argv[1], (const char **)argv + 2);
	if (!sample) {
		fprintf(stderr, "metrics-check: not one such %s\n", argv[1]);
		return 1;
	}
	printf("%.15g\n", sample->value);
	return 0;
}
