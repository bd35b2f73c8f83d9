/* SPDX-License-Identifier: MIT */
/*
 * The renderer over virglrenderer: venus contexts in a render server.
 *
 * virglrenderer is one for a process, so there is at most one of these.
 *
 *   down  before virgl_init(), or when the server could not be started again
 *   up    virglrenderer is initialised, and the server was alive when we looked
 *
 * A server that dies takes all contexts with it; calls on them fail, and the
 * next begin() starts another.
 *
 * Owner: the program's main function. Locking: as renderer.h says; init and
 * deinit while no queue thread is there.
 */
#ifndef DEVICE_VIRGL_H
#define DEVICE_VIRGL_H

#include <pthread.h>
#include <stdbool.h>

#include "mdev/device/contexts.h"
#include "mdev/device/renderer.h"
#include "mdev/device/server.h"

/* To a context's worker; a copy of virglrenderer's own socket. */
struct virgl_line {
	uint32_t context; /* 0: none */
	int fd;
};

struct virgl {
	struct renderer renderer;
	struct server server;
	bool up;
	pthread_mutex_t
		lock; /* of the lines; not held over a call that waits */
	struct virgl_line lines[CONTEXTS_MAX];
};

/**
 * virgl_init - start virglrenderer and its server
 * @virgl: what to fill; does not move until virgl_deinit()
 * @server: path of the render server; outlives it
 *
 * Return: 0 or negative errno.
 */
int virgl_init(struct virgl *virgl, const char *server);
void virgl_deinit(struct virgl *virgl);

#endif
