// SPDX-License-Identifier: MIT
/*
 * Arithmetic: see shaders/fma.comp. The shader's chain x = 109 x + 30011 mod
 * 65536 is a linear map, so n steps are again one linear map, found by squaring
 * in log2(n) steps: every word of every dispatch can be checked, exactly.
 */
#include "kernel.h"

#include "fma.spv.h"

#define FACTOR 109u
#define ADDEND 30011u
#define CHAINS 4u

static uint32_t fma_threads(uint32_t items)
{
	return items;
}

static uint64_t fma_output_words(uint32_t items)
{
	return (uint64_t)items * CHAINS;
}

/* Composes the map with itself @n times; arithmetic modulo 2^32 includes that
 * modulo 65536. */
static void fma_prepare(struct load_check *check)
{
	uint32_t factor = FACTOR, addend = ADDEND;

	check->factor = 1;
	check->addend = 0;
	for (uint32_t n = check->work.iterations; n; n >>= 1) {
		if (n & 1) {
			check->factor *= factor;
			check->addend = check->addend * factor + addend;
		}
		addend += addend * factor;
		factor *= factor;
	}
}

static uint32_t fma_expect(const struct load_check *check, uint64_t word)
{
	uint32_t x = kernel_scramble((uint32_t)word);

	x = kernel_scramble(check->nonce + x) & 0xffff;
	return (check->factor * x + check->addend) & 0xffff;
}

static uint32_t fma_expect_cost(uint32_t items)
{
	(void)items;
	return 1;
}

/* Two fused multiply-adds per step and chain. */
static uint64_t fma_units(const struct load_work *work)
{
	return fma_output_words(work->items) * 2 * work->iterations;
}

const struct load_kernel kernel_fma = {
	.name = "fma",
	.unit = "fma",
	.code = fma_spv,
	.code_size = sizeof(fma_spv),
	.items_default = 65536,
	.items_min = 64,
	.items_max = 64 * 65535,
	.items_step = 1,
	.group_size = 64,
	.threads = fma_threads,
	.output_words = fma_output_words,
	.expect = fma_expect,
	.prepare = fma_prepare,
	.expect_cost = fma_expect_cost,
	.units = fma_units,
};
