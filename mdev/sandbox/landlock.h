/* SPDX-License-Identifier: MIT */
/*
 * Landlock: of the files in its root a confined process may use those that were
 * asked for, in the way that was asked for; no network, no signals and no
 * abstract sockets beyond itself. As much of that as the running kernel knows.
 *
 * Stateless. Owner: the plan has the descriptor. Locking: none.
 */
#ifndef MDEV_SANDBOX_LANDLOCK_H
#define MDEV_SANDBOX_LANDLOCK_H

#include "mdev/sandbox/plan.h"

/**
 * landlock_make - make the rules for a plan's entries
 * @plan: its root is opened; gets the ruleset, -1 where the kernel has none
 *
 * Return: 0 or negative errno.
 */
int landlock_make(struct sandbox_plan *plan);

/* landlock_enter - put the rules in force; in the child; -1 with errno */
int landlock_enter(const struct sandbox_plan *plan);

#endif
