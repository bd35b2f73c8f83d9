/* SPDX-License-Identifier: MIT */
/*
 * The command line. Parsing is pure: it prints nothing and opens nothing.
 */
#ifndef TRANCHE_LOAD_OPTIONS_H
#define TRANCHE_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

enum options_verb {
	OPTIONS_RUN,
	OPTIONS_CALIBRATE,
	OPTIONS_LIST,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

#define OPTIONS_THEN_MAX 16

/* A load that follows; all else is as for the first. */
struct options_then {
	const struct load_kernel *kernel;
	uint32_t items;
	uint32_t iterations;
	uint64_t dispatch_ns;
	uint32_t depth; /* 0: as before */
};

struct options {
	enum options_verb verb;
	const struct load_kernel *kernel;
	/* The wanted cost of a dispatch; with iterations, the cost that another
	 * run has measured for them. 0: not given. */
	uint64_t dispatch_ns;
	/* 0: to be calibrated. */
	uint32_t iterations;
	/* 0: the kernel's default, or what the memory allows. */
	uint32_t items;
	uint64_t think_ns;
	/* Between two looks for completions; 0: the driver waits. */
	uint64_t poll_ns;
	uint32_t depth;
	/* 0: no end. */
	uint64_t duration_ns;
	/* Of each context; 0: no end. */
	uint64_t submissions;
	/* Device memory that each context holds; 0: what it needs. */
	uint64_t memory;
	/* As of gpu_set_find(); NULL: the first. */
	const char *device;
	/* Queue family; -1: the first that computes. */
	int engine;
	uint32_t contexts;
	uint32_t seed;
	/* 0: no bound. */
	uint64_t timeout_ns;
	/* Ask the driver even for more memory than the GPU says it has. */
	bool overcommit;
	bool quiet;
	bool summary_only;
	/* Say that all contexts compute; someone sends SIGUSR1 then. */
	bool count_on_signal;
	struct options_then then[OPTIONS_THEN_MAX];
	uint32_t n_then;
};

/**
 * options_parse() - read the command line
 * @options: what is read; its texts point into @argv
 * @argc: as of main()
 * @argv: as of main(); it may be reordered
 * @error: where one line goes that names cause and cure
 * @size: room in @error
 *
 * Not thread-safe, as getopt_long() is not.
 *
 * Return: 0; -EINVAL with @error set.
 */
int options_parse(struct options *options, int argc, char **argv, char *error,
		  size_t size);

/**
 * options_then() - the options of a load that follows
 * @options: those of the first
 * @index: which one follows, less than their number
 *
 * Return: the options.
 */
struct options options_then(const struct options *options, uint32_t index);

/**
 * options_help() - what --help prints
 *
 * Return: the text, several lines.
 */
const char *options_help(void);

#endif
