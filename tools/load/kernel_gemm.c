// SPDX-License-Identifier: MIT
/*
 * Matrix product: see shaders/gemm.comp. Elements are small integers, so that
 * sums in float are exact in any order, and the CPU computes them as integers.
 * The product is the same in each pass: the total after n passes is the start
 * plus n times the product, modulo 65536.
 */
#include "kernel.h"

#include <string.h>

#include "gemm.spv.h"

#define TILE 16u

static uint32_t gemm_threads(uint32_t items)
{
	return items * items;
}

static uint64_t gemm_input_words(uint32_t items)
{
	return 2 * (uint64_t)items * items;
}

static uint64_t gemm_output_words(uint32_t items)
{
	return (uint64_t)items * items;
}

/* Word by word the first matrix, then the second, each row after row. */
static int element(uint32_t seed, uint64_t word)
{
	return (int)(kernel_scramble(seed + (uint32_t)word) & 15) - 8;
}

static uint32_t gemm_input(uint32_t seed, uint32_t items, uint64_t word)
{
	float value = (float)element(seed, word);
	uint32_t bits;

	(void)items;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static uint32_t gemm_expect(const struct load_check *check, uint64_t word)
{
	uint64_t n = check->work.items;
	uint64_t row = word / n, column = word % n;
	int product = 0;
	uint32_t total;

	for (uint64_t k = 0; k < n; k++)
		product += element(check->seed, row * n + k) *
			   element(check->seed, n * n + k * n + column);
	total = kernel_scramble(check->nonce + kernel_scramble((uint32_t)word));
	return (total + check->work.iterations * (uint32_t)product) & 0xffff;
}

static uint32_t gemm_expect_cost(uint32_t items)
{
	return 4 * items;
}

/* Multiply-adds. */
static uint64_t gemm_units(const struct load_work *work)
{
	return gemm_output_words(work->items) * work->items * work->iterations;
}

const struct load_kernel kernel_gemm = {
	.name = "gemm",
	.unit = "fma",
	.code = gemm_spv,
	.code_size = sizeof(gemm_spv),
	.items_default = 256,
	.items_min = TILE,
	/* 65535 workgroups of 16 by 16. */
	.items_max = 255 * TILE,
	.items_step = TILE,
	.group_size = TILE * TILE,
	.threads = gemm_threads,
	.input_words = gemm_input_words,
	.output_words = gemm_output_words,
	.input = gemm_input,
	.expect = gemm_expect,
	.expect_cost = gemm_expect_cost,
	.units = gemm_units,
};
