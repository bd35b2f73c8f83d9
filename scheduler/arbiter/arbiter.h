/* SPDX-License-Identifier: MIT */
/*
 * The arbiter of one physical GPU: gives the grant to one lane after the other
 * as scheduler/core decides, keeps the video memory accounts, ends contexts
 * whose jobs do not end, and keeps statistics. One thread of its own for each
 * arbiter; it never loads a GPU driver.
 *
 * It knows accounts (a vGPU, or a program of the host) below tenants. Each
 * account has a door (scheduler/lane/door.h); each process that comes in by it
 * is a context below that account.
 *
 * States of an account: active; stopped (its guard quota tripped: contexts are
 * refused and ended until arbiter_account_reset()).
 *
 * Ownership: the arbiter owns accounts, doors, lanes and the thread. Handles
 * are names: a string of the caller's, unique in this arbiter.
 *
 * Locking: every function may be called by any thread but from inside an
 * event callback. Events come on the arbiter's thread, without its lock.
 */
#ifndef SCHEDULER_ARBITER_ARBITER_H
#define SCHEDULER_ARBITER_ARBITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "scheduler/core/sched.h"

#define ARBITER_NAME_MAX 64
#define ARBITER_WAIT_BUCKETS TSCHED_WAIT_BUCKETS

struct arbiter;

/**
 * struct arbiter_settings - of an account; all may be changed live
 * @tenant: accounts with the same tenant share its weight, which is
 *	    TSCHED_WEIGHT_DEFAULT; "" for none
 * @weight: TSCHED_WEIGHT_MIN..TSCHED_WEIGHT_MAX
 * @cap: permille of the GPU, 1..1000
 * @reservation: permille of the GPU, 0..1000
 * @latency: class
 * @instances: for policy fixed
 * @vram_limit: bytes; what is in use beyond it stays, nothing more is given
 * @kill_ns: how long a job may run, 1 ms..1 h
 * @guard_kills: killed contexts within @guard_ns that stop the account; 0:
 *		 never; at most 64
 * @guard_ns: the window
 */
struct arbiter_settings {
	char tenant[ARBITER_NAME_MAX];
	uint32_t weight;
	uint32_t cap;
	uint32_t reservation;
	enum tsched_latency latency;
	uint32_t instances;
	uint64_t vram_limit;
	uint64_t kill_ns;
	uint32_t guard_kills;
	uint64_t guard_ns;
};

enum arbiter_event_kind {
	ARBITER_CONTEXT_JOINED,
	ARBITER_CONTEXT_LEFT,
	ARBITER_CONTEXT_KILLED, /* a job past the limit: SIGKILL was sent */
	ARBITER_ACCOUNT_STOPPED, /* guard quota */
	ARBITER_VRAM_REFUSED,
};

struct arbiter_event {
	enum arbiter_event_kind kind;
	const char *account;
	pid_t pid;
	uint64_t bytes; /* with VRAM_REFUSED */
};

struct arbiter_ops {
	void (*event)(void *owner, const struct arbiter_event *event);
};

struct arbiter_account_stats {
	uint64_t gpu_ns; /* time held */
	uint64_t wait_ns;
	uint64_t throttled_ns;
	uint64_t engine_ns[TSCHED_ENGINES];
	uint64_t submits;
	uint64_t vram_used;
	uint64_t vram_limit;
	uint32_t contexts;
	uint32_t kills;
	uint32_t vram_refusals;
	bool stopped;
	/* Permille of the last whole second, and what it was entitled to. */
	uint32_t share;
	uint32_t wanted;
	uint32_t submits_per_s;
	uint32_t wait_p50_us; /* of grants, over the last 10 s */
	uint32_t wait_p99_us;
	uint32_t waits[ARBITER_WAIT_BUCKETS]; /* as tsched_entity_stats */
};

struct arbiter_gpu_stats {
	uint64_t now_ns;
	uint64_t busy_ns;
	uint64_t idle_ns;
	uint64_t anticipate_ns;
	uint64_t holds;
	uint64_t vram_used;
	uint32_t contexts;
};

/* One hold, for traces. */
struct arbiter_slice {
	char account[ARBITER_NAME_MAX];
	pid_t pid;
	uint64_t want_ns; /* since when it waited */
	uint64_t begin_ns;
	uint64_t end_ns;
	uint32_t submits;
	uint8_t reason; /* enum tsched_reason: why it ended */
};

void arbiter_settings_init(struct arbiter_settings *settings);

/**
 * arbiter_new - begin to arbitrate a GPU
 * @arbiter: the new one
 * @config: of the scheduler
 * @ops: whom to tell
 * @owner: passed to @ops
 *
 * Return: 0 or a negative errno.
 */
int arbiter_new(struct arbiter **arbiter, const struct tsched_config *config,
		const struct arbiter_ops *ops, void *owner);

/*
 * arbiter_free - closes all lanes and doors; the gates stop submitting until
 * another arbiter adopts them
 */
void arbiter_free(struct arbiter *arbiter);

int arbiter_set_config(struct arbiter *arbiter,
		       const struct tsched_config *config);

/**
 * arbiter_account_add - let an account take part
 * @arbiter: the arbiter
 * @account: its name
 * @settings: copied
 * @door_path: where to listen; a socket that is there already is replaced.
 *	       Who may connect is decided by its permissions, which are the
 *	       caller's business
 *
 * Return: 0; -EEXIST; -EINVAL for a setting out of range; -ENOSPC when the
 * reservation does not fit; another negative errno.
 */
int arbiter_account_add(struct arbiter *arbiter, const char *account,
			const struct arbiter_settings *settings,
			const char *door_path);

/**
 * arbiter_account_set - change settings; in force within a slice
 *
 * Return: 0; -ENOENT; -EINVAL; -ENOSPC; nothing is changed on error.
 */
int arbiter_account_set(struct arbiter *arbiter, const char *account,
			const struct arbiter_settings *settings);

/* arbiter_account_reset - end its contexts and let it take part again */
int arbiter_account_reset(struct arbiter *arbiter, const char *account);

/* arbiter_account_remove - end its contexts (SIGKILL) and forget it */
int arbiter_account_remove(struct arbiter *arbiter, const char *account);

int arbiter_account_stats(struct arbiter *arbiter, const char *account,
			  struct arbiter_account_stats *stats);
int arbiter_gpu_stats(struct arbiter *arbiter, struct arbiter_gpu_stats *stats);

/**
 * arbiter_slices - copy the latest holds, oldest first
 * @arbiter: the arbiter
 * @after: sequence number of the last one seen, 0 for all; updated
 * @slices: filled in
 * @count: room
 *
 * Return: how many.
 */
size_t arbiter_slices(struct arbiter *arbiter, uint64_t *after,
		      struct arbiter_slice *slices, size_t count);

#endif
