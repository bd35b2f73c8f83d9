/* SPDX-License-Identifier: MIT */
/*
 * Which contexts a guest has. A guest chooses their numbers; at most
 * CONTEXTS_MAX at a time, since each is a process of the render server.
 *
 * Owner: the GPU (gpu.h). Locking: the queue thread's alone.
 */
#ifndef DEVICE_CONTEXTS_H
#define DEVICE_CONTEXTS_H

#include <stdbool.h>
#include <stdint.h>

#define CONTEXTS_MAX 128

struct contexts {
	uint32_t ids[CONTEXTS_MAX];
	unsigned int count;
};

/**
 * contexts_have - whether a context exists
 * @contexts: the table
 * @id: any value
 *
 * Return: true when it does.
 */
bool contexts_have(const struct contexts *contexts, uint32_t id);

/**
 * contexts_add - note a new context
 * @contexts: the table
 * @id: any value
 *
 * Return: 0, -EINVAL for 0, -EEXIST, -ENOSPC.
 */
int contexts_add(struct contexts *contexts, uint32_t id);

/**
 * contexts_remove - forget a context
 * @contexts: the table
 * @id: any value
 *
 * Return: 0 or -ENOENT.
 */
int contexts_remove(struct contexts *contexts, uint32_t id);

#endif
