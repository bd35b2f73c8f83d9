/* SPDX-License-Identifier: MIT */
/*
 * A bar of a share, as text: filled up to what a vGPU has of its GPU, with a
 * mark where it would be entitled to be. Stateless.
 */
#ifndef TRANCHE_BAR_H
#define TRANCHE_BAR_H

#include <stdbool.h>
#include <stddef.h>

/* Columns at most, and the bytes that they may take. */
#define BAR_MAX 256
#define BAR_BYTES (4 * BAR_MAX + 1)

/**
 * bar_format - draw it
 * @text: where it goes
 * @width: columns, up to BAR_MAX
 * @share: percent that it has
 * @wanted: percent that it is entitled to
 * @unicode: whether the terminal shows more than ASCII
 *
 * Return: @text.
 */
const char *bar_format(char text[static BAR_BYTES], size_t width, double share,
		       double wanted, bool unicode);

#endif
