/* SPDX-License-Identifier: MIT */
/*
 * A trace as Chrome and Perfetto read it: JSON, written event by event. Each
 * account (a vGPU, or a program) is shown as a process with two tracks for each
 * of its contexts: the time it had the GPU, and the time it waited for it.
 *
 * States: open between chrome_open() and chrome_close(); an error stays until
 * then. Ownership: the file is the caller's. Locking: none.
 */
#ifndef TRANCHE_CHROME_H
#define TRANCHE_CHROME_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct chrome - a trace that is being written
 * @file: where to
 * @count: events so far
 * @error: the first one
 */
struct chrome {
	FILE *file;
	uint64_t count;
	int error;
};

struct chrome_span {
	bool waits; /* for the GPU; else it has it */
	uint64_t process;
	uint64_t thread;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t submits;
	const char *reason; /* NULL: none */
};

void chrome_open(struct chrome *chrome, FILE *file);

/* chrome_span - something that took time */
void chrome_span(struct chrome *chrome, const struct chrome_span *span);

/* chrome_name_process - what to call an account */
void chrome_name_process(struct chrome *chrome, uint64_t process,
			 const char *name);

/* chrome_name_thread - what to call a track of it */
void chrome_name_thread(struct chrome *chrome, uint64_t process,
			uint64_t thread, const char *name);

/**
 * chrome_close - write the end
 *
 * Return: 0 or a negative errno; the file is flushed, not closed.
 */
int chrome_close(struct chrome *chrome);

#endif
