/* SPDX-License-Identifier: MIT */
/*
 * Requests that were executed and wait for a fence of the renderer.
 *
 *   free     nothing waits in the slot
 *   pending  a request waits: its response goes out when the fence is done
 *   done     the renderer said so; the queue thread has yet to take it
 *
 * The renderer's fences carry our own numbers, never the guest's: the slot and
 * a serial, so that a late or repeated word about an old fence is harmless.
 *
 * Owner: the GPU (gpu.h). Locking: fences_signal() may be called from any
 * thread and takes no lock; everything else is the queue thread's alone.
 */
#ifndef DEVICE_FENCES_H
#define DEVICE_FENCES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* As many as requests can be under way in one queue. */
#define FENCES_MAX 256

struct fence {
	uint64_t number; /* 0: free */
	uint32_t context;
	uint16_t head; /* of the request's chain */
	uint32_t written; /* bytes of its response, written already */
};

struct fences {
	struct fence slots[FENCES_MAX];
	_Atomic uint64_t done[FENCES_MAX]; /* number last said to be done */
	uint64_t serial;
	unsigned int pending;
};

void fences_init(struct fences *fences);

/**
 * fences_add - a request waits for a fence
 * @fences: the table
 * @wanted: its context, head and written; copied
 *
 * Return: the fence's number, or 0 when FENCES_MAX wait already.
 */
uint64_t fences_add(struct fences *fences, const struct fence *wanted);

/**
 * fences_cancel - the request does not wait after all
 * @fences: the table
 * @number: as fences_add() gave it
 */
void fences_cancel(struct fences *fences, uint64_t number);

/**
 * fences_signal - a fence is done
 * @fences: the table
 * @number: any value
 */
void fences_signal(struct fences *fences, uint64_t number);

/**
 * fences_end_context - all fences of a context are done, since it is gone
 * @fences: the table
 * @context: its number
 */
void fences_end_context(struct fences *fences, uint32_t context);

/**
 * fences_take - take one request whose fence is done
 * @fences: the table
 * @fence: where it goes
 *
 * Return: true when there was one.
 */
bool fences_take(struct fences *fences, struct fence *fence);

/**
 * fences_drop - forget every request
 * @fences: the table
 */
void fences_drop(struct fences *fences);

#endif
