/* SPDX-License-Identifier: MIT */
/*
 * Small files of "key=value" lines that outlive the broker. One is written under
 * another name and renamed, so that it is always whole; ini.h reads it.
 *
 * Stateless: the caller owns the file between keep_begin() and keep_end().
 * Locking: none.
 */
#ifndef BROKER_KEEP_H
#define BROKER_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* keep_begin - Return: a file to write to, or NULL with errno */
FILE *keep_begin(const char *path);

/**
 * keep_end - put it in its place
 * @file: of keep_begin(); closed
 * @path: the same
 *
 * Return: 0, or a negative errno, and what was there before is there still.
 */
int keep_end(FILE *file, const char *path);

/*
 * Values that were read, into fields: 0, or -EBADMSG for what can't be one.
 */
int keep_text(char *field, size_t size, const char *value);
int keep_number(uint64_t *field, uint64_t max, const char *value);
int keep_bool(bool *field, const char *value);

#endif
