/* SPDX-License-Identifier: MIT */
/*
 * Whether an initial file system is whole, as far as that can be told without
 * unpacking it: cpio archives are walked, xz and zstd streams are followed to
 * their ends. Other compressions pass.
 *
 * Stateless; never reads outside the given bytes.
 */
#ifndef VMM_INITRD_H
#define VMM_INITRD_H

#include <stddef.h>
#include <stdint.h>

/**
 * initrd_check - look for a cut (Linux: driver-api/early-userspace,
 * "buffer-format")
 * @data: the file
 * @len: its bytes
 *
 * Return: 0 when it seems whole, -EINVAL when it is no initrd at all, -ENODATA
 * when it ends too early.
 */
int initrd_check(const uint8_t *data, size_t len);

#endif
