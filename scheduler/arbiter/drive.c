// SPDX-License-Identifier: MIT
/* From the core's decisions to the lanes. */
#include "scheduler/arbiter/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TICK_FIRST_NS NS_PER_MS
#define TICK_MAX_NS (100 * NS_PER_MS)
#define STUCK_LOOK_NS (20 * NS_PER_MS)

/* So often that no lease ends between two looks. */
static uint64_t tick_max(const struct arbiter *arbiter)
{
	return min_time(TICK_MAX_NS, arbiter->config.lease_ns / 4);
}

static void tick_at(struct arbiter *arbiter, uint64_t at_ns)
{
	arbiter->tick_ns = min_time(arbiter->tick_ns, at_ns);
}

/* A holder that others wait for rings, and the core looks at it anyway. */
static void tick_restart(struct arbiter *arbiter, bool contended)
{
	arbiter->tick_interval_ns =
		contended ? tick_max(arbiter) : TICK_FIRST_NS;
	tick_at(arbiter, arbiter->now_ns + arbiter->tick_interval_ns);
}

/*
 * Whether a signal or a tracer has stopped the process: its lane will not move
 * until somebody lets it go on.
 */
static bool context_is_stopped(const struct context *context)
{
	char path[32], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)context->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	/* The name before it may hold anything. */
	end = strrchr(text, ')');
	return end && (!strncmp(end, ") T", 3) || !strncmp(end, ") t", 3));
}

static void context_set_stuck(struct context *context, bool stuck)
{
	struct arbiter *arbiter = context->account->arbiter;

	if (context->stuck == stuck)
		return;
	context->stuck = stuck;
	if (!stuck) {
		arbiter->stuck--;
		context_feed(context);
		return;
	}
	arbiter->stuck++;
	context_set_wants(context, false);
	tick_at(arbiter, arbiter->now_ns + STUCK_LOOK_NS);
}

int context_enter_core(struct context *context)
{
	struct account *account = context->account;
	struct arbiter *arbiter = account->arbiter;
	int r = tsched_entity_add(&arbiter->gpu, &context->entity,
				  TSCHED_CONTEXT, &account->entity,
				  arbiter->now_ns);

	if (r < 0)
		return r;
	tsched_entity_set_kill_limit(
		&context->entity, account->settings.kill_ns, arbiter->now_ns);
	memset(context->jobs, 0, sizeof(context->jobs));
	context->in_core = true;
	arbiter->lanes_stale = true;
	return 0;
}

/* Nothing more may pass; what is in flight goes on. */
void lane_shut(struct context *context)
{
	context->open = false;
	lane_revoke(&context->lane);
}

void context_leave_core(struct context *context)
{
	struct arbiter *arbiter = context->account->arbiter;

	if (!context->in_core)
		return;
	lane_shut(context);
	context_set_stuck(context, false);
	if (arbiter->early == context)
		arbiter->early = NULL;
	context_set_wants(context, false);
	tsched_entity_remove(&context->entity, arbiter->now_ns);
	context->in_core = false;
	if (arbiter->holder == context)
		arbiter_end_hold(arbiter, TSCHED_BY_NONE);
}

/* The hold is over in the core; @reason: why, if it was not revoked. */
void arbiter_end_hold(struct arbiter *arbiter, enum tsched_reason reason)
{
	struct context *context = arbiter->holder;

	if (!context)
		return;
	if (!context->draining)
		context->hold_reason = reason;
	context->draining = false;
	arbiter->holder = NULL;
	hold_record(context);
	context_note_wait(context);
}

static void holder_release(struct arbiter *arbiter)
{
	tsched_hold_end(&arbiter->holder->entity, arbiter->now_ns);
	arbiter_end_hold(arbiter, TSCHED_BY_NONE);
}

/*
 * A revoked holder's last job was seen complete: it is released. One that is
 * stopped is released when its lease has ended: what it has in flight may be on
 * the GPU still, and is watched for the kill limit.
 */
static void drain_check(struct arbiter *arbiter)
{
	struct context *context = arbiter->holder;

	if (!context || !context->draining)
		return;
	if (lane_in_flight(&context->lane)) {
		if (arbiter->now_ns < context->lease_ns ||
		    !context_is_stopped(context))
			return;
		context_set_stuck(context, true);
	}
	context_feed(context);
	holder_release(arbiter);
}

