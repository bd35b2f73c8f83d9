// SPDX-License-Identifier: MIT
/*
 * The CPU's side of each kernel against the shader's steps done one by one, and
 * the verifier against outputs that were spoiled on purpose.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "job.h"
#include "kernel.h"

#define SEED 77u
#define NONCE 0xdeadbeefu

static uint32_t *output_new(const struct load_kernel *kernel,
			    const struct load_work *work,
			    struct load_check *check)
{
	uint64_t words = kernel->output_words(work->items);
	uint32_t *output = malloc(words * sizeof(*output));

	assert_non_null(output);
	kernel_check_init(check, kernel, work, SEED, NONCE);
	for (uint64_t i = 0; i < words; i++)
		output[i] = kernel->expect(check, i);
	return output;
}

/* As shaders/fma.comp, in the same arithmetic. */
static uint32_t fma_by_steps(uint32_t word, uint32_t iterations)
{
	float x = (float)(kernel_scramble(NONCE + kernel_scramble(word)) &
			  0xffff);

	for (uint32_t n = 0; n < iterations; n++) {
		x = fmaf(x, 109.0f, 30011.0f);
		x = fmaf(floorf(x * (1.0f / 65536.0f)), -65536.0f, x);
	}
	return (uint32_t)x;
}

static void test_fma_equals_its_steps(void **state)
{
	static const uint32_t iterations[] = {1, 2, 3, 7, 64, 1000, 65537};

	(void)state;
	for (size_t i = 0; i < sizeof(iterations) / sizeof(iterations[0]);
	     i++) {
		const struct load_work work = {64, iterations[i]};
		struct load_check check;

		kernel_check_init(&check, &kernel_fma, &work, SEED, NONCE);
		for (uint32_t word = 0; word < 256; word += 5)
			assert_int_equal(kernel_fma.expect(&check, word),
					 fma_by_steps(word, iterations[i]));
	}
}

/* One step fewer or more must show: it is how a dispatch that did less than
 * it was paid for is found out. */
static void test_fma_counts_iterations(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 5000; n += 13) {
		const struct load_work work = {64, n}, more = {64, n + 1};
		struct load_check a, b;

		kernel_check_init(&a, &kernel_fma, &work, SEED, NONCE);
		kernel_check_init(&b, &kernel_fma, &more, SEED, NONCE);
		assert_int_not_equal(kernel_fma.expect(&a, 0),
				     kernel_fma.expect(&b, 0));
	}
}

/* As one thread of shaders/copy.comp. */
static void copy_by_steps(uint32_t *output, uint32_t t, uint32_t threads,
			  const struct load_work *work)
{
	uint32_t sum = NONCE, shift = 0;

	for (uint32_t pass = 0; pass < work->iterations; pass++) {
		for (uint32_t j = t; j < work->items; j += threads) {
			uint32_t k = (j + shift) % work->items, v[4];

			for (uint32_t w = 0; w < 4; w++) {
				v[w] = kernel_copy.input(SEED, work->items,
							 4ull * k + w);
				output[4ull * k + w] = v[w] ^ NONCE;
			}
			sum += v[0] ^ v[1];
		}
		shift = (shift + threads) % work->items;
	}
	output += 4ull * (work->items + t);
	memcpy(output, (uint32_t[4]){sum, t, NONCE, 0}, 16);
}

static void check_copy(uint32_t items, uint32_t iterations)
{
	const struct load_work work = {items, iterations};
	uint32_t threads = kernel_copy.threads(items);
	uint64_t words = kernel_copy.output_words(items);
	struct load_mismatch mismatch;
	struct load_check check;
	uint32_t *output = calloc(words, sizeof(*output));

	assert_non_null(output);
	for (uint32_t t = 0; t < threads; t++)
		copy_by_steps(output, t, threads, &work);
	kernel_check_init(&check, &kernel_copy, &work, SEED, NONCE);
	assert_int_equal(kernel_verify(&kernel_copy, &check, 0, output, words,
				       &mismatch),
			 0);
	free(output);
}

static void test_copy_equals_its_steps(void **state)
{
	(void)state;
	check_copy(64, 1);
	check_copy(1000, 3);
	/* More blocks than threads, and not a multiple of them. */
	check_copy(262144 + 1000, 2);
}

static float as_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* In the order of a plain triple loop; any other gives the same. */
static uint32_t gemm_by_steps(uint32_t n, uint32_t word, uint32_t passes)
{
	float total = (float)(kernel_scramble(NONCE + kernel_scramble(word)) &
			      0xffff);

	for (uint32_t pass = 0; pass < passes; pass++) {
		for (uint32_t k = 0; k < n; k++) {
			uint64_t a = (uint64_t)(word / n) * n + k;
			uint64_t b =
				(uint64_t)n * n + (uint64_t)k * n + word % n;

			total += as_float(kernel_gemm.input(SEED, n, a)) *
				 as_float(kernel_gemm.input(SEED, n, b));
		}
		total -= floorf(total / 65536.0f) * 65536.0f;
	}
	return (uint32_t)total;
}

