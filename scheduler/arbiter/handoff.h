/* SPDX-License-Identifier: MIT */
/*
 * How long the GPU stands idle although the next job waits for it: when it is
 * handed on, from the last job of one hold to the first of the next; and when it is
 * kept, from one job of a hold to the next. Microseconds where the processor is
 * fast and free; milliseconds where it is neither, as inside a virtual machine. A
 * slice is to be long beside the one, and jobs are queued for the sake of the
 * other, where nobody minds. And when the next gate is to be told, so that it is not
 * late.
 *
 * States: idle_ns 0: jobs are in flight, or none has been yet; awaited: a hold
 * began that is counted, its first job ends the handoff.
 *
 * The owner embeds it, zeroed. Locking: none, the caller serialises.
 */
#ifndef SCHEDULER_ARBITER_HANDOFF_H
#define SCHEDULER_ARBITER_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

/* A slice is to last so many handoffs, but no longer than so many slices. */
#define HANDOFF_PARTS 32
#define HANDOFF_STRETCH_MAX 16

/* A gate is told so many times earlier than it takes to submit. */
#define HANDOFF_LEADS 2

struct handoff {
	uint64_t idle_ns; /* since when the GPU is idle, as far as is known */
	bool awaited;
	uint64_t mean_ns; /* of handoffs */
	uint64_t next_mean_ns; /* from job to job */
	uint64_t open_mean_ns; /* from opening a gate to its first job */
};

/* What runs out of a hold that is revoked, as far as is known. */
struct handoff_drain {
	uint64_t run_ns; /* since when its first job runs */
	uint64_t jobs; /* in flight */
	uint64_t mean_ns; /* that one of them takes */
};

/**
 * handoff_idle - the last job that was in flight of the holder's was complete
 * @handoff: the GPU's
 * @at_ns: when it ended, as well as is known
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
 * @waited: it had been waiting for those in flight to end
 *
 * The means move by an eighth. What is much longer, when a process had to wait for
 * the processor, counts as a few means.
 */
void handoff_end(struct handoff *handoff, uint64_t at_ns, bool waited);

/**
 * handoff_opened - a gate at which a job had waited was opened, and let it pass
 * @handoff: the GPU's
 * @open_ns: when it was opened
 * @at_ns: when the job was submitted
 */
void handoff_opened(struct handoff *handoff, uint64_t open_ns, uint64_t at_ns);

/**
 * handoff_lead - how long before the end of a hold's last job the next gate is to be
 * told
 * @handoff: the GPU's
 * @slice_ns: the longest that this may be
 *
 * Return: HANDOFF_LEADS of the times from opening to submission; 0 while none is
 * known.
 */
uint64_t handoff_lead(const struct handoff *handoff, uint64_t slice_ns);

/**
 * handoff_drain_end - when the last job is likely to have ended
 * @drain: what runs out
 *
 * Return: on the clock of @drain.
 */
uint64_t handoff_drain_end(const struct handoff_drain *drain);

/**
 * handoff_look - when to look again at what runs out
 * @drain: what is known of it now
 * @lead_ns: how long before its end the next gate is to be told
 * @now_ns: the time
 *
 * While several jobs are in flight that is half-way: they may be shorter than the
 * mean, or some of them have ended that are not seen yet. Not more often than once
 * in a job.
 *
 * Return: not after @now_ns when the gate is to be told.
 */
uint64_t handoff_look(const struct handoff_drain *drain, uint64_t lead_ns,
		      uint64_t now_ns);

/**
 * handoff_slice - how long slices may be (tsched_gpu_set_stretch())
 * @handoff: the GPU's
 * @slice_ns: how long they are without this
 *
 * Return: HANDOFF_PARTS handoffs, or times from opening a gate to its first job if
 * they are longer, but @slice_ns at least and HANDOFF_STRETCH_MAX
 * times that at most.
 */
uint64_t handoff_slice(const struct handoff *handoff, uint64_t slice_ns);

/**
 * handoff_ahead - what may be queued behind a job (tsched_gpu_set_ahead())
 * @handoff: the GPU's
 * @slice_ns: as for handoff_slice()
 *
 * Return: HANDOFF_PARTS of the times from job to job, or handoffs if they are
 * longer, HANDOFF_STRETCH_MAX slices at most; 0 if that is no more than a slice.
 */
uint64_t handoff_ahead(const struct handoff *handoff, uint64_t slice_ns);

#endif
