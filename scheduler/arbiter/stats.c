// SPDX-License-Identifier: MIT
/* Figures: by second, by hold, and what an account was entitled to. */
#include "scheduler/arbiter/internal.h"

#include <stdlib.h>
#include <string.h>

#define FINE_BITS 3
#define FINE_STEPS (1u << FINE_BITS)
/* Who wanted the GPU this part of a second could have used more of it. */
#define BACKLOGGED_PERMILLE 950

/* 0..7 us each by itself, then eight to each power of two. */
static unsigned int fine_bucket(uint64_t wait_ns)
{
	uint64_t us = wait_ns / NS_PER_US;
	unsigned int power, bucket;

	if (us < FINE_STEPS)
		return us;
	power = 63 - __builtin_clzll(us);
	bucket = (power - FINE_BITS + 1) * FINE_STEPS +
		 ((us >> (power - FINE_BITS)) & (FINE_STEPS - 1));
	return bucket < WAIT_FINE_BUCKETS ? bucket : WAIT_FINE_BUCKETS - 1;
}

/* The longest wait that falls in a bucket. */
static uint32_t fine_bucket_us(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < FINE_STEPS)
		return bucket;
	shift = bucket / FINE_STEPS - 1;
	return ((FINE_STEPS + bucket % FINE_STEPS + 1) << shift) - 1;
}

static unsigned int coarse_bucket(uint64_t wait_ns)
{
	unsigned int bucket = 0;
	uint64_t us;

	for (us = wait_ns / NS_PER_US; us && bucket < ARBITER_WAIT_BUCKETS - 1;
	     us /= 4)
		bucket++;
	return bucket;
}

void account_note_grant(struct account *account, uint64_t wait_ns)
{
	struct wait_second *second =
		&account->seconds[account->arbiter->second % WAIT_SECONDS];

	account->wait_ns += wait_ns;
	account->waits[coarse_bucket(wait_ns)]++;
	second->counts[fine_bucket(wait_ns)]++;
}

/* A context waits while it wants the GPU and does not have it. */
void context_note_wait(struct context *context)
{
	struct account *account = context->account;
	struct arbiter *arbiter = account->arbiter;
	bool waits = context->wants && arbiter->holder != context;

	if (context->waits == waits)
		return;
	context->waits = waits;
	if (waits) {
		context->want_ns = arbiter->now_ns;
		if (!account->waiting++)
			account->waiting_since = arbiter->now_ns;
	} else if (!--account->waiting) {
		account->waited_ns += arbiter->now_ns - account->waiting_since;
	}
}

void hold_record(struct context *context)
{
	struct arbiter *arbiter = context->account->arbiter;
	struct arbiter_slice *slice =
		&arbiter->slices[arbiter->slice_count++ % SLICES_MAX];

	*slice = (struct arbiter_slice){
		.pid = context->pid,
		.want_ns = context->hold_want_ns,
		.begin_ns = context->hold_begin_ns,
		.end_ns = arbiter->now_ns,
		.submits = lane_submitted_total(&context->lane) -
			   context->hold_submits,
		.reason = context->hold_reason,
	};
	memcpy(slice->account, context->account->name, sizeof(slice->account));
}

uint64_t account_gpu_ns(struct account *account)
{
	struct tsched_entity_stats stats;

	tsched_entity_stats(&account->entity, account->arbiter->now_ns, &stats);
	return account->held_before_ns + account->open_ns + stats.gpu_ns;
}

static uint64_t account_waited_ns(const struct account *account)
{
	uint64_t waited = account->waited_ns;

	if (account->waiting)
		waited += account->arbiter->now_ns - account->waiting_since;
	return waited;
}

/* Of this second, @elapsed_ns long: what the account could have used. */
static uint32_t account_demand(struct account *account, uint64_t held_ns,
			       uint64_t elapsed_ns)
{
	uint64_t wanted_ns = held_ns + account_waited_ns(account) -
			     account->second_waited_ns;

	if (wanted_ns >= elapsed_ns * BACKLOGGED_PERMILLE / TSCHED_WHOLE)
		return SHARE_UNIT;
	return held_ns * SHARE_UNIT / elapsed_ns;
}

