// SPDX-License-Identifier: MIT
/*
 * From the words of a lane to the scheduler's core.
 *
 * A gate need not ring for every submission and completion: it leaves records
 * with the times at which they happened, and here they are told to the core in
 * the order of those times, each at its own time as far as the core's clock
 * has not passed it. What the core then knows of holds, gaps and jobs is what
 * it would know had it been told at once.
 *
 * A gate can write what it likes. Times are bounded by now, and by the core at
 * the other end; ids only pair records of the same lane; counts are bounded.
 * So it can only spoil the estimates that the core keeps of this context.
 */
#include "scheduler/arbiter/internal.h"

#include <stdlib.h>

#define FEED_MAX (2 * LANE_JOBS + LANE_DEPTH_MAX)
/* More in one look than any gate can submit is no count. */
#define SUBMITS_MAX ((uint64_t)10000000)

struct feed_item {
	uint64_t at_ns;
	unsigned int order;
	bool completes;
	struct lane_job job;
};

struct feed {
	struct context *context;
	uint64_t now_ns;
	struct feed_item items[FEED_MAX];
	unsigned int count;
	unsigned int records;
	bool submitted; /* the core was told of a submission */
};

static struct tracked_job *job_find(struct context *context, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < LANE_DEPTH_MAX; i++)
		if (context->jobs[i].id == id)
			return &context->jobs[i];
	return NULL;
}

static bool jobs_in_flight(const struct context *context)
{
	unsigned int i;

	for (i = 0; i < LANE_DEPTH_MAX; i++)
		if (context->jobs[i].id)
			return true;
	return false;
}

static void feed_add(struct feed *feed, const struct lane_job *job,
		     bool completes)
{
	struct feed_item *item = &feed->items[feed->count];

	*item = (struct feed_item){
		.at_ns = completes ? job->complete_ns : job->submit_ns,
		.order = feed->count++,
		.completes = completes,
		.job = *job,
	};
}

static void job_bound(struct lane_job *job, uint64_t now_ns)
{
	job->complete_ns = min_time(job->complete_ns, now_ns);
	job->submit_ns = min_time(job->submit_ns, job->complete_ns);
	job->late_ns =
		min_time(job->late_ns, job->complete_ns - job->submit_ns);
	job->gpu_ns = min_time(job->gpu_ns, job->complete_ns - job->submit_ns);
}

/* Completions, and submissions that were completed before they were seen. */
static void feed_records(struct feed *feed)
{
	struct context *context = feed->context;
	struct lane_job job;

	while (feed->records < LANE_JOBS &&
	       lane_take_job(&context->lane, &job)) {
		feed->records++;
		job_bound(&job, feed->now_ns);
		if (!job.id)
			continue;
		if (!job_find(context, job.id))
			feed_add(feed, &job, false);
		feed_add(feed, &job, true);
	}
}

static bool is_completed(const struct feed *feed, uint64_t id)
{
	unsigned int i;

	for (i = 0; i < feed->count; i++)
		if (feed->items[i].completes && feed->items[i].job.id == id)
			return true;
	return false;
}

static void feed_running(struct feed *feed, struct lane_job *jobs,
			 unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		jobs[i].submit_ns = min_time(jobs[i].submit_ns, feed->now_ns);
		if (!job_find(feed->context, jobs[i].id) &&
		    !is_completed(feed, jobs[i].id))
			feed_add(feed, &jobs[i], false);
	}
}

static bool is_running(const struct lane_job *jobs, unsigned int count,
		       uint64_t id)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (jobs[i].id == id)
			return true;
	return false;
}

/* Jobs that ended without a record, because there was no room for it. */
static void feed_lost(struct feed *feed, const struct lane_job *jobs,
		      unsigned int count)
{
	struct context *context = feed->context;
	unsigned int i;

	for (i = 0; i < LANE_DEPTH_MAX; i++) {
		struct lane_job job = {
			.id = context->jobs[i].id,
			.submit_ns = context->jobs[i].job.submit_ns,
			.complete_ns = feed->now_ns,
			.engine = context->jobs[i].job.engine,
		};

		if (job.id && !is_running(jobs, count, job.id) &&
		    !is_completed(feed, job.id))
			feed_add(feed, &job, true);
	}
}

