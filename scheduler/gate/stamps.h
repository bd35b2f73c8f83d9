/* SPDX-License-Identifier: MIT */
/*
 * The stamps of one queue: a few slots, each with two queries, the command
 * buffers that write them before and behind a job, and where their results come
 * to lie in memory that the host sees. So the results are read without a call of
 * the driver: some drivers wait for all that was submitted before they answer
 * one, and what the gate holds is among that.
 *
 * All is made and recorded once. Then taking a slot is one atomic operation, and
 * the driver is told nothing but two command buffers more.
 *
 * States of a slot:
 *
 *   free   stamps_begin() -> taken
 *   taken  part of a submission; stamps_end() when that was seen complete
 *          -> free. One of a submission that failed is never used again: the
 *          driver may have it all the same
 *
 * While it is not known whether stamps are cheap (stamp.h), some submissions are
 * stamped and others are not: a *probe*. The verdict is the queue family's.
 *
 * Ownership: a queue owns its stamps. Its memory is not the application's and not
 * charged: a buffer of some hundred bytes, and one allocation.
 *
 * Locking: slots are taken by who submits to the queue, one at a time, and freed
 * by who sees the end; the samples of the probe are under the queue's lock.
 */
#ifndef TRANCHE_GATE_STAMPS_H
#define TRANCHE_GATE_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#include "scheduler/gate/batch.h"
#include "scheduler/gate/stamp.h"

struct device;
struct stamps;

/* What a submission has of them; zeroed: nothing. */
struct stamp {
	uint32_t slot; /* from 1 */
	bool probed;
	uint64_t call_ns; /* of a probed one; the caller's to set */
};

/**
 * stamps_new() - Make the stamps of a queue
 * @device:	whose
 * @family:	of the queue
 *
 * Return: NULL where they are not possible, or known to be dear.
 */
struct stamps *stamps_new(struct device *device, uint32_t family);

/* stamps_free() - Nothing of the queue is in flight; may be NULL */
void stamps_free(struct stamps *stamps);

/**
 * stamps_begin() - Stamp a submission, or not
 * @stamps:	of its queue
 * @stamp:	filled in
 * @passes:	whether it goes to the driver at once; only such are probed
 *
 * Return: the command buffers to put around it, if it is to be stamped.
 */
struct batch_stamps stamps_begin(struct stamps *stamps, struct stamp *stamp,
				 bool passes);

/**
 * stamps_end() - A submission is complete
 * @stamps:	of its queue
 * @stamp:	what stamps_begin() filled in
 * @most_ns:	the time since it was submitted
 * @ns:		how long it ran
 *
 * Return: false if that is not known by stamps.
 */
bool stamps_end(struct stamps *stamps, const struct stamp *stamp,
		uint64_t most_ns, uint64_t *ns);

/**
 * stamps_probe() - A probed submission was seen complete on time
 * @stamps:	of its queue
 * @stamp:	what stamps_begin() filled in
 * @whole_ns:	the time from the call to the end
 */
void stamps_probe(struct stamps *stamps, const struct stamp *stamp,
		  uint64_t whole_ns);

#endif
