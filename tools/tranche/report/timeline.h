/* SPDX-License-Identifier: MIT */
/*
 * A picture of who had the GPU when: a lane for each guest. Stateless.
 */
#ifndef TRANCHE_REPORT_TIMELINE_H
#define TRANCHE_REPORT_TIMELINE_H

#include <stdint.h>
#include <stdio.h>

#include "tools/tranche/report/record.h"

/**
 * timeline_write - draw it
 * @file: where to
 * @record: of the run; its slices are in order
 * @from_ns: left end
 * @to_ns: right end, after @from_ns
 * @title: above it
 */
void timeline_write(FILE *file, const struct record *record, uint64_t from_ns,
		    uint64_t to_ns, const char *title);

#endif
