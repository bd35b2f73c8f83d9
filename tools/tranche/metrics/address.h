/* SPDX-License-Identifier: MIT */
/*
 * Where the metrics are served: an address and a port of TCP.
 *
 * Stateless. Ownership: sockets are the caller's.
 */
#ifndef TRANCHE_METRICS_ADDRESS_H
#define TRANCHE_METRICS_ADDRESS_H

#include <sys/socket.h>

/* Beside other exporters of GPUs, which have ports from 9100 to 9999. */
#define ADDRESS_DEFAULT "127.0.0.1:12835"
#define ADDRESS_TEXT 80

/**
 * address_listen - open a port
 * @text: such as 127.0.0.1:12835 or [::1]:12835; port 0: any that is free
 *
 * Names are not looked up: a name server must not decide who may read.
 *
 * Return: a socket that listens, or a negative errno; told.
 */
int address_listen(const char *text);

/**
 * address_format - where a socket listens
 * @fd: the socket
 * @text: as address_listen() reads it
 *
 * Return: 0 or a negative errno.
 */
int address_format(int fd, char text[static ADDRESS_TEXT]);

#endif
