/* SPDX-License-Identifier: MIT */
/*
 * Reading the options of a verb: getopt_long(3) with messages of ours, and the
 * options that every verb has. The state is getopt's own, so one at a time.
 */
#ifndef TRANCHE_ARGS_H
#define TRANCHE_ARGS_H

#include <getopt.h>

#include "tools/tranche/verb.h"

enum args_code {
	ARGS_END = -1, /* no more options: operands begin at argv[optind] */
	ARGS_HELP = -2, /* help was printed: the verb is done */
	ARGS_BAD = -3, /* told what is wrong */
	ARGS_JSON = 'j',
	ARGS_FIRST = 256, /* of the verbs' own codes */
};

/* What each verb's table ends with. */
#define ARGS_COMMON                             \
	{"json", no_argument, NULL, ARGS_JSON}, \
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}

/**
 * args_next - the next option
 * @verb: whose
 * @argc: of the verb
 * @argv: of the verb
 * @options: the table, ending with ARGS_COMMON
 * @shorts: letters as getopt has them, without h
 *
 * Return: its code, or one of the negative ones.
 */
int args_next(const struct verb *verb, int argc, char **argv,
	      const struct option *options, const char *shorts);

/**
 * args_status - what a verb returns when args_next() says it is over
 * @code: ARGS_HELP or ARGS_BAD
 */
int args_status(int code);

/**
 * args_operands - check how many operands are left
 * @verb: whose
 * @argc: of the verb
 * @argv: of the verb
 * @min: at least
 * @max: at most; -1: any
 * @what: what they are, such as "a vGPU"
 *
 * Return: 0; -EINVAL: told.
 */
int args_operands(const struct verb *verb, int argc, char **argv, int min,
		  int max, const char *what);

/**
 * args_json_only - read the options of a verb that has no other than --json
 * @verb: whose
 * @argc: of the verb
 * @argv: of the verb
 *
 * Return: 0: not wanted; 1: wanted; ARGS_HELP; ARGS_BAD.
 */
int args_json_only(const struct verb *verb, int argc, char **argv);

#endif
