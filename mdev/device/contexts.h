/* SPDX-License-Identifier: MIT */
/*
 * Which contexts a guest has. A guest chooses their numbers; at most
 * CONTEXTS_MAX at a time, since each is a process of the render server.
 *
 *   there   in the guest and in the renderer
 *   lost    given up in the renderer; its number stays taken until the guest
 *           destroys it
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
	bool lost[CONTEXTS_MAX];
	unsigned int count;
};

/**
 * contexts_have - whether a context is there
 * @contexts: the table
 * @id: any value
 *
 * Return: true when it is, and not lost.
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
 * contexts_lose - the renderer has given it up
 * @contexts: the table
 * @id: any value
 */
void contexts_lose(struct contexts *contexts, uint32_t id);

/**
 * contexts_remove - forget a context
 * @contexts: the table
 * @id: any value
 *
 * Return: 1 when it was there, 0 when it was lost, -ENOENT.
 */
int contexts_remove(struct contexts *contexts, uint32_t id);

/**
 * contexts_any - some context, for taking them down one by one
 * @contexts: the table
 *
 * Return: its number, or 0 when there is none.
 */
uint32_t contexts_any(const struct contexts *contexts);

#endif
