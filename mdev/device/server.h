/* SPDX-License-Identifier: MIT */
/*
 * The render server: a process of virglrenderer's that has one worker for each
 * context, started here and not by virglrenderer, so that it is confined as
 * this process is and ends with it.
 *
 *   down     no process
 *   running  server_start() gave the socket away
 *   dead     it ended, or server_kill() was called: server_stop() leads to down
 *
 * Server and workers are a process group, so that all can be ended at once. In a
 * sandbox this process is process 1, to which the workers of a server that died
 * come: server_stop() reaps them.
 *
 * Owner: the renderer; owns the processes. Locking: the queue thread's alone,
 * since the kernel ends the server with the thread that started it; but
 * server_kill() may be called by any thread. The lock keeps the process number
 * from being used again meanwhile; it is never held over a call that waits.
 */
#ifndef DEVICE_SERVER_H
#define DEVICE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct server {
	const char *path;
	int pidfd; /* -1: down */
	pthread_mutex_t lock;
	pid_t pid; /* (lock) 0: down */
};

/**
 * server_init - no server yet
 * @server: what to fill
 * @path: the program; outlives it
 */
void server_init(struct server *server, const char *path);
void server_deinit(struct server *server);

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
 * server_kill - end it and its workers, and do not wait
 * @server: in any state
 */
void server_kill(struct server *server);

/**
 * server_stop - end it, and wait until it has
 * @server: in any state; down afterwards
 */
void server_stop(struct server *server);

#endif
