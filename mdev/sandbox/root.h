/* SPDX-License-Identifier: MIT */
/*
 * A confined process's root: a small tmpfs with mount points, on which mounts
 * stand that the parent has cut out of the host's tree. Device nodes are made
 * anew, for its user alone: the host's often need a group that it has not.
 *
 *   opened     root_open(): each entry is a mount that belongs to no tree
 *   assembled  root_enter(): in the child; nothing else of the host can be seen
 *
 * The parent opens them, with its own privileges, since the child has none on
 * the host any more. Owner: the plan. Locking: none.
 */
#ifndef MDEV_SANDBOX_ROOT_H
#define MDEV_SANDBOX_ROOT_H

#include "mdev/sandbox/plan.h"

/**
 * root_open - cut out what the root will hold
 * @plan: its configuration is set; gets its entries, also on error
 * @culprit: the path that is the cause of an error
 *
 * Return: 0 or negative errno.
 */
int root_open(struct sandbox_plan *plan, const char **culprit);
void root_close(struct sandbox_plan *plan);

/**
 * root_enter - make the root and go there; in the child
 * @plan: with entries
 * @failure: says where it failed
 *
 * Return: 0 or -1 with errno.
 */
int root_enter(const struct sandbox_plan *plan,
	       struct sandbox_failure *failure);

#endif
