/* SPDX-License-Identifier: MIT */
/*
 * The kinds of work, each one a shader and its exact model on the CPU.
 *
 * A kernel knows nothing of Vulkan objects: it says how large its buffers are,
 * what its input holds and which value every 32-bit word of its output must
 * have. All kernels are built so that this value is exact (bit for bit) on
 * every conforming device and cheap to compute on the CPU, whatever the number
 * of iterations.
 *
 * Every shader sees the same three storage buffers: binding 0 the parameters
 * (struct load_params), 1 the input (read only, shared by all submissions of a
 * context), 2 the output (one per submission in flight). The nonce differs for
 * each submission, so the output of an earlier one never passes for this one.
 *
 * Everything here is constant data and pure functions; no lock is needed.
 */
#ifndef TRANCHE_LOAD_KERNEL_H
#define TRANCHE_LOAD_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The amount of work of one dispatch. */
struct load_work {
	/* fma: work items. copy: blocks of 16 bytes. gemm: edge of the
	 * matrices. spin: work items. */
	uint32_t items;
	/* fma: steps per item. copy: passes. gemm: products. spin: unused. */
	uint32_t iterations;
};

/* The parameter buffer, as the shaders declare it. */
struct load_params {
	uint32_t nonce;
	uint32_t items;
	uint32_t iterations;
	/* Not 0: an endless dispatch ends. */
	uint32_t release;
	/* Work items that the dispatch starts. */
	uint32_t threads;
};

/* What an output is checked against. */
struct load_check {
	struct load_work work;
	uint32_t seed;
	uint32_t nonce;
	/* Set by kernel_check_init() for the kernel's own use. */
	uint32_t factor;
	uint32_t addend;
};

/* The first wrong word of an output. */
struct load_mismatch {
	uint64_t word;
	uint32_t expected;
	uint32_t found;
};

struct load_kernel {
	const char *name;
	/* What @units counts. */
	const char *unit;
	const uint32_t *code;
	size_t code_size;
	uint32_t items_default;
	uint32_t items_min;
	uint32_t items_max;
	/* Items are a multiple of this. */
	uint32_t items_step;
	/* Work items per workgroup of the shader. */
	uint32_t group_size;
	/* A dispatch ends only when the release word is written. */
	bool endless;

	/* Work items started for so many items. */
	uint32_t (*threads)(uint32_t items);
	/* 32-bit words of the input and of the output; NULL: no input. */
	uint64_t (*input_words)(uint32_t items);
	uint64_t (*output_words)(uint32_t items);
	/* The input's value at a word. */
	uint32_t (*input)(uint32_t seed, uint32_t items, uint64_t word);
	/* The output's right value at a word. */
	uint32_t (*expect)(const struct load_check *check, uint64_t word);
	/* Prepares the kernel's own fields of a check; may be NULL. */
	void (*prepare)(struct load_check *check);
	/* Steps of the CPU that one @expect takes, about. */
	uint32_t (*expect_cost)(uint32_t items);
	/* Units of work in one dispatch. */
	uint64_t (*units)(const struct load_work *work);
};

extern const struct load_kernel kernel_fma;
extern const struct load_kernel kernel_copy;
extern const struct load_kernel kernel_gemm;
extern const struct load_kernel kernel_spin;

/**
 * kernel_find() - the kernel of a kind
 * @name: "fma", "copy", "gemm" or "spin"
 *
 * Return: the kernel; NULL when there is none of that name.
 */
const struct load_kernel *kernel_find(const char *name);

/**
 * kernel_groups() - workgroups of one dispatch
 * @kernel: the kernel
 * @items: work items, copy blocks or matrix edge
 *
 * Return: at least 1 and at most 65535, the least maximum that Vulkan promises.
 */
uint32_t kernel_groups(const struct load_kernel *kernel, uint32_t items);

/**
 * kernel_check_init() - prepare to check the output of one submission
 * @check: what is prepared
 * @kernel: the kernel
 * @work: the dispatch's amount of work
 * @seed: the seed that the input was made with
 * @nonce: the submission's nonce
 */
void kernel_check_init(struct load_check *check,
		       const struct load_kernel *kernel,
		       const struct load_work *work, uint32_t seed,
		       uint32_t nonce);

/**
 * kernel_verify() - compare a part of an output with the CPU's result
 * @kernel: the kernel
 * @check: from kernel_check_init()
 * @first: the first word that @words holds
 * @words: words read from the device
 * @count: how many
 * @mismatchp: where the first wrong word goes; untouched when none is wrong
 *
 * Return: the number of wrong words; 0 when all are right.
 */
uint64_t kernel_verify(const struct load_kernel *kernel,
		       const struct load_check *check, uint64_t first,
		       const uint32_t *words, uint64_t count,
		       struct load_mismatch *mismatchp);

/**
 * kernel_scramble() - spread a number over 32 bits, as the shaders do
 * @x: any number
 *
 * Return: a number that looks random; a one-to-one function of @x.
 */
uint32_t kernel_scramble(uint32_t x);

#endif
