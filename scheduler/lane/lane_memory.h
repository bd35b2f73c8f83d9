/* SPDX-License-Identifier: MIT */
/*
 * The layout of a lane's memory, word by word. Words with different writers
 * stand in different cache lines.
 *
 * The grant word is the one that decides; both sides change it, always by an
 * atomic read-modify-write, so that all that happens to it has one order:
 *
 *   bits  0..7   submissions in flight; the gate counts
 *         8..15  depth: how many there may be
 *         16     open: the grant is held
 *         17     ended: closed for ever
 *         18     contended: others want the GPU
 *         19..31 turn: counts grants and renewals, so that nothing enters by
 *                what it read of an earlier grant
 *
 * States: as in lane.h; draining is "not open, some in flight".
 *
 * Ownership and lock: as in lane.h. Every word that both sides look at to
 * decide is read and written in sequentially consistent order.
 */
#ifndef SCHEDULER_LANE_LANE_MEMORY_H
#define SCHEDULER_LANE_LANE_MEMORY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "scheduler/lane/lane.h"

#define LANE_MAGIC 0x656e616cu
#define LANE_LAYOUT 3
#define LANE_LINE 64

#define LANE_COUNT_MASK 0xffu
#define LANE_DEPTH_SHIFT 8
#define LANE_DEPTH_MASK 0xff00u
#define LANE_OPEN (1u << 16)
#define LANE_ENDED (1u << 17)
#define LANE_CONTENDED (1u << 18)
#define LANE_TURN (1u << 19)

/* lane_running.id */
#define LANE_SLOT_FREE 0
#define LANE_SLOT_CLAIMED UINT64_MAX

/* lane_record.seen */
#define LANE_SEEN_ON_TIME (1u << 0)
#define LANE_SEEN_EXACT (1u << 1)

/* A submission in flight. @id is written last and erased first. */
struct lane_slot {
	_Atomic uint64_t id;
	_Atomic uint64_t submit_ns;
	_Atomic uint32_t engine;
};

/* A completion. @sequence is its position and one, written last. */
struct lane_record {
	_Atomic uint64_t sequence;
	_Atomic uint64_t id;
	_Atomic uint64_t submit_ns;
	_Atomic uint64_t complete_ns;
	_Atomic uint64_t late_ns;
	_Atomic uint64_t gpu_ns;
	_Atomic uint32_t engine;
	_Atomic uint32_t seen;
};

struct lane_memory {
	/* Written once, by the arbiter. */
	uint32_t magic;
	uint32_t layout;

	/* Written by both. */
	alignas(LANE_LINE) _Atomic uint32_t grant;

	/* Written by the arbiter. */
	alignas(LANE_LINE) _Atomic uint64_t lease_ns;
	_Atomic uint64_t taken; /* records read */
	_Atomic uint64_t vram_limit;
	_Atomic uint64_t vram_used;
	_Atomic uint32_t crowd;

	/* Written by the gate. */
	alignas(LANE_LINE) _Atomic uint32_t wanted;
	_Atomic uint32_t sleepers; /* threads in lane_wait() */
	alignas(LANE_LINE) _Atomic uint64_t submitted;
	_Atomic uint64_t completed;
	_Atomic uint64_t recorded; /* records written, or being written */
	alignas(LANE_LINE) struct lane_slot running[LANE_DEPTH_MAX];
	alignas(LANE_LINE) struct lane_record records[LANE_JOBS];
};

static inline uint32_t lane_word_count(uint32_t word)
{
	return word & LANE_COUNT_MASK;
}

static inline uint32_t lane_word_depth(uint32_t word)
{
	return (word & LANE_DEPTH_MASK) >> LANE_DEPTH_SHIFT;
}

static inline bool lane_word_is_open(uint32_t word)
{
	return (word & (LANE_OPEN | LANE_ENDED)) == LANE_OPEN;
}

#endif
