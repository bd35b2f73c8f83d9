// SPDX-License-Identifier: MIT
/*
 * Bandwidth: see shaders/copy.comp. The output holds the copied blocks, each
 * word changed by the submission's nonce, then one block per thread that proves
 * how many blocks the thread has read.
 */
#include "kernel.h"

#include "copy.spv.h"

#define BLOCK_WORDS 4u
#define BLOCK_BYTES 16u
/* More threads than this loop over several blocks in each pass. */
#define THREADS_MAX 262144u

static uint32_t copy_threads(uint32_t items)
{
	return items < THREADS_MAX ? items : THREADS_MAX;
}

static uint64_t copy_input_words(uint32_t items)
{
	return (uint64_t)items * BLOCK_WORDS;
}

static uint64_t copy_output_words(uint32_t items)
{
	return ((uint64_t)items + copy_threads(items)) * BLOCK_WORDS;
}

/* The constant that first ^ second word of every input block gives. */
static uint32_t block_mark(uint32_t seed)
{
	return kernel_scramble(seed ^ 0x5bd1e995u) | 1;
}

static uint32_t copy_input(uint32_t seed, uint32_t items, uint64_t word)
{
	uint32_t block = (uint32_t)(word / BLOCK_WORDS);
	uint32_t first = kernel_scramble(seed + block);

	(void)items;
	switch (word % BLOCK_WORDS) {
	case 0:
		return first;
	case 1:
		return first ^ block_mark(seed);
	case 2:
		return block;
	default:
		return ~first + block;
	}
}

static uint32_t expect_proof(const struct load_check *check, uint64_t word)
{
	uint32_t items = check->work.items;
	uint32_t threads = copy_threads(items);
	uint32_t t = (uint32_t)(word / BLOCK_WORDS);
	uint32_t blocks = (items - t + threads - 1) / threads;

	switch (word % BLOCK_WORDS) {
	case 0:
		return check->nonce + blocks * check->work.iterations *
					      block_mark(check->seed);
	case 1:
		return t;
	case 2:
		return check->nonce;
	default:
		return 0;
	}
}

static uint32_t copy_expect(const struct load_check *check, uint64_t word)
{
	uint32_t items = check->work.items;
	uint64_t copied = copy_input_words(items);

	if (word >= copied)
		return expect_proof(check, word - copied);
	return copy_input(check->seed, items, word) ^ check->nonce;
}

static uint32_t copy_expect_cost(uint32_t items)
{
	(void)items;
	return 1;
}

/* Bytes copied: each is read once and written once. */
static uint64_t copy_units(const struct load_work *work)
{
	return (uint64_t)work->items * BLOCK_BYTES * work->iterations;
}

const struct load_kernel kernel_copy = {
	.name = "copy",
	.unit = "byte",
	.code = copy_spv,
	.code_size = sizeof(copy_spv),
	.items_default = 1024 * 1024,
	.items_min = 64,
	.items_max = 1u << 27,
	.items_step = 1,
	.group_size = 64,
	.threads = copy_threads,
	.input_words = copy_input_words,
	.output_words = copy_output_words,
	.input = copy_input,
	.expect = copy_expect,
	.expect_cost = copy_expect_cost,
	.units = copy_units,
};
