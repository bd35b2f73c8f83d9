/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the core's files share and nobody outside uses: the run queue and
 * virtual time (queue.c), caps (cap.c), reservations (reserve.c), holds and
 * their charge (hold.c), and how an entity goes in and out of all of these
 * (entity.c).
 *
 * Every public call begins with gpu_advance(), which charges the running hold
 * up to the present; from there on tags are current.
 *
 * Lock: none, the caller serialises.
 */
#ifndef SCHEDULER_CORE_INTERNAL_H
#define SCHEDULER_CORE_INTERNAL_H

#include "sched.h"

static inline struct tsched_entity *entity_at(void *member, size_t offset)
{
	char *start = (char *)member - offset;

	return (struct tsched_entity *)start;
}

#define entity_of(ptr, member) \
	entity_at(ptr, offsetof(struct tsched_entity, member))

/* struct tsched_entity.flags */
#define ENTITY_WANTS 0x01 /* a leaf has work to submit */
#define ENTITY_THROTTLED 0x02 /* its cap is used up */
#define ENTITY_ENTITLED 0x04 /* this hold is owed to it by a reservation */
#define ENTITY_GAP 0x08 /* idle since a completion */
#define ENTITY_OVERRUN 0x10 /* its running job has been reported */
#define ENTITY_MINDS 0x20 /* waits without patience: counted */

/* struct tsched_gpu.hold_flags */
#define HOLD_DRAINING 0x01

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Time @ns after @since; the end of time rather than past it. */
static inline uint64_t time_after(uint64_t since, uint64_t ns)
{
	return since + min_u64(ns, TSCHED_NEVER - since);
}

static inline struct tsched_queue *queue_of(struct tsched_entity *entity)
{
	return entity->parent ? &entity->parent->queue : &entity->gpu->queue;
}

static inline bool entity_is_current(struct tsched_entity *entity)
{
	return queue_of(entity)->curr == entity;
}

static inline bool entity_is_leaf(const struct tsched_entity *entity)
{
	return !entity->children;
}

/* Whether an idle holder is idle in every sense: nothing queued, nothing run */
static inline bool entity_is_busy(const struct tsched_entity *entity)
{
	return entity->inflight || (entity->flags & ENTITY_WANTS);
}

/* The slice an entity asks for among its siblings. */
static inline uint64_t entity_slice(const struct tsched_entity *entity)
{
	return entity->gpu->config.slice_ns >> (2 * entity->latency);
}

static inline uint64_t entity_kill_ns(const struct tsched_entity *entity)
{
	return (uint64_t)entity->kill_us * 1000;
}

/* queue.c: competition among siblings, in virtual time */
uint64_t vtime_of(uint64_t ns, uint64_t weight);
void queue_join(struct tsched_entity *entity);
void queue_insert(struct tsched_entity *entity);
void queue_remove(struct tsched_entity *entity);
void queue_leave(struct tsched_entity *entity);
void queue_note_leave(struct tsched_entity *entity, uint64_t least);
void queue_note_hold(struct tsched_entity *entity, uint64_t ns,
		     uint64_t waited);
void queue_take(struct tsched_entity *entity);
void queue_charge(struct tsched_entity *entity, uint64_t ns);
void queue_reweigh(struct tsched_entity *entity, uint32_t weight);
bool queue_is_eligible(struct tsched_entity *entity);
struct tsched_entity *queue_pick(struct tsched_queue *queue, bool with_curr);
int64_t queue_lag_ns(struct tsched_entity *entity);

/* cap.c: hard limits per period */
bool cap_is_set(const struct tsched_entity *entity);
uint64_t cap_left(struct tsched_entity *entity);
void cap_charge(struct tsched_entity *entity, uint64_t from, uint64_t to);
void cap_throttle(struct tsched_entity *entity);
void cap_unthrottle(struct tsched_entity *entity);
void cap_expire(struct tsched_gpu *gpu);

/* reserve.c: guaranteed minima */
int reserve_set(struct tsched_entity *entity, uint32_t permille);
uint32_t reserve_needed(const struct tsched_entity *entity);
void reserve_restart(struct tsched_entity *entity);
void reserve_charge(struct tsched_entity *entity, uint64_t ns);
void reserve_insert(struct tsched_entity *entity);
void reserve_remove(struct tsched_entity *entity);
struct tsched_entity *reserve_pick(struct tsched_gpu *gpu, bool with_curr);
void reserve_entitle(struct tsched_entity *entity);

/* entity.c: going in and out of the queues */
bool entity_is_ready(struct tsched_entity *entity);
void entity_activate(struct tsched_entity *entity);
void entity_deactivate(struct tsched_entity *entity);
void entity_refresh(struct tsched_entity *entity);
void entity_gap_begin(struct tsched_entity *entity);
void entity_gap_end(struct tsched_entity *entity);

/* patience.c: who lets others have long turns */
void patience_update(struct tsched_entity *leaf);
void patience_gain(struct tsched_entity *leaf);
void patience_spend(struct tsched_entity *leaf);
void patience_leave(struct tsched_entity *leaf);
bool patience_is_long(const struct tsched_gpu *gpu);

/* hold.c: the running hold */
void gpu_advance(struct tsched_gpu *gpu, uint64_t now_ns);
bool hold_is_contended(const struct tsched_gpu *gpu);
void hold_begin(struct tsched_gpu *gpu, struct tsched_entity *leaf);
void hold_slice_begin(struct tsched_gpu *gpu);
void hold_finish(struct tsched_gpu *gpu);
uint64_t hold_cap_left(struct tsched_gpu *gpu);
uint32_t hold_depth(const struct tsched_gpu *gpu);
uint64_t hold_idle_end(const struct tsched_gpu *gpu);

#endif
