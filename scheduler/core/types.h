/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The few types and error numbers the scheduler's core needs, from the one
 * source each side has: the kernel's headers in a module, the compiler's
 * freestanding headers elsewhere. Error numbers are Linux's on both sides.
 *
 * No state, no lock.
 */
#ifndef SCHEDULER_CORE_TYPES_H
#define SCHEDULER_CORE_TYPES_H

#include <linux/errno.h>

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#endif
