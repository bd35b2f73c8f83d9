/* SPDX-License-Identifier: MIT */
/*
 * The HTTP side: /metrics, made anew for each request by asking the broker, and
 * a page / that names it. Whoever may connect may read; nothing can be changed.
 *
 * States: started until server_stop(). A broker that does not answer is told
 * once, and once more when it answers again; meanwhile tranche_up is 0.
 *
 * Ownership: owns its thread and, while started, the socket. Locking: one
 * thread, the server's own, has the broker and the messages while it is started.
 */
#ifndef TRANCHE_METRICS_SERVER_H
#define TRANCHE_METRICS_SERVER_H

struct server;

/**
 * server_start - serve
 * @server: the new one
 * @fd: a socket that listens; taken, whatever comes
 *
 * Return: 0 or a negative errno; told.
 */
int server_start(struct server **server, int fd);

/* server_stop - close all connections and free it */
void server_stop(struct server *server);

#endif