static bool is_contended(const struct arbiter *arbiter)
{
	return arbiter->wanting > arbiter->holder->wants;
}

/* Open the lane, or tell it what has changed. */
void lane_tell(struct context *context, uint32_t depth, uint64_t lease_ns)
{
	uint64_t lease = context->account->arbiter->config.lease_ns;

	if (!context->open || context->depth != depth)
		lane_grant(&context->lane, depth, lease_ns);
	else if (lease_ns > context->lease_ns + lease / 8)
		lane_renew(&context->lane, lease_ns);
	else
		return;
	context->open = true;
	context->depth = depth;
	context->lease_ns = lease_ns;
}

/* Return: whether it was not contended before. */
bool lane_tell_contended(struct context *context, bool contended)
{
	if (context->contended == contended)
		return false;
	context->contended = contended;
	lane_set_contended(&context->lane, contended);
	return contended;
}

static struct context *context_of(struct tsched_entity *entity)
{
	char *start = (char *)entity - offsetof(struct context, entity);

	return (struct context *)start;
}

/* What it costs to hand the GPU on, and to give it the next job. */
static void handoff_tell(struct arbiter *arbiter)
{
	const struct handoff *handoff = &arbiter->handoff;
	uint64_t slice_ns = arbiter->config.slice_ns;

	tsched_gpu_set_stretch(&arbiter->gpu, handoff_slice(handoff, slice_ns));
	tsched_gpu_set_ahead(&arbiter->gpu, handoff_ahead(handoff, slice_ns));
}

static void hold_begin(struct arbiter *arbiter, struct context *context)
{
	handoff_grant(&arbiter->handoff, context->want_ns);
	handoff_tell(arbiter);
	arbiter->holder = context;
	context->draining = false;
	context->hold_begin_ns = arbiter->now_ns;
	context->hold_want_ns = context->want_ns;
	if (arbiter->early != context)
		context_note_open(context);
	account_note_grant(context->account,
			   arbiter->now_ns - context->want_ns);
	context_note_wait(context);
}

static void hold_grant(struct arbiter *arbiter, const struct tsched_decision *d)
{
	struct context *context = context_of(d->entity);
	bool contended;

	hold_begin(arbiter, context);
	contended = is_contended(arbiter);
	lane_tell_contended(context, contended);
	lane_tell(context, d->depth, d->lease_ns);
	tick_restart(arbiter, contended);
	early_grant(arbiter, context);
}

/* Return: whether the holder is to be looked at again. */
static bool hold_keep(struct arbiter *arbiter, const struct tsched_decision *d)
{
	struct context *context = arbiter->holder;

	lane_tell(context, d->depth, d->lease_ns);
	if (!lane_tell_contended(context, is_contended(arbiter)))
		return false;
	/* It rings from now on; what it did before is to be seen here. */
	context_feed(context);
	return true;
}

static void hold_revoke(struct arbiter *arbiter,
			const struct tsched_decision *d)
{
	struct context *context = context_of(d->entity);

	/* What was granted may be revoked in one decision. */
	if (!arbiter->holder)
		hold_begin(arbiter, context);
	lane_shut(context);
	context_feed(context);
	context->draining = true;
	context->hold_reason = d->reason;
	/* It wants, was granted, and did nothing: let nobody wait for it. */
	if (context->wants &&
	    lane_submitted_total(&context->lane) == context->hold_submits &&
	    context_is_stopped(context))
		context_set_stuck(context, true);
}

/* When to look again at a holder that drains; @next: who is likely to be next. */
static uint64_t drain_wake(struct arbiter *arbiter, struct tsched_entity *next)
{
	uint64_t wake_ns = arbiter->holder->lease_ns;

	if (arbiter->now_ns >= wake_ns)
		wake_ns = arbiter->now_ns + STUCK_LOOK_NS;
	if (!next)
		return wake_ns;
	return min_time(wake_ns, early_consider(arbiter, context_of(next)));
}

