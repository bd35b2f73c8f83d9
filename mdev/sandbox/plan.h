/* SPDX-License-Identifier: MIT */
/*
 * What the child has to do between its making and exec: everything that needs
 * memory, names or privileges of the host is done before, by the parent.
 *
 * Owner: sandbox_spawn()'s stack. Locking: none; the child has a copy.
 */
#ifndef MDEV_SANDBOX_PLAN_H
#define MDEV_SANDBOX_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>

#include "mdev/sandbox/sandbox.h"

/* Where the child was when something failed. */
enum sandbox_step {
	SANDBOX_STEP_START,
	SANDBOX_STEP_USER,
	SANDBOX_STEP_ROOT,
	SANDBOX_STEP_PATH,
	SANDBOX_STEP_PIVOT,
	SANDBOX_STEP_LANDLOCK,
	SANDBOX_STEP_CAPABILITIES,
	SANDBOX_STEP_DESCRIPTORS,
	SANDBOX_STEP_FILTER,
	SANDBOX_STEP_EXEC,
};

struct sandbox_failure {
	int step; /* enum sandbox_step */
	int error; /* positive errno */
	unsigned int path; /* with SANDBOX_STEP_PATH: index of the entry */
};

/*
 * One entry of the root: a mount that belongs nowhere yet, a node in the folder
 * of devices, or a link.
 */
struct sandbox_entry {
	const char *host; /* the configuration's */
	const char *inside; /* absolute, without "..", the configuration's */
	int flags; /* SANDBOX_PATH_* */
	int tree; /* detached mount, or the node; -1 for a link */
	bool folder;
	char *link; /* where the link leads, or NULL */
};

struct sandbox_plan {
	const struct sandbox_config *config;
	struct sandbox_entry *entries;
	unsigned int entry_count;
	int devices; /* what /dev will be, with nodes; detached */
	int ruleset; /* of Landlock; -1: the kernel has none */
	struct sock_fprog filter;
	/*
	 * Between both: the parent sends a byte when it is done with the maps,
	 * the child a struct sandbox_failure, or nothing: exec closes its end.
	 */
	int parent_end;
	int child_end;
};

#endif
