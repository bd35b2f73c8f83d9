// SPDX-License-Identifier: MIT
/*
 * Who is next may submit a job while the last one of the hold before still runs, or
 * the GPU would stand idle until the next gate has been woken.
 *
 * The core knows nothing of it: the hold before is charged until its last job has
 * ended, whatever that was expected to take, and what was submitted early is told
 * when the hold of that gate begins, as if it were submitted then. So it costs
 * nobody a share, and a job that never ends is never taken for another's.
 */
#include "scheduler/arbiter/internal.h"

/* What the holder has in flight. */
static struct handoff_drain drain_of(const struct tsched_entity *entity)
{
	return (struct handoff_drain){
		.run_ns = entity->run_since,
		.jobs = entity->inflight,
		.mean_ns = entity->jobs.mean_ns,
	};
}

/* A job that ran for longer than it was expected to may run for ever. */
static bool drain_is_known(const struct arbiter *arbiter,
			   const struct handoff_drain *drain)
{
	const struct context *holder = arbiter->holder;

	return drain->jobs && estimate_is_known(&holder->entity.jobs) &&
	       !holder->killed && !holder->stuck &&
	       arbiter->now_ns <
		       handoff_drain_end(drain) + arbiter->config.slice_ns;
}

void early_end(struct arbiter *arbiter)
{
	struct context *context = arbiter->early;

	if (!context)
		return;
	arbiter->early = NULL;
	lane_shut(context);
	context_feed(context);
}

/* Its lane is opened: what it does from now on belongs to its hold. */
void context_note_open(struct context *context)
{
	context->open_ns =
		context->wants ? context->account->arbiter->now_ns : 0;
	context->hold_submits = lane_submitted_total(&context->lane);
}

static void early_open(struct arbiter *arbiter, struct context *next)
{
	early_end(arbiter);
	arbiter->early = next;
	context_note_open(next);
	lane_tell_contended(next, true);
	lane_tell(next, 1, arbiter->now_ns + arbiter->config.lease_ns);
}

/* A hold begins: of the one that was let in early, or else of another. */
void early_grant(struct arbiter *arbiter, struct context *context)
{
	if (arbiter->early != context) {
		early_end(arbiter);
		return;
	}
	arbiter->early = NULL;
	context_feed(context);
}

uint64_t early_consider(struct arbiter *arbiter, struct context *next)
{
	const struct handoff_drain drain = drain_of(&arbiter->holder->entity);
	uint64_t lead_ns =
		handoff_lead(&arbiter->handoff, arbiter->config.slice_ns);
	uint64_t look_ns;

	if (!next || !next->wants || next->killed || next == arbiter->early)
		return TSCHED_NEVER;
	if (!lead_ns || !drain_is_known(arbiter, &drain))
		return TSCHED_NEVER;
	look_ns = handoff_look(&drain, lead_ns, arbiter->now_ns);
	if (arbiter->now_ns < look_ns)
		return look_ns;
	early_open(arbiter, next);
	return TSCHED_NEVER;
}
