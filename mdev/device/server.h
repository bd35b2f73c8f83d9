/* SPDX-License-Identifier: MIT */
/*
 * The render server: a process of virglrenderer's that has one worker for each
 * context, started here and not by virglrenderer, so that it is confined as
 * this process is and ends with it.
 *
 *   down     no process
 *   running  server_start() gave the socket away
 *
 * Owner: the renderer; owns the process. Locking: the queue thread's alone,
 * since the kernel ends the server with the thread that started it.
 */
#ifndef DEVICE_SERVER_H
#define DEVICE_SERVER_H

#include <stdbool.h>

struct server {
	const char *path;
	int pidfd; /* -1: down */
};

/**
 * server_init - no server yet
 * @server: what to fill
 * @path: the program; outlives it
 */
void server_init(struct server *server, const char *path);

/**
 * server_start - start it
 * @server: down
 *
 * Return: our end of its socket, the caller's, or a negative errno.
 */
int server_start(struct server *server);

/**
 * server_alive - whether it still runs
 * @server: in any state
 *
 * Return: true when it does.
 */
bool server_alive(const struct server *server);

/**
 * server_stop - end it, and wait until it has
 * @server: in any state; down afterwards
 */
void server_stop(struct server *server);

#endif
