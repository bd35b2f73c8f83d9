/* SPDX-License-Identifier: MIT */
/*
 * What `tranche doctor` found: one finding for each check, with the cure where
 * it failed.
 *
 * States: findings are added, then printed. Ownership: owns copies of all
 * texts. Locking: none.
 */
#ifndef TRANCHE_DOCTOR_REPORT_H
#define TRANCHE_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE, /* works, with a limit that one should know */
	DOCTOR_FAIL,
};

struct doctor_finding {
	enum doctor_level level;
	char *check;
	char *text;
	char *cure; /* NULL: none is needed */
};

struct doctor_report {
	struct doctor_finding *findings;
	size_t count;
	bool incomplete; /* memory ran out */
};

void doctor_report_deinit(struct doctor_report *report);

/**
 * doctor_add - one more finding
 * @report: the report
 * @level: how bad it is
 * @check: what was looked at, in a word or two
 * @cure: what to do; NULL: nothing
 * @format: what was found
 */
__attribute__((format(printf, 5, 6))) void
doctor_add(struct doctor_report *report, enum doctor_level level,
	   const char *check, const char *cure, const char *format, ...);

size_t doctor_failures(const struct doctor_report *report);

/**
 * doctor_print - for people, or as JSON
 *
 * Return: an exit status: STATUS_FAILED when something failed.
 */
int doctor_print(const struct doctor_report *report, bool json);

#endif