static int item_compare(const void *left, const void *right)
{
	const struct feed_item *a = left;
	const struct feed_item *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static enum tsched_engine engine_of(const struct lane_job *job)
{
	static const enum tsched_engine engines[LANE_ENGINES] = {
		[LANE_COMPUTE] = TSCHED_COMPUTE,
		[LANE_GRAPHICS] = TSCHED_GRAPHICS,
		[LANE_COPY] = TSCHED_COPY,
	};

	return engines[job->engine];
}

static enum tsched_seen seen_of(const struct lane_job *job)
{
	if (job->on_time)
		return TSCHED_SEEN_ON_TIME;
	return job->exact ? TSCHED_SEEN_MEASURED : TSCHED_SEEN_LATE;
}

void context_set_wants(struct context *context, bool wants)
{
	struct arbiter *arbiter = context->account->arbiter;

	if (context->wants == wants)
		return;
	context->wants = wants;
	context_note_wait(context);
	if (wants) {
		arbiter->wanting++;
		tsched_entity_want(&context->entity, arbiter->now_ns);
	} else {
		arbiter->wanting--;
		tsched_entity_idle(&context->entity, arbiter->now_ns);
	}
}

/* @waits: something has waited at the gate all the time, as far as is known. */
static void job_submitted(struct feed *feed, const struct feed_item *item,
			  bool waits)
{
	struct context *context = feed->context;
	struct tracked_job *tracked = job_find(context, 0);

	/* A gate that has more in flight than can be is lying. */
	if (!tracked)
		return;
	if (context == context->account->arbiter->holder)
		handoff_end(&context->account->arbiter->handoff, item->at_ns,
			    waits);
	if (context->open_ns)
		handoff_opened(&context->account->arbiter->handoff,
			       context->open_ns, item->at_ns);
	context->open_ns = 0;
	tracked->id = item->job.id;
	tsched_job_submit(&context->entity, &tracked->job,
			  engine_of(&item->job), 0, item->at_ns);
	feed->submitted = true;
}

/* Submitted early it waited for the last job of the hold before. */
static uint64_t run_time(const struct context *context,
			 const struct lane_job *job)
{
	uint64_t most_ns = job->complete_ns - context->hold_begin_ns;

	if (job->exact || job->submit_ns >= context->hold_begin_ns ||
	    job->complete_ns < context->hold_begin_ns)
		return job->gpu_ns;
	return min_time(job->gpu_ns, most_ns);
}

static void job_completed(struct feed *feed, const struct feed_item *item)
{
	struct context *context = feed->context;
	struct account *account = context->account;
	struct tracked_job *tracked = job_find(context, item->job.id);
	uint64_t gpu_ns = run_time(context, &item->job);

	if (!tracked)
		return;
	tracked->id = 0;
	tsched_job_complete(&context->entity, &tracked->job, gpu_ns,
			    seen_of(&item->job), item->at_ns);
	account->engine_ns[tracked->job.engine] += gpu_ns;
	if (context == account->arbiter->holder && !jobs_in_flight(context))
		handoff_idle(&account->arbiter->handoff,
			     item->at_ns - item->job.late_ns / 2);
	if (account->arbiter->config.policy == TSCHED_BEST_EFFORT)
		account->open_ns += gpu_ns;
}

/*
 * A gate stops wanting because what waited was submitted: to the core it is
 * busy without a break.
 */
static void feed_tell(struct feed *feed, bool wants)
{
	bool waits = wants && feed->context->wants;
	unsigned int i;

	for (i = 0; i < feed->count; i++) {
		if (feed->items[i].completes)
			job_completed(feed, &feed->items[i]);
		else
			job_submitted(feed, &feed->items[i], waits);
		if (!wants && feed->submitted)
			context_set_wants(feed->context, false);
	}
	context_set_wants(feed->context, wants);
}

static void count_submits(struct context *context)
{
	uint64_t total = lane_submitted_total(&context->lane);
	uint64_t more = total - context->submits;

	context->submits = total;
	if (more <= SUBMITS_MAX)
		context->account->submits += more;
}

/**
 * context_feed() - tell the core what a lane says
 * @context: any; one that takes no part is left alone
 *
 * Return: how many completions there were.
 */
unsigned int context_feed(struct context *context)
{
	struct lane_job running[LANE_DEPTH_MAX];
	struct feed feed;
	unsigned int running_count;

	if (!context->in_core || context == context->account->arbiter->early)
		return 0;
	feed.context = context;
	feed.now_ns = context->account->arbiter->now_ns;
	feed.count = 0;
	feed.records = 0;
	feed.submitted = false;
	/* In this order: what has left the one is in the other already. */
	running_count = lane_running(&context->lane, running);
	feed_records(&feed);
	feed_running(&feed, running, running_count);
	feed_lost(&feed, running, running_count);
	qsort(feed.items, feed.count, sizeof(*feed.items), item_compare);
	feed_tell(&feed, !context->killed && !context->stuck &&
				 lane_wanted(&context->lane));
	count_submits(context);
	return feed.records;
}
