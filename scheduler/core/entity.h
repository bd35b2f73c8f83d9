/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The entities that share a GPU, and their settings.
 *
 * They form a tree: GPU -> tenant -> vGPU -> context. The caller owns the
 * memory of every struct tsched_entity, from before tsched_entity_add() until
 * after tsched_entity_remove(); the scheduler keeps pointers to it in
 * between and never allocates. All fields are private to the scheduler;
 * tsched_entity_stats() reads what may be read.
 *
 * Only a leaf (an entity without children, usually a context) wants the GPU,
 * holds it and runs jobs. An entity above it is as busy as the leaves below.
 *
 * States of a leaf, and what may be called in them:
 *
 *   absent     tsched_entity_add()
 *   asleep     tsched_entity_want(), tsched_entity_add() below it
 *   waiting    tsched_entity_idle(); it is granted in its turn
 *   throttled  as waiting; it or one above it has used up its cap
 *   holding    tsched_job_*(), tsched_hold_renew(), tsched_hold_end()
 *
 * Settings and tsched_entity_remove() are allowed in every state but absent.
 *
 * Lock: none. The caller serialises all calls on one GPU.
 */
#ifndef SCHEDULER_CORE_ENTITY_H
#define SCHEDULER_CORE_ENTITY_H

#include "avl.h"
#include "estimate.h"
#include "types.h"

struct tsched_gpu;

#define TSCHED_WEIGHT_MIN 1
#define TSCHED_WEIGHT_MAX 10000
#define TSCHED_WEIGHT_DEFAULT 100
#define TSCHED_INSTANCES_MAX 1024
#define TSCHED_WHOLE 1000 /* the whole GPU, in permille */
#define TSCHED_DEPTH 3 /* levels of entities below the GPU */
#define TSCHED_WAIT_BUCKETS 12

enum tsched_kind {
	TSCHED_TENANT,
	TSCHED_VGPU,
	TSCHED_CONTEXT,
	TSCHED_KINDS,
};

enum tsched_engine {
	TSCHED_COMPUTE,
	TSCHED_GRAPHICS,
	TSCHED_COPY,
	TSCHED_ENGINES,
};

/* How the end of a job was seen. */
enum tsched_seen {
	TSCHED_SEEN_LATE, /* some time after it: nothing is learnt */
	TSCHED_SEEN_ON_TIME, /* as it happened */
	TSCHED_SEEN_MEASURED, /* late, but how long it ran is known */
};

/*
 * A latency class asks for a shorter slice and is served that much earlier
 * for it; the share stays the weight's.
 */
enum tsched_latency {
	TSCHED_LATENCY_NORMAL, /* slice_ns */
	TSCHED_LATENCY_LOW, /* slice_ns / 4 */
	TSCHED_LATENCY_LOWEST, /* slice_ns / 16 */
	TSCHED_LATENCIES,
};

/*
 * The children of one entity (or of the GPU) that compete: all of them in a
 * tree by virtual deadline, except the one on the path to the holder, which
 * stands aside in `curr` because its tags move while it runs.
 */
struct tsched_queue {
	struct avl_tree tree;
	struct tsched_entity *curr;
	uint64_t floor; /* virtual time: never goes back */
	uint64_t hold_max; /* what a hold may leave owed, in virtual time */
	uint64_t weight_sum; /* of the tree */
	__int128 weighted_sum; /* of weight * (start - floor) over the tree */
};

struct tsched_entity {
	/* What a decision touches comes first, to share cache lines. */
	struct avl_node node; /* in the parent's queue, or in gpu->throttled */
	struct tsched_gpu *gpu;
	struct tsched_entity *parent;
	uint64_t minded_ns; /* until when it last waited without patience */
	struct tsched_queue queue;