static uint32_t policy_limit(const struct account *account)
{
	const struct arbiter *arbiter = account->arbiter;
	uint32_t limit = account->settings.cap * (SHARE_UNIT / TSCHED_WHOLE);

	if (arbiter->config.policy == TSCHED_EQUAL)
		return min_time(limit, SHARE_UNIT / arbiter->gpu.vgpus);
	if (arbiter->config.policy == TSCHED_FIXED)
		return min_time(limit,
				SHARE_UNIT / account->settings.instances);
	return limit;
}

static struct share_item account_item(struct account *account,
				      uint64_t elapsed_ns)
{
	uint64_t gpu_ns = account_gpu_ns(account);
	uint64_t held_ns = gpu_ns - account->second_gpu_ns;
	uint32_t demand = account_demand(account, held_ns, elapsed_ns);
	bool fair = account->arbiter->config.policy == TSCHED_FAIR;

	account->share = held_ns * TSCHED_WHOLE / elapsed_ns;
	account->submits_per_s = (account->submits - account->second_submits) *
				 NS_PER_S / elapsed_ns;
	account->second_gpu_ns = gpu_ns;
	account->second_waited_ns = account_waited_ns(account);
	account->second_submits = account->submits;
	return (struct share_item){
		.weight = account->entity.weight_now,
		.limit = min_time(demand, policy_limit(account)),
		.reserved = fair ? account->settings.reservation *
					    (SHARE_UNIT / TSCHED_WHOLE)
				 : 0,
	};
}

/*
 * The two levels of the tree: first the GPU among tenants and the accounts
 * directly below it, then each tenant's part among its accounts.
 */
struct division {
	struct share_item *accounts; /* in the order of arbiter->accounts */
	struct share_item *top; /* tenants first, then accounts */
	struct share_item *group; /* one tenant's accounts */
	size_t top_count;
};

static void tenant_item(const struct arbiter *arbiter,
			const struct tenant *tenant,
			const struct division *division,
			struct share_item *item)
{
	const struct share_item *below = division->accounts;
	const struct account *account;
	uint64_t limit = 0, reserved = 0;

	for (account = arbiter->accounts; account;
	     account = account->next, below++) {
		if (account->tenant != tenant)
			continue;
		limit += below->limit;
		reserved += below->reserved;
	}
	*item = (struct share_item){
		.weight = tenant->entity.weight_now,
		.limit = min_time(limit, SHARE_UNIT),
		.reserved = min_time(reserved, SHARE_UNIT),
	};
}

static void divide_top(struct arbiter *arbiter, struct division *division)
{
	const struct tenant *tenant;
	const struct account *account;
	size_t i = 0;

	for (tenant = arbiter->tenants; tenant; tenant = tenant->next)
		tenant_item(arbiter, tenant, division,
			    &division->top[division->top_count++]);
	for (account = arbiter->accounts; account; account = account->next, i++)
		if (!account->tenant)
			division->top[division->top_count++] =
				division->accounts[i];
	share_divide(division->top, division->top_count, SHARE_UNIT);
}

/* @tenant: NULL for those without one, who have their part already. */
static void divide_below(struct arbiter *arbiter, struct division *division,
			 const struct tenant *tenant, uint32_t whole)
{
	struct account *account;
	size_t count = 0, i = 0;

	for (account = arbiter->accounts; account; account = account->next, i++)
		if (account->tenant == tenant)
			division->group[count++] = division->accounts[i];
	share_divide(division->group, count, whole);
	count = 0;
	for (account = arbiter->accounts; account; account = account->next)
		if (account->tenant == tenant)
			account->wanted = division->group[count++].share *
					  TSCHED_WHOLE / SHARE_UNIT;
}

