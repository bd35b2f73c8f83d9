/* SPDX-License-Identifier: MIT */
/*
 * The report of a run with shares, as one page. Everything on it is computed
 * from the record. Stateless.
 */
#ifndef TRANCHE_REPORT_PAGE_H
#define TRANCHE_REPORT_PAGE_H

#include <stdio.h>

#include "tools/tranche/report/record.h"

/**
 * page_write - write it
 * @file: where to
 * @record: of the run
 *
 * Return: 0 or a negative errno.
 */
int page_write(FILE *file, const struct record *record);

#endif