	uint64_t start; /* start tag: virtual time of the service it had */
	uint64_t owed; /* credit it left its queue with, in virtual time */
	uint64_t left_least; /* start tag of those who stayed when it left */
	uint32_t start_rem;
	uint32_t weight_now; /* by the policy in force */
	uint16_t cap;
	uint16_t reservation;
	uint16_t children;
	uint8_t latency;
	uint8_t flags;
	uint64_t gpu_ns;
	uint64_t due_ns; /* when its next reserved time falls due */
	struct avl_node due; /* waiting with a reservation: in gpu->due */

	struct avl_node watch; /* with jobs in flight: in gpu->watched */
	struct tsched_entity *prev; /* among all of the GPU */
	struct tsched_entity *next;
	uint32_t weight;
	uint32_t share; /* of a vGPU, or of the vGPUs below, if `fixed` */
	uint16_t reserved_below; /* needed by its children together */
	uint16_t instances;
	uint16_t vgpus; /* below it */
	uint8_t kind;
	uint8_t patience; /* holds before which it waits with patience */

	uint32_t cap_period; /* the period cap_used counts; may wrap */
	uint32_t left_ms; /* when it left its queue; may wrap */
	uint64_t cap_used;

	uint64_t run_since; /* its oldest job in flight runs since then */
	uint64_t inflight_ns;
	uint32_t inflight;
	uint32_t kill_us;
	struct estimate jobs;
	struct estimate gaps;

	uint64_t state_since; /* a leaf is waiting, or idle, since then */
	uint64_t wait_ns;
	uint64_t throttled_ns;
	uint64_t engine_ns[TSCHED_ENGINES];
	uint32_t slices;
	uint32_t overruns;
	uint32_t waits[TSCHED_WAIT_BUCKETS];
};

_Static_assert(sizeof(struct tsched_entity) <= 512,
	       "an entity must stay within its memory budget");

/*
 * A job in flight. The caller owns it from tsched_job_submit() until
 * tsched_job_complete(), or until its entity is removed.
 */
struct tsched_job {
	uint64_t submit_ns;
	uint64_t estimate_ns;
	uint8_t engine;
	bool in_flight;
};

struct tsched_entity_stats {
	uint64_t gpu_ns; /* time it held the GPU: what it was charged */
	uint64_t wait_ns; /* time it waited for grants it got */
	uint64_t throttled_ns; /* time it waited because of a cap */
	uint64_t engine_ns[TSCHED_ENGINES]; /* time its jobs reported */
	int64_t lag_ns; /* GPU time it is owed by its siblings; < 0: debt */
	uint32_t slices; /* grants and renewals */
	uint32_t overruns; /* jobs past the kill limit */
	uint32_t job_mean_ns;
	uint32_t job_high_ns; /* about the 95th percentile */
	uint32_t gap_mean_ns;
	uint32_t gap_high_ns;
	/* waits[0]: under 1 us; [i]: under 4^i us; the last: all longer */
	uint32_t waits[TSCHED_WAIT_BUCKETS];
};

/**
 * tsched_entity_add() - let an entity take part
 * @gpu: the GPU's scheduler
 * @entity: memory of the caller's, overwritten; must not be in use
 * @kind: its level. A tenant stands below the GPU, a vGPU below a tenant or
 *        the GPU, a context below a vGPU
 * @parent: the entity above, NULL for the GPU itself
 * @now_ns: the time
 *
 * It starts asleep, with the default weight, no cap, no reservation, normal
 * latency and the GPU's kill limit. It joins at the current virtual time:
 * it has no claim to what was served before it came.
 *
 * Return: 0; -EINVAL if @kind does not fit below @parent or @parent belongs
 * to another GPU; -EBUSY if @parent is a leaf that wants, holds or runs;
 * -ENOSPC if @parent or @gpu can't take another.
 */
int tsched_entity_add(struct tsched_gpu *gpu, struct tsched_entity *entity,
		      enum tsched_kind kind, struct tsched_entity *parent,
		      uint64_t now_ns);

