// SPDX-License-Identifier: MIT
/* The gate's side of a lane. */
#include "scheduler/lane/lane.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/lane/lane_atomic.h"
#include "scheduler/lane/lane_memory.h"

int lane_map(struct lane *lane, int memory_fd, int bell_fd)
{
	struct lane_memory *memory;
	struct stat st;

	if (fstat(memory_fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(*memory))
		return -EINVAL;
	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE, MAP_SHARED,
		      memory_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	if (memory->magic != LANE_MAGIC || memory->layout != LANE_LAYOUT) {
		munmap(memory, sizeof(*memory));
		return -EINVAL;
	}
	*lane = (struct lane){
		.memory = memory,
		.memory_fd = memory_fd,
		.bell_fd = bell_fd,
	};
	return 0;
}

void lane_unmap(struct lane *lane)
{
	if (!lane->memory)
		return;
	munmap(lane->memory, sizeof(*lane->memory));
	close(lane->memory_fd);
	close(lane->bell_fd);
	*lane = (struct lane){.memory_fd = -1, .bell_fd = -1};
}

/* Whether one more may be in flight by what @word says. */
static bool word_has_room(uint32_t word)
{
	return lane_word_is_open(word) &&
	       lane_word_count(word) < lane_word_depth(word);
}

bool lane_enter(struct lane *lane, uint64_t now_ns)
{
	struct lane_memory *memory = lane->memory;
	uint32_t word = lane_load32(&memory->grant);

	do {
		if (!word_has_room(word))
			return false;
		/* Of this grant, or the swap fails: the turn has changed. */
		if (now_ns >= lane_load64(&memory->lease_ns))
			return false;
	} while (!lane_swap32(&memory->grant, &word, word + 1));
	return true;
}

static struct lane_slot *slot_claim(struct lane_memory *memory, uint64_t id)
{
	uint64_t i;

	for (i = 0; i < LANE_DEPTH_MAX; i++) {
		struct lane_slot *slot =
			&memory->running[(id + i) % LANE_DEPTH_MAX];
		uint64_t expected = LANE_SLOT_FREE;

		if (lane_swap64(&slot->id, &expected, LANE_SLOT_CLAIMED))
			return slot;
	}
	return NULL;
}

uint64_t lane_submitted(struct lane *lane, enum lane_engine engine,
			uint64_t now_ns)
{
	struct lane_memory *memory = lane->memory;
	uint64_t id = lane_add64(&memory->submitted, 1) + 1;
	struct lane_slot *slot = slot_claim(memory, id);

	/* No more are in flight than there are slots. */
	if (!slot)
		return id;
	atomic_store_explicit(&slot->submit_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&slot->engine, engine, memory_order_relaxed);
	lane_store64(&slot->id, id);
	return id;
}

static void slot_release(struct lane_memory *memory, uint64_t id)
{
	uint64_t i;

	for (i = 0; i < LANE_DEPTH_MAX; i++) {
		struct lane_slot *slot =
			&memory->running[(id + i) % LANE_DEPTH_MAX];

		if (lane_load64(&slot->id) != id)
			continue;
		lane_store64(&slot->id, LANE_SLOT_FREE);
		return;
	}
}

/* A place in the ring, or false when the arbiter has not read enough of it. */
static bool record_reserve(struct lane_memory *memory, uint64_t *position)
{
	int64_t unread;

	*position = lane_load64(&memory->recorded);
	do {
		/* Below 0: others have recorded, and been read, meanwhile. */
		unread = (int64_t)(*position - lane_load64(&memory->taken));
		if (unread >= LANE_JOBS)
			return false;
	} while (!lane_swap64(&memory->recorded, position, *position + 1));
	return true;
}

static uint32_t seen_of(const struct lane_job *job)
{
	return (job->on_time ? LANE_SEEN_ON_TIME : 0) |
	       (job->exact ? LANE_SEEN_EXACT : 0);
}

static void record_add(struct lane_memory *memory, const struct lane_job *job)
{
	struct lane_record *record;
	uint64_t position;

	if (!record_reserve(memory, &position))
		return;
	record = &memory->records[position % LANE_JOBS];
	atomic_store_explicit(&record->id, job->id, memory_order_relaxed);
	atomic_store_explicit(&record->submit_ns, job->submit_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&record->complete_ns, job->complete_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&record->late_ns, job->late_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&record->gpu_ns, job->gpu_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&record->engine, job->engine,
			      memory_order_relaxed);
	atomic_store_explicit(&record->seen, seen_of(job),
			      memory_order_relaxed);
	lane_store64(&record->sequence, position + 1);
}

/* Whether the arbiter waits to be told that nothing is in flight any more. */
static bool idle_is_awaited(struct lane_memory *memory, uint32_t word)
{
	if (lane_word_count(word))
		return false;
	if (!lane_word_is_open(word))
		return true;
	return (word & LANE_CONTENDED) && !lane_load32(&memory->wanted);
}

/* One less in flight; @word: what the grant word is then. */
static bool count_down(struct lane_memory *memory, uint32_t *word)
{
	uint32_t found = lane_load32(&memory->grant);

	do {
		if (!lane_word_count(found))
			return false;
	} while (!lane_swap32(&memory->grant, &found, found - 1));
	*word = found - 1;
	return true;
}

void lane_leave(struct lane *lane, const struct lane_job *job)
{
	struct lane_memory *memory = lane->memory;
	uint32_t word;

	/* First the record: who sees the count at 0 finds it. */
	if (job->id) {
		record_add(memory, job);
		slot_release(memory, job->id);
		lane_add64(&memory->completed, 1);
	}
	if (!count_down(memory, &word))
		return;
	if (idle_is_awaited(memory, word))
		lane_ring(lane->bell_fd);
	if (lane_load32(&memory->sleepers))
		lane_wake(&memory->grant);
}

void lane_want(struct lane *lane, uint32_t count)
{
	struct lane_memory *memory = lane->memory;
	uint32_t before = lane_exchange32(&memory->wanted, count);
	uint32_t word;

	if (!before == !count)
		return;
	/*
	 * While something is in flight the arbiter need not know: the last
	 * lane_leave() rings if it matters then.
	 */
	word = lane_load32(&memory->grant);
	if (lane_word_count(word))
		return;
	if (count || !lane_word_is_open(word) || word & LANE_CONTENDED)
		lane_ring(lane->bell_fd);
}

void lane_ask(struct lane *lane)
{
	lane_ring(lane->bell_fd);
}

/* Why a thread need not sleep, or -EAGAIN. */
static int wait_check(struct lane_memory *memory, uint32_t word,
		      uint64_t until_ns)
{
	uint64_t now = lane_now();

	if (word & LANE_ENDED)
		return -EPIPE;
	if (word_has_room(word) && now < lane_load64(&memory->lease_ns))
		return 0;
	return now < until_ns ? -EAGAIN : -ETIMEDOUT;
}

int lane_wait(struct lane *lane, uint64_t until_ns)
{
	struct lane_memory *memory = lane->memory;
	uint32_t contended, word;
	int r;

	lane_add32(&memory->sleepers, 1);
	word = lane_load32(&memory->grant);
	contended = word & LANE_CONTENDED;
	for (;;) {
		r = wait_check(memory, word, until_ns);
		if (r != -EAGAIN)
			break;
		r = lane_sleep(&memory->grant, word, until_ns);
		if (r < 0)
			break;
		word = lane_load32(&memory->grant);
		if ((word & LANE_CONTENDED) != contended)
			break;
	}
	lane_add32(&memory->sleepers, UINT32_MAX);
	return r;
}

bool lane_contended(const struct lane *lane)
{
	return lane_load32(&lane->memory->grant) & LANE_CONTENDED;
}

uint32_t lane_crowd(const struct lane *lane)
{
	uint32_t crowd = lane_load32(&lane->memory->crowd);

	return crowd ? crowd : 1;
}

uint64_t lane_vram_limit(const struct lane *lane)
{
	return lane_load64(&lane->memory->vram_limit);
}

uint64_t lane_vram_used(const struct lane *lane)
{
	return lane_load64(&lane->memory->vram_used);
}