static void divide(struct arbiter *arbiter, struct division *division)
{
	const struct tenant *tenant;
	struct account *account;
	size_t i = 0;

	divide_top(arbiter, division);
	for (tenant = arbiter->tenants; tenant; tenant = tenant->next)
		divide_below(arbiter, division, tenant,
			     division->top[i++].share);
	for (account = arbiter->accounts; account; account = account->next)
		if (!account->tenant)
			account->wanted = division->top[i++].share *
					  TSCHED_WHOLE / SHARE_UNIT;
}

static void second_end(struct arbiter *arbiter, uint64_t elapsed_ns)
{
	struct division division = {0};
	struct account *account;
	const struct tenant *tenant;
	size_t accounts = 0, tenants = 0, i = 0;
	struct share_item *items;

	for (account = arbiter->accounts; account; account = account->next)
		accounts++;
	for (tenant = arbiter->tenants; tenant; tenant = tenant->next)
		tenants++;
	items = calloc(3 * accounts + tenants + 1, sizeof(*items));
	/* A second without figures does no harm. */
	if (!items)
		return;
	division.accounts = items;
	division.group = items + accounts;
	division.top = items + 2 * accounts;
	for (account = arbiter->accounts; account; account = account->next)
		items[i++] = account_item(account, elapsed_ns);
	divide(arbiter, &division);
	free(items);
}

static void waits_forget(struct arbiter *arbiter)
{
	unsigned int now = arbiter->second % WAIT_SECONDS;
	struct account *account;

	for (account = arbiter->accounts; account; account = account->next)
		memset(&account->seconds[now], 0,
		       sizeof(account->seconds[now]));
}

/* Ends the second if it is over. */
void arbiter_roll(struct arbiter *arbiter)
{
	uint64_t elapsed = arbiter->now_ns - arbiter->second_ns;
	uint64_t seconds = elapsed / NS_PER_S;

	if (!seconds)
		return;
	if (arbiter->holder)
		context_feed(arbiter->holder);
	second_end(arbiter, elapsed);
	arbiter_tell_crowd(arbiter);
	for (seconds = min_time(seconds, WAIT_SECONDS); seconds; seconds--) {
		arbiter->second++;
		waits_forget(arbiter);
	}
	arbiter->second_ns = arbiter->now_ns;
}

static void waits_sum(const struct account *account, struct wait_second *sum)
{
	unsigned int i, j;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < WAIT_SECONDS; i++)
		for (j = 0; j < WAIT_FINE_BUCKETS; j++)
			sum->counts[j] += account->seconds[i].counts[j];
}

static uint32_t waits_percentile(const struct wait_second *sum,
				 unsigned int percent)
{
	uint64_t total = 0, below = 0;
	unsigned int i;

	for (i = 0; i < WAIT_FINE_BUCKETS; i++)
		total += sum->counts[i];
	if (!total)
		return 0;
	for (i = 0; i < WAIT_FINE_BUCKETS - 1; i++) {
		below += sum->counts[i];
		if (below * 100 >= total * percent)
			break;
	}
	return fine_bucket_us(i);
}

void account_fill_stats(struct account *account,
			struct arbiter_account_stats *stats)
{
	struct tsched_entity_stats core;
	struct wait_second waits;

	tsched_entity_stats(&account->entity, account->arbiter->now_ns, &core);
	waits_sum(account, &waits);
	*stats = (struct arbiter_account_stats){
		.gpu_ns = account_gpu_ns(account),
		.wait_ns = account->wait_ns,
		.throttled_ns =
			account->throttled_before_ns + core.throttled_ns,
		.submits = account->submits,
		.vram_used = account->vram_used,
		.vram_limit = account->settings.vram_limit,
		.contexts = account->joined,
		.kills = account->kills,
		.vram_refusals = account->vram_refusals,
		.stopped = account->stopped,
		.share = account->share,
		.wanted = account->wanted,
		.submits_per_s = account->submits_per_s,
		.wait_p50_us = waits_percentile(&waits, 50),
		.wait_p99_us = waits_percentile(&waits, 99),
	};
	memcpy(stats->engine_ns, account->engine_ns, sizeof(stats->engine_ns));
	memcpy(stats->waits, account->waits, sizeof(stats->waits));
}