/**
 * tsched_entity_remove() - end an entity's part
 * @entity: an entity without children
 * @now_ns: the time
 *
 * A hold it has ends here, charged up to @now_ns; its jobs in flight are
 * forgotten and must not be completed. Its debt goes with it: a caller that
 * lets guests add and remove contexts keeps the debt in the vGPU above.
 *
 * Return: 0; -EBUSY if it has children; -EINVAL if it is not part of a GPU.
 */
int tsched_entity_remove(struct tsched_entity *entity, uint64_t now_ns);

/**
 * tsched_entity_set_weight() - set the share relative to its siblings
 * @entity: the entity
 * @weight: TSCHED_WEIGHT_MIN..TSCHED_WEIGHT_MAX
 * @now_ns: the time
 *
 * In force from the next decision. What it owes in GPU time it still owes.
 *
 * Return: 0; -EINVAL if out of range.
 */
int tsched_entity_set_weight(struct tsched_entity *entity, uint32_t weight,
			     uint64_t now_ns);

/**
 * tsched_entity_set_cap() - set the hard limit
 * @entity: the entity
 * @permille: 1..1000 of the GPU per cap period; 1000 is no limit
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if out of range or below what is reserved at or under
 * the entity.
 */
int tsched_entity_set_cap(struct tsched_entity *entity, uint32_t permille,
			  uint64_t now_ns);

/**
 * tsched_entity_set_reservation() - set the guaranteed minimum
 * @entity: the entity
 * @permille: 0..1000 of the GPU
 * @now_ns: the time
 *
 * The guarantee holds under the policy `fair`. It is a part of the entity's
 * share, not added to it (mClock: Gulati, Merchant, Varman, OSDI 2010).
 *
 * Return: 0; -EINVAL if out of range or above a cap at or over the entity;
 * -ENOSPC if it can't be kept together with the others.
 */
int tsched_entity_set_reservation(struct tsched_entity *entity,
				  uint32_t permille, uint64_t now_ns);

/**
 * tsched_entity_set_latency() - set the latency class
 * @entity: the entity; the class counts among its siblings
 * @latency: the class
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if unknown.
 */
int tsched_entity_set_latency(struct tsched_entity *entity,
			      enum tsched_latency latency, uint64_t now_ns);

/**
 * tsched_entity_set_instances() - set the type's size for policy `fixed`
 * @entity: a vGPU
 * @instances: how many of its type fill the GPU, 1..TSCHED_INSTANCES_MAX
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if out of range or not a vGPU.
 */
int tsched_entity_set_instances(struct tsched_entity *entity,
				uint32_t instances, uint64_t now_ns);

/**
 * tsched_entity_set_kill_limit() - set how long a job may run
 * @entity: a leaf
 * @kill_ns: 1 ms..1 h
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if out of range.
 */
int tsched_entity_set_kill_limit(struct tsched_entity *entity, uint64_t kill_ns,
				 uint64_t now_ns);

/**
 * tsched_entity_want() - a leaf has work to submit
 * @entity: a leaf
 * @now_ns: the time
 *
 * Stays in force until tsched_entity_idle(). Ask tsched_decide() next.
 *
 * Return: 0; -EINVAL if it has children or is not part of a GPU.
 */
int tsched_entity_want(struct tsched_entity *entity, uint64_t now_ns);

/**
 * tsched_entity_idle() - a leaf has nothing more to submit
 * @entity: a leaf; jobs it has in flight may still run
 * @now_ns: the time
 *
 * Return: 0; -EINVAL if it has children or is not part of a GPU.
 */
int tsched_entity_idle(struct tsched_entity *entity, uint64_t now_ns);

/**
 * tsched_entity_stats() - read an entity's account
 * @entity: the entity
 * @now_ns: the time
 * @stats: filled in, up to @now_ns
 */
void tsched_entity_stats(struct tsched_entity *entity, uint64_t now_ns,
			 struct tsched_entity_stats *stats);

#endif
