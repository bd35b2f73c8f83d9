// SPDX-License-Identifier: MIT
/* Tenants and accounts: the tree above the contexts, and its settings. */
#include "scheduler/arbiter/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "scheduler/lane/door_listen.h"

#define KILL_NS_MIN NS_PER_MS
#define KILL_NS_MAX (3600 * NS_PER_S)
#define SMALL_BYTES ((uint64_t)1 << 20)
#define SMALL_RESERVE_MAX ((uint64_t)16 << 20)

static bool settings_are_valid(const struct arbiter_settings *settings)
{
	return memchr(settings->tenant, 0, sizeof(settings->tenant)) &&
	       settings->weight >= TSCHED_WEIGHT_MIN &&
	       settings->weight <= TSCHED_WEIGHT_MAX && settings->cap >= 1 &&
	       settings->cap <= TSCHED_WHOLE &&
	       settings->reservation <= settings->cap &&
	       settings->latency < TSCHED_LATENCIES &&
	       settings->instances >= 1 &&
	       settings->instances <= TSCHED_INSTANCES_MAX &&
	       settings->kill_ns >= KILL_NS_MIN &&
	       settings->kill_ns <= KILL_NS_MAX &&
	       settings->guard_kills <= GUARD_KILLS_MAX;
}

struct account *account_find(struct arbiter *arbiter, const char *name)
{
	struct account *account = arbiter->accounts;

	while (account && strcmp(account->name, name))
		account = account->next;
	return account;
}

static struct tenant *tenant_find(struct arbiter *arbiter, const char *name)
{
	struct tenant *tenant = arbiter->tenants;

	while (tenant && strcmp(tenant->name, name))
		tenant = tenant->next;
	return tenant;
}

static int tenant_get(struct arbiter *arbiter, const char *name,
		      struct tenant **found)
{
	struct tenant *tenant = tenant_find(arbiter, name);
	int r;

	*found = tenant;
	if (!*name || tenant)
		return 0;
	tenant = calloc(1, sizeof(*tenant));
	if (!tenant)
		return -ENOMEM;
	strcpy(tenant->name, name);
	r = tsched_entity_add(&arbiter->gpu, &tenant->entity, TSCHED_TENANT,
			      NULL, arbiter->now_ns);
	if (r < 0) {
		free(tenant);
		return r;
	}
	tenant->next = arbiter->tenants;
	arbiter->tenants = tenant;
	*found = tenant;
	return 0;
}

/* Forgets a tenant that no account belongs to. */
static void tenant_put(struct arbiter *arbiter, struct tenant *tenant)
{
	struct tenant **link = &arbiter->tenants;

	if (!tenant || tenant->accounts)
		return;
	while (*link != tenant)
		link = &(*link)->next;
	*link = tenant->next;
	tsched_entity_remove(&tenant->entity, arbiter->now_ns);
	free(tenant);
}

/*
 * Limits that depend on each other: nothing stays changed on error. An entity
 * without a reservation takes every cap.
 */
static int limits_apply(struct account *account, uint32_t cap,
			uint32_t reservation)
{
	struct tsched_entity *entity = &account->entity;
	uint64_t now = account->arbiter->now_ns;
	uint32_t old_cap = entity->cap;
	uint32_t old_reservation = entity->reservation;
	int r;

	tsched_entity_set_reservation(entity, 0, now);
	r = tsched_entity_set_cap(entity, cap, now);
	if (r == 0)
		r = tsched_entity_set_reservation(entity, reservation, now);
	if (r == 0)
		return 0;
	tsched_entity_set_cap(entity, old_cap, now);
	tsched_entity_set_reservation(entity, old_reservation, now);
	return r;
}

static int settings_apply(struct account *account,
			  const struct arbiter_settings *settings)
{
	struct tsched_entity *entity = &account->entity;
	uint64_t now = account->arbiter->now_ns;
	struct context *context;
	int r = limits_apply(account, settings->cap, settings->reservation);

	if (r < 0)
		return r;
	tsched_entity_set_weight(entity, settings->weight, now);
	tsched_entity_set_latency(entity, settings->latency, now);
	tsched_entity_set_instances(entity, settings->instances, now);
	account->settings = *settings;
	for (context = account->contexts; context; context = context->next)
		if (context->in_core)
			tsched_entity_set_kill_limit(&context->entity,
						     settings->kill_ns, now);
	account_tell_vram(account);
	return 0;
}

/* Put the account below the tenant that its new settings name. */
static int account_join(struct account *account,
			const struct arbiter_settings *settings)
{
	struct arbiter *arbiter = account->arbiter;
	struct tenant *tenant;
	int r = tenant_get(arbiter, settings->tenant, &tenant);

	if (r < 0)
		return r;
	r = tsched_entity_add(&arbiter->gpu, &account->entity, TSCHED_VGPU,
			      tenant ? &tenant->entity : NULL, arbiter->now_ns);
	if (r < 0) {
		tenant_put(arbiter, tenant);
		return r;
	}
	account->tenant = tenant;
	if (tenant)
		tenant->accounts++;
	return settings_apply(account, settings);
}

