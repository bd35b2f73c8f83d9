/* SPDX-License-Identifier: MIT */
/*
 * Writing cpio archives of the kind that the kernel unpacks at boot ("newc").
 * Such archives may follow one another in one file.
 *
 * States: files, then the end. Ownership: the stream is the caller's, who
 * checks it for errors. Locking: none.
 */
#ifndef TRANCHE_FLEET_CPIO_H
#define TRANCHE_FLEET_CPIO_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * cpio_write_file - add a regular file
 * @file: where to; at a multiple of 4 bytes
 * @name: of the file, without a slash in front
 * @mode: its permissions
 * @data: its contents
 * @size: how many bytes
 *
 * Return: 0; -ENAMETOOLONG, -EFBIG: nothing was written.
 */
int cpio_write_file(FILE *file, const char *name, mode_t mode, const void *data,
		    size_t size);

/* cpio_write_end - what marks the end of an archive */
void cpio_write_end(FILE *file);

#endif
