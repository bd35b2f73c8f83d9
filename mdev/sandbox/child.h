/* SPDX-License-Identifier: MIT */
/*
 * What runs between the making of a confined process and its program. It has a
 * copy of the parent's memory, in which another thread may have held any lock:
 * system calls only, no memory, no stdio, and no call of the C library that
 * tells other threads about it (setuid and its kin).
 */
#ifndef MDEV_SANDBOX_CHILD_H
#define MDEV_SANDBOX_CHILD_H

#include "mdev/sandbox/plan.h"

/* Most descriptors that a configuration may name. */
#define SANDBOX_FDS_MAX 32

/**
 * child_main - become what the plan says, and execute its program
 * @plan: complete; all signals are blocked
 */
_Noreturn void child_main(const struct sandbox_plan *plan);

#endif
