/* SPDX-License-Identifier: MIT */
/*
 * Who may open a GPU's render node: each vGPU's user gets an entry in the
 * node's access control list for as long as the vGPU is there. A node that
 * everybody may open is left alone.
 *
 * Stateless: the list is the file's. Locking: none; entries of others are kept,
 * but two processes that change one list at a time may undo each other.
 */
#ifndef BROKER_NODE_H
#define BROKER_NODE_H

#include <sys/types.h>

/* node_grant - Return: 0 or a negative errno */
int node_grant(const char *path, uid_t uid);

/* node_revoke - without an entry nothing happens */
int node_revoke(const char *path, uid_t uid);

#endif