static void lanes_open(struct arbiter *arbiter)
{
	uint64_t lease_ns = arbiter->now_ns + arbiter->config.lease_ns;
	struct account *account;
	struct context *context;

	if (!arbiter->lanes_stale)
		return;
	arbiter->lanes_stale = false;
	for (account = arbiter->accounts; account; account = account->next)
		for (context = account->contexts; context;
		     context = context->next)
			if (context->in_core && !context->killed)
				lane_tell(context, arbiter->config.depth_max,
					  lease_ns);
	tick_at(arbiter, arbiter->now_ns + tick_max(arbiter));
}

/*
 * A lane that is not the holder's rings when all of its jobs have ended, not for
 * each, and a gate that came from an earlier arbiter may have several: what ran
 * for too long, as far as the core knows, may have ended long ago.
 */
static void overrun_check(struct context *context)
{
	if (!context_feed(context))
		context_overran(context);
}

/* Return: whether to ask again. */
static bool decision_apply(struct arbiter *arbiter,
			   const struct tsched_decision *d)
{
	arbiter->wake_ns = d->wake_ns;
	switch (d->verdict) {
	case TSCHED_GRANT:
		hold_grant(arbiter, d);
		return true;
	case TSCHED_REVOKE:
		hold_revoke(arbiter, d);
		return true;
	case TSCHED_KILL:
		overrun_check(context_of(d->entity));
		return true;
	case TSCHED_KEEP:
		return hold_keep(arbiter, d);
	case TSCHED_DRAIN:
		arbiter->wake_ns =
			min_time(d->wake_ns, drain_wake(arbiter, d->next));
		return false;
	case TSCHED_OPEN:
		early_end(arbiter);
		lanes_open(arbiter);
		return false;
	default:
		early_end(arbiter);
		return false;
	}
}

void arbiter_decide(struct arbiter *arbiter)
{
	unsigned int limit = 2 * arbiter->contexts + 8;
	struct tsched_decision decision;

	if (arbiter->holder)
		context_feed(arbiter->holder);
	do {
		drain_check(arbiter);
		tsched_decide(&arbiter->gpu, arbiter->now_ns, &decision);
	} while (decision_apply(arbiter, &decision) && --limit);
	if (!limit)
		arbiter->wake_ns = arbiter->now_ns;
}

/* Return: the most completions that one of them had. */
static unsigned int feed_all(struct arbiter *arbiter)
{
	unsigned int most = 0;
	struct account *account;
	struct context *context;

	for (account = arbiter->accounts; account; account = account->next) {
		for (context = account->contexts; context;
		     context = context->next) {
			unsigned int records = context_feed(context);

			most = records > most ? records : most;
			if (context->stuck && !context_is_stopped(context))
				context_set_stuck(context, false);
		}
	}
	return most;
}

/* Look more often at a lane that fills its ring, else less and less often. */
static void tick_adapt(struct arbiter *arbiter, unsigned int records)
{
	uint64_t interval = arbiter->tick_interval_ns;

	if (records > LANE_JOBS / 2 && interval > TICK_FIRST_NS)
		interval /= 2;
	else if (records < LANE_JOBS / 8)
		interval *= 2;
	arbiter->tick_interval_ns = min_time(interval, tick_max(arbiter));
}

/*
 * A lone holder need not ring: it is looked at now and then, and its lease
 * renewed, as long as its process lives (else it is no longer here) and no job
 * is past the kill limit (else the core has it killed).
 */
void arbiter_tick(struct arbiter *arbiter)
{
	bool open = arbiter->config.policy == TSCHED_BEST_EFFORT;
	struct context *holder = arbiter->holder;
	unsigned int records = 0;

	if (arbiter->now_ns < arbiter->tick_ns)
		return;
	arbiter->tick_ns = TSCHED_NEVER;
	if (open || arbiter->stuck)
		records = feed_all(arbiter);
	else if (holder)
		records = context_feed(holder);
	if (holder && !holder->draining && !is_contended(arbiter) &&
	    !holder->killed)
		tsched_hold_renew(&holder->entity, arbiter->now_ns);
	handoff_tell(arbiter);
	arbiter->lanes_stale |= open;
	tick_adapt(arbiter, records);
	if (holder || (open && arbiter->contexts))
		tick_at(arbiter, arbiter->now_ns + arbiter->tick_interval_ns);
	if (arbiter->stuck)
		tick_at(arbiter, arbiter->now_ns + STUCK_LOOK_NS);
}