static void account_leave(struct account *account)
{
	struct arbiter *arbiter = account->arbiter;
	struct tsched_entity_stats stats;

	tsched_entity_stats(&account->entity, arbiter->now_ns, &stats);
	account->held_before_ns += stats.gpu_ns;
	account->throttled_before_ns += stats.throttled_ns;
	tsched_entity_remove(&account->entity, arbiter->now_ns);
	if (account->tenant)
		account->tenant->accounts--;
	tenant_put(arbiter, account->tenant);
	account->tenant = NULL;
}

static int account_open(struct account *account, const char *door_path)
{
	int fd = door_listen(door_path);
	int r;

	if (fd < 0)
		return fd;
	strcpy(account->door_path, door_path);
	account->door = (struct source){
		.kind = SOURCE_DOOR,
		.fd = fd,
		.account = account,
	};
	r = source_watch(account->arbiter, &account->door, EPOLLIN);
	if (r < 0)
		unlink(door_path);
	return r;
}

int account_new(struct arbiter *arbiter, const char *name,
		const struct arbiter_settings *settings, const char *door_path)
{
	struct account *account;
	int r;

	if (!*name || strlen(name) >= ARBITER_NAME_MAX ||
	    !settings_are_valid(settings))
		return -EINVAL;
	if (account_find(arbiter, name))
		return -EEXIST;
	account = calloc(1, sizeof(*account));
	if (!account)
		return -ENOMEM;
	account->arbiter = arbiter;
	account->door.fd = -1;
	strcpy(account->name, name);
	r = account_join(account, settings);
	if (r == 0)
		r = account_open(account, door_path);
	if (r < 0) {
		if (account->entity.gpu)
			account_leave(account);
		source_forget(arbiter, &account->door);
		free(account);
		return r;
	}
	account->next = arbiter->accounts;
	arbiter->accounts = account;
	return 0;
}

/* To another tenant. Its contexts' debt among themselves is forgotten. */
static int account_move(struct account *account,
			const struct arbiter_settings *settings)
{
	struct arbiter_settings old = account->settings;
	struct context *context;
	int r;

	for (context = account->contexts; context; context = context->next)
		context_leave_core(context);
	account_leave(account);
	r = account_join(account, settings);
	if (r < 0) {
		if (account->entity.gpu)
			account_leave(account);
		/* It fitted before. */
		account_join(account, &old);
	}
	for (context = account->contexts; context; context = context->next)
		if (context->joined && !context->killed &&
		    context_enter_core(context) == 0)
			context_feed(context);
	return r;
}

int account_set(struct account *account,
		const struct arbiter_settings *settings)
{
	if (!settings_are_valid(settings))
		return -EINVAL;
	if (strcmp(settings->tenant, account->settings.tenant))
		return account_move(account, settings);
	return settings_apply(account, settings);
}

void account_free(struct account *account)
{
	struct arbiter *arbiter = account->arbiter;
	struct account **link = &arbiter->accounts;

	while (account->contexts) {
		if (!arbiter->stop)
			context_kill(account->contexts);
		context_end(account->contexts);
	}
	while (*link != account)
		link = &(*link)->next;
	*link = account->next;
	unlink(account->door_path);
	account_leave(account);
	source_forget(arbiter, &account->door);
	account->next = arbiter->dead_accounts;
	arbiter->dead_accounts = account;
}

void account_tell_vram(struct account *account)
{
	struct context *context;

	for (context = account->contexts; context; context = context->next)
		if (context->joined)
			lane_set_vram(&context->lane,
				      account->settings.vram_limit,
				      account->vram_used);
}

/*
 * Drivers make small allocations of their own at moments at which a refusal
 * ends the program; they may go a little beyond the limit.
 */
static uint64_t vram_limit_for(const struct account *account, uint64_t bytes)
{
	uint64_t limit = account->settings.vram_limit;
	uint64_t reserve = min_time(limit / 64, SMALL_RESERVE_MAX);

	if (bytes >= SMALL_BYTES || limit > UINT64_MAX - reserve)
		return limit;
	return limit + reserve;
}

int account_charge(struct context *context, uint64_t bytes)
{
	struct account *account = context->account;
	uint64_t limit = vram_limit_for(account, bytes);

	if (account->vram_used > limit || bytes > limit - account->vram_used) {
		account->vram_refusals++;
		arbiter_event(account->arbiter, ARBITER_VRAM_REFUSED, account,
			      context->pid, bytes);
		return -ENOSPC;
	}
	context->vram += bytes;
	account->vram_used += bytes;
	account_tell_vram(account);
	return 0;
}

void account_release(struct context *context, uint64_t bytes)
{
	uint64_t freed = min_time(bytes, context->vram);

	context->vram -= freed;
	context->account->vram_used -= freed;
	account_tell_vram(context->account);
}
