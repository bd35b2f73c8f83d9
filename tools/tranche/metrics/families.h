/* SPDX-License-Identifier: MIT */
/*
 * Which metrics there are, and how they follow from the broker's answers.
 * docs/man/tranche-metrics.1 lists them for people. Stateless.
 */
#ifndef TRANCHE_METRICS_FAMILIES_H
#define TRANCHE_METRICS_FAMILIES_H

#include <stdio.h>

#include "tools/tranche/metrics/reading.h"

/**
 * families_write - all metrics
 * @file: where to
 * @reading: what the broker said; NULL: it does not answer
 *
 * A value that a broker of another version does not give is left out.
 *
 * Return: 0; -ENOMEM; -EIO when @file took not all.
 */
int families_write(FILE *file, const struct reading *reading);

/**
 * families_text - the same in memory
 * @reading: as families_write()
 * @text: the text, the caller's
 *
 * Return: 0; -ENOMEM; -EIO.
 */
int families_text(const struct reading *reading, char **text);

#endif
