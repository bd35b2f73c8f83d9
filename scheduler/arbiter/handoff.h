/* SPDX-License-Identifier: MIT */
/*
 * What it costs to hand the GPU on: how long it stands idle between the last job
 * of one hold and the first of the next, whose owner waited for it. Microseconds
 * where the processor is fast and free; milliseconds where it is neither, as
 * inside a virtual machine. A slice is to be long beside that, where nobody minds.
 *
 * States: idle_ns 0: no job was complete yet; awaited: a hold began that is
 * counted, its first job ends the handoff.
 *
 * The owner embeds it, zeroed. Locking: none, the caller serialises.
 */
#ifndef SCHEDULER_ARBITER_HANDOFF_H
#define SCHEDULER_ARBITER_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

/* A slice is to last so many handoffs, but no longer than so many slices. */
#define HANDOFF_PARTS 32
#define HANDOFF_STRETCH_MAX 8

struct handoff {
	uint64_t idle_ns; /* since when the GPU is idle, as far as is known */
	bool awaited;
	uint64_t mean_ns;
};

/**
 * handoff_idle - a job of the holder's was complete
 * @handoff: the GPU's
 * @at_ns: when it was seen
 */
void handoff_idle(struct handoff *handoff, uint64_t at_ns);

/**
 * handoff_grant - a hold begins
 * @handoff: the GPU's
 * @want_ns: since when its owner waits; who came after the last job's end is not
 *	     counted
 */
void handoff_grant(struct handoff *handoff, uint64_t want_ns);

/**
 * handoff_end - the holder has submitted a job
 * @handoff: the GPU's
 * @at_ns: when
 *
 * The mean moves by an eighth. What is much longer, when a process had to wait for
 * the processor, counts as a few means.
 */
void handoff_end(struct handoff *handoff, uint64_t at_ns);

/**
 * handoff_slice - how long slices may be (tsched_gpu_set_stretch())
 * @handoff: the GPU's
 * @slice_ns: how long they are without this
 *
 * Return: HANDOFF_PARTS handoffs, but @slice_ns at least and HANDOFF_STRETCH_MAX
 * times that at most.
 */
uint64_t handoff_slice(const struct handoff *handoff, uint64_t slice_ns);

#endif
