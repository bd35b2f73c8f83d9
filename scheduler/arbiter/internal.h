/* SPDX-License-Identifier: MIT */
/*
 * What the arbiter's files share and nobody outside uses.
 *
 *   arbiter.c   the interface, the thread
 *   loop.c      what the thread waits for, and how much it does for whom
 *   account.c   tenants and accounts, their settings
 *   context.c   who came in by a door, until it is gone
 *   feed.c      from the words of a lane to the scheduler's core
 *   drive.c     from the core's decisions to the lanes
 *   early.c     who is next, before the hold before has ended
 *   handoff.c   what it costs to hand the GPU on, and how long slices may be for it
 *   crowd.c     how many accounts work for each processor
 *   stats.c     figures, per second and per hold
 *   share.c     what a policy entitles to
 *
 * States of a context: pending (connected, no HELLO yet), joined (it has a
 * lane and takes part), killed (SIGKILL was sent, the lane is closed; it keeps
 * its hold until the process is gone or REAP_NS have passed), ended (waits in
 * arbiter->garbage until no event can point to it).
 *
 * Ownership: the arbiter owns everything. Locking: all of it by arbiter->lock;
 * functions named arbiter_* in this header want it held.
 */
#ifndef SCHEDULER_ARBITER_INTERNAL_H
#define SCHEDULER_ARBITER_INTERNAL_H

#include <pthread.h>
#include <stddef.h>

#include "scheduler/arbiter/arbiter.h"
#include "scheduler/arbiter/handoff.h"
#include "scheduler/arbiter/share.h"
#include "scheduler/lane/lane.h"

#define NS_PER_US ((uint64_t)1000)
#define NS_PER_MS ((uint64_t)1000000)
#define NS_PER_S ((uint64_t)1000000000)

#define CONTEXTS_MAX 4096 /* of an arbiter */
#define ACCOUNT_CONTEXTS_MAX 256
#define ACCOUNT_PENDING_MAX 64
#define SLICES_MAX 65536
#define GUARD_KILLS_MAX 64
#define WAIT_SECONDS 10
#define WAIT_FINE_BUCKETS 208

struct context;
struct account;

/* Something that epoll reports. */
enum source_kind {
	SOURCE_KICK,
	SOURCE_DOOR,
	SOURCE_CONNECTION,
	SOURCE_BELL,
	SOURCE_PROCESS,
};

struct source {
	enum source_kind kind;
	int fd; /* -1: not watched */
	uint32_t events;
	bool muted; /* in arbiter->muted */
	struct source *next_muted;
	struct account *account;
	struct context *context;
};

/* A job of a lane that the core has been told of; id 0: none. */
struct tracked_job {
	uint64_t id;
	struct tsched_job job;
};

struct context {
	struct account *account;
	struct context *next; /* of the account; or in arbiter->garbage */
	struct source connection;
	struct source bell;
	struct source process;
	pid_t pid;
	bool joined;
	bool killed;
	bool ended;
	uint64_t reap_ns; /* killed: when it loses its hold */
	uint64_t vram;

	struct lane lane;
	uint64_t lane_inode; /* says which memory it is */
	struct tsched_entity entity;
	bool in_core;
	bool wants;
	bool waits; /* wants and does not hold */
	bool stuck; /* stopped by a signal: left out until it goes on */
	uint64_t want_ns; /* since when it waits */
	uint64_t submits; /* counted so far */
	uint64_t second_submits; /* at the begin of this second */
	struct tracked_job jobs[LANE_DEPTH_MAX];

	/* What the lane was told. */
	bool open;
	bool contended;
	uint32_t depth;
	uint64_t lease_ns;
	uint64_t open_ns; /* when it was, for what has waited there; or 0 */

	/* Of its hold. */
	uint64_t hold_begin_ns;
	uint64_t hold_want_ns;
	uint64_t hold_submits;
	enum tsched_reason hold_reason;
	bool draining;
};

struct tenant {
	char name[ARBITER_NAME_MAX];
	struct tsched_entity entity;
	unsigned int accounts;
	struct tenant *next;
};

/* Waits of one second, in buckets of an eighth of a power of two. */
struct wait_second {
	uint32_t counts[WAIT_FINE_BUCKETS];
};

struct account {
	struct arbiter *arbiter;
	struct account *next;
	char name[ARBITER_NAME_MAX];
	char door_path[108];
	struct arbiter_settings settings;
	struct tenant *tenant; /* NULL: directly below the GPU */
	struct tsched_entity entity;
	struct source door;
	struct context *contexts;
	unsigned int joined;
	unsigned int pending;
	bool stopped;
	uint64_t vram_used;
	uint64_t kill_times[GUARD_KILLS_MAX]; /* ring, by kills */

	/* How much it has made the arbiter do in this window. */
	uint64_t work_window;
	unsigned int work;

	/* Counted by the arbiter, because contexts come and go. */
	uint64_t held_before_ns; /* below an earlier tenant */
	uint64_t throttled_before_ns;
	uint64_t open_ns; /* job time without gating */
	uint64_t wait_ns;
	uint64_t engine_ns[TSCHED_ENGINES];
	uint64_t submits;
	uint32_t kills;
	uint32_t vram_refusals;
	uint32_t waits[ARBITER_WAIT_BUCKETS];