static void test_gemm_equals_its_steps(void **state)
{
	static const struct load_work works[] = {
		{16, 1}, {48, 5}, {256, 3}, {1024, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		uint32_t n = works[i].items;
		struct load_check check;

		kernel_check_init(&check, &kernel_gemm, &works[i], SEED, NONCE);
		for (uint32_t word = 0; word < n * n; word += n * n / 97 + 1)
			assert_int_equal(
				kernel_gemm.expect(&check, word),
				gemm_by_steps(n, word, works[i].iterations));
	}
}

static const struct {
	const char *kind;
	struct load_work work;
} kinds[] = {
	{"fma", {256, 100}},
	{"copy", {256, 3}},
	{"gemm", {32, 2}},
	{"spin", {32, 1}},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void test_right_outputs_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct load_kernel *kernel = kernel_find(kinds[i].kind);
		uint64_t words = kernel->output_words(kinds[i].work.items);
		struct load_mismatch mismatch;
		struct load_check check;
		uint32_t *output = output_new(kernel, &kinds[i].work, &check);

		assert_int_equal(kernel_verify(kernel, &check, 0, output, words,
					       &mismatch),
				 0);
		/* A part that begins later. */
		assert_int_equal(kernel_verify(kernel, &check, 9, output + 9, 5,
					       &mismatch),
				 0);
		free(output);
	}
}

static void spoil(const struct load_kernel *kernel,
		  const struct load_work *work, uint64_t word, uint32_t bits)
{
	uint64_t words = kernel->output_words(work->items);
	struct load_mismatch mismatch;
	struct load_check check;
	uint32_t *output = output_new(kernel, work, &check);
	uint32_t right = output[word];

	output[word] ^= bits;
	assert_int_equal(
		kernel_verify(kernel, &check, 0, output, words, &mismatch), 1);
	assert_int_equal(mismatch.word, word);
	assert_int_equal(mismatch.expected, right);
	assert_int_equal(mismatch.found, right ^ bits);
	free(output);
}

static void test_every_spoiled_bit_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct load_kernel *kernel = kernel_find(kinds[i].kind);
		uint64_t last = kernel->output_words(kinds[i].work.items) - 1;

		for (unsigned int bit = 0; bit < 32; bit++) {
			spoil(kernel, &kinds[i].work, 0, 1u << bit);
			spoil(kernel, &kinds[i].work, last, 1u << bit);
			spoil(kernel, &kinds[i].work, last / 3, 1u << bit);
		}
	}
}

/* The output of an earlier submission, or one never written, is no result. */
static void test_stale_outputs_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct load_kernel *kernel = kernel_find(kinds[i].kind);
		uint64_t words = kernel->output_words(kinds[i].work.items);
		struct load_mismatch mismatch;
		struct load_check check, later;
		uint32_t *output = output_new(kernel, &kinds[i].work, &check);

		kernel_check_init(&later, kernel, &kinds[i].work, SEED,
				  NONCE + 1);
		assert_true(kernel_verify(kernel, &later, 0, output, words,
					  &mismatch) > words / 2);
		memset(output, 0, words * sizeof(*output));
		assert_true(kernel_verify(kernel, &check, 0, output, words,
					  &mismatch) > words / 2);
		free(output);
	}
}

static void test_groups_within_promised_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		const struct load_kernel *kernel = kernel_find(kinds[i].kind);

		assert_in_range(kernel_groups(kernel, kernel->items_min), 1,
				65535);
		assert_in_range(kernel_groups(kernel, kernel->items_default), 1,
				65535);
		assert_in_range(kernel_groups(kernel, kernel->items_max), 1,
				65535);
	}
	assert_null(kernel_find("fft"));
	assert_null(kernel_find(""));
}

static void test_items_that_fit(void **state)
{
	const uint64_t range = UINT64_C(1) << 27, memory = UINT64_C(64) << 20;
	uint32_t items;

	(void)state;
	items = job_fit_items(&kernel_copy, memory, 2, range);
	assert_true(job_working_set(&kernel_copy, items, 2) <= memory);
	assert_true(job_working_set(&kernel_copy, items + 1, 2) > memory);
	items = job_fit_items(&kernel_copy, UINT64_MAX, 1, range);
	assert_true(kernel_copy.output_words(items) * 4 <= range);
	assert_true(kernel_copy.output_words(items + 1) * 4 > range);
	assert_int_equal(job_fit_items(&kernel_copy, 1000, 1, range), 0);
	items = job_fit_items(&kernel_gemm, memory, 1, range);
	assert_int_equal(items % 16, 0);
	assert_true(job_working_set(&kernel_gemm, items, 1) <= memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fma_equals_its_steps),
		cmocka_unit_test(test_fma_counts_iterations),
		cmocka_unit_test(test_copy_equals_its_steps),
		cmocka_unit_test(test_gemm_equals_its_steps),
		cmocka_unit_test(test_right_outputs_pass),
		cmocka_unit_test(test_every_spoiled_bit_is_found),
		cmocka_unit_test(test_stale_outputs_are_found),
		cmocka_unit_test(test_groups_within_promised_limits),
		cmocka_unit_test(test_items_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
