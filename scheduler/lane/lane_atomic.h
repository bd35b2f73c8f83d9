/* SPDX-License-Identifier: MIT */
/*
 * The steps of which both sides of a lane are made: one atomic operation, one
 * sleep, one wake-up, one ring of the bell each. All are sequentially
 * consistent, so that every execution is an order of these steps; the model
 * test builds the lane with LANE_MODEL, takes control at each step and tries
 * every order.
 *
 * No state, no lock.
 */
#ifndef SCHEDULER_LANE_LANE_ATOMIC_H
#define SCHEDULER_LANE_LANE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef LANE_MODEL

/* Let others go first. */
void lane_model_step(void);
/* Tell what the step found; what a thread does depends on nothing else. */
void lane_model_found(uint64_t value);
int lane_model_sleep(_Atomic uint32_t *word, uint32_t value);
void lane_model_wake(_Atomic uint32_t *word);
void lane_model_ring(int bell_fd);
uint64_t lane_model_now(void);

#define LANE_STEP() lane_model_step()
#define LANE_FOUND(value) lane_model_found(value)

static inline int lane_sleep(_Atomic uint32_t *word, uint32_t value,
			     uint64_t until_ns)
{
	(void)until_ns;
	return lane_model_sleep(word, value);
}

#define lane_wake(word) lane_model_wake(word)
#define lane_ring(bell_fd) lane_model_ring(bell_fd)
#define lane_now() lane_model_now()

#else

#define LANE_STEP() ((void)0)
#define LANE_FOUND(value) ((void)0)

/**
 * lane_sleep - sleep while a word has a value
 * @word: in shared memory
 * @value: the value
 * @until_ns: CLOCK_MONOTONIC, UINT64_MAX for no limit
 *
 * Return: 0 when woken or when the word has another value; -ETIMEDOUT; -EINTR.
 */
int lane_sleep(_Atomic uint32_t *word, uint32_t value, uint64_t until_ns);

/* lane_wake - wake all who sleep on a word */
void lane_wake(_Atomic uint32_t *word);

/* lane_ring - never blocks; a bell that is full rings already */
void lane_ring(int bell_fd);

/* lane_now - CLOCK_MONOTONIC */
uint64_t lane_now(void);

#endif

/* lane_NAMEbits(): change a word. Return: what it was. */
#define LANE_CHANGE(name, operation, bits)                          \
	static inline uint##bits##_t lane_##name##bits(             \
		_Atomic uint##bits##_t *word, uint##bits##_t value) \
	{                                                           \
		uint##bits##_t found;                               \
                                                                    \
		LANE_STEP();                                        \
		found = operation(word, value);                     \
		LANE_FOUND(found);                                  \
		return found;                                       \
	}

#define LANE_ATOMICS(bits)                                                     \
	LANE_CHANGE(add, atomic_fetch_add, bits)                               \
	LANE_CHANGE(exchange, atomic_exchange, bits)                           \
                                                                               \
	static inline uint##bits##_t lane_load##bits(                          \
		const _Atomic uint##bits##_t *word)                            \
	{                                                                      \
		uint##bits##_t found;                                          \
                                                                               \
		LANE_STEP();                                                   \
		found = atomic_load(word);                                     \
		LANE_FOUND(found);                                             \
		return found;                                                  \
	}                                                                      \
                                                                               \
	static inline void lane_store##bits(_Atomic uint##bits##_t *word,      \
					    uint##bits##_t value)              \
	{                                                                      \
		LANE_STEP();                                                   \
		atomic_store(word, value);                                     \
	}                                                                      \
                                                                               \
	static inline bool lane_swap##bits(_Atomic uint##bits##_t *word,       \
					   uint##bits##_t *expected,           \
					   uint##bits##_t value)               \
	{                                                                      \
		bool swapped;                                                  \
                                                                               \
		LANE_STEP();                                                   \
		swapped =                                                      \
			atomic_compare_exchange_strong(word, expected, value); \
		LANE_FOUND((uint64_t)*expected << 1 | swapped);                \
		return swapped;                                                \
	}

LANE_ATOMICS(32)
LANE_ATOMICS(64)
LANE_CHANGE(and, atomic_fetch_and, 32)
LANE_CHANGE(or, atomic_fetch_or, 32)

#undef LANE_ATOMICS
#undef LANE_CHANGE

#endif