	/* When any of its contexts waited for the GPU. */
	unsigned int waiting;
	uint64_t waiting_since;
	uint64_t waited_ns;

	/* At the begin of this second, and of the last whole one. */
	uint64_t second_gpu_ns;
	uint64_t second_waited_ns;
	uint64_t second_submits;
	uint32_t share;
	uint32_t wanted;
	uint32_t submits_per_s;
	struct wait_second seconds[WAIT_SECONDS];
};

struct queued_event {
	enum arbiter_event_kind kind;
	char account[ARBITER_NAME_MAX];
	pid_t pid;
	uint64_t bytes;
};

struct arbiter {
	pthread_mutex_t lock;
	pthread_t thread;
	const struct arbiter_ops *ops;
	void *owner;
	int epoll_fd;
	struct source kick;
	bool stop;

	struct tsched_gpu gpu;
	struct tsched_config config;
	struct account *accounts;
	struct tenant *tenants;
	unsigned int contexts; /* joined */
	unsigned int wanting; /* contexts whose lane wants the GPU */
	unsigned int stuck; /* contexts */
	struct context *holder;
	/* May submit before its hold begins, and is not fed till then; or NULL. */
	struct context *early;
	struct handoff handoff;
	bool lanes_stale; /* without gating: lanes are to be opened, renewed */
	struct context *garbage; /* freed by the thread, between events */
	struct account *dead_accounts; /* likewise */
	struct source *muted;

	uint64_t now_ns; /* of this wake-up */
	uint64_t begin_ns;
	uint64_t wake_ns; /* when the core wants to be asked */
	uint64_t tick_ns; /* when to look at lanes that need not ring */
	uint64_t tick_interval_ns;
	uint64_t unmute_ns;
	uint64_t reap_ns;
	uint64_t second_ns; /* begin of this second */
	unsigned int second; /* counts up */

	struct queued_event *events;
	size_t event_count;
	size_t event_room;

	struct arbiter_slice *slices;
	uint64_t slice_count; /* ever */
};

static inline uint64_t min_time(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* arbiter.c; without a thread, arbiter_poll() does its work */
int arbiter_create(struct arbiter **arbiter, const struct tsched_config *config,
		   const struct arbiter_ops *ops, void *owner);
void arbiter_destroy(struct arbiter *arbiter);
uint64_t arbiter_clock(void);
void arbiter_event(struct arbiter *arbiter, enum arbiter_event_kind kind,
		   const struct account *account, pid_t pid, uint64_t bytes);
void arbiter_tell(struct arbiter *arbiter); /* without the lock */

/* loop.c */
int source_watch(struct arbiter *arbiter, struct source *source,
		 uint32_t events);
void source_forget(struct arbiter *arbiter, struct source *source);
void arbiter_loop(struct arbiter *arbiter);
void arbiter_poll(struct arbiter *arbiter);

/* account.c */
struct account *account_find(struct arbiter *arbiter, const char *name);
int account_new(struct arbiter *arbiter, const char *name,
		const struct arbiter_settings *settings, const char *door_path);
int account_set(struct account *account,
		const struct arbiter_settings *settings);
void account_free(struct account *account);
int account_charge(struct context *context, uint64_t bytes);
void account_release(struct context *context, uint64_t bytes);
void account_tell_vram(struct account *account);

/* context.c */
void context_accept(struct account *account);
void context_receive(struct context *context);
void context_kill(struct context *context);
void context_overran(struct context *context);
void context_end(struct context *context);
void arbiter_reap(struct arbiter *arbiter);
void arbiter_collect(struct arbiter *arbiter);

/* feed.c */
unsigned int context_feed(struct context *context);
void context_set_wants(struct context *context, bool wants);

/* drive.c */
void arbiter_decide(struct arbiter *arbiter);
void arbiter_tick(struct arbiter *arbiter);
void lane_shut(struct context *context);
void lane_tell(struct context *context, uint32_t depth, uint64_t lease_ns);
bool lane_tell_contended(struct context *context, bool contended);
void context_leave_core(struct context *context);
int context_enter_core(struct context *context);
void arbiter_end_hold(struct arbiter *arbiter, enum tsched_reason reason);

/* early.c */
void context_note_open(struct context *context);
uint64_t early_consider(struct arbiter *arbiter, struct context *next);
void early_grant(struct arbiter *arbiter, struct context *context);
void early_end(struct arbiter *arbiter);

/* crowd.c; once a second */
void arbiter_tell_crowd(struct arbiter *arbiter);

/* stats.c */
void context_note_wait(struct context *context);
void account_note_grant(struct account *account, uint64_t wait_ns);
void hold_record(struct context *context);
uint64_t account_gpu_ns(struct account *account);
void account_fill_stats(struct account *account,
			struct arbiter_account_stats *stats);
void arbiter_roll(struct arbiter *arbiter);

#endif
