/* SPDX-License-Identifier: MIT */
/*
 * The verbs of the command line. Each stands in the file of its group and says
 * in its help how it is used.
 *
 * States: none; all are constants. Locking: none, one thread.
 */
#ifndef TRANCHE_VERB_H
#define TRANCHE_VERB_H

/* What the program ends with, but for `tranche run`. */
#define STATUS_OK 0
#define STATUS_FAILED 1
#define STATUS_BAD 2

/**
 * struct verb - one of them
 * @name: as typed
 * @summary: one line for `tranche --help`
 * @help: what --help prints
 * @run: does it; argv[0] is the verb. Returns an exit status, or a negative
 *       errno after it has told why, which is STATUS_BAD
 */
struct verb {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
};

extern const struct verb verb_gpus;
extern const struct verb verb_types;
extern const struct verb verb_create;
extern const struct verb verb_list;
extern const struct verb verb_show;
extern const struct verb verb_set;
extern const struct verb verb_reset;
extern const struct verb verb_rm;
extern const struct verb verb_events;
extern const struct verb verb_run;
extern const struct verb verb_top;
extern const struct verb verb_trace;
extern const struct verb verb_metrics;
extern const struct verb verb_doctor;
extern const struct verb verb_demo;
extern const struct verb verb_bench;

#endif
