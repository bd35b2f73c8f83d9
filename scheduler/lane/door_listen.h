/* SPDX-License-Identifier: MIT */
/*
 * The arbiter's end of a door: listening, and who came in.
 *
 * Who may connect is decided by the permissions of the socket and its folder,
 * which are the business of whoever gives the path.
 *
 * No state of its own; descriptors are the caller's. Locking: none; nothing
 * here blocks.
 */
#ifndef SCHEDULER_LANE_DOOR_LISTEN_H
#define SCHEDULER_LANE_DOOR_LISTEN_H

#include <sys/types.h>

/**
 * door_listen - open a door
 * @path: where; a socket that is there is replaced, anything else is kept
 *
 * Return: a descriptor; -ENAMETOOLONG; -EADDRINUSE when something else than a
 * socket is there; another negative errno.
 */
int door_listen(const char *path);

/* door_accept - the next one who knocked; -EAGAIN when there is none */
int door_accept(int listen_fd);

/**
 * door_peer - who is at the other end
 * @fd: the connection
 * @pid: its number, as seen here
 *
 * Return: a pidfd of the process that connected; -ESRCH when it is gone;
 * another negative errno.
 */
int door_peer(int fd, pid_t *pid);

#endif
