// SPDX-License-Identifier: MIT
#include "kernel.h"

#include <string.h>

const struct load_kernel *kernel_find(const char *name)
{
	static const struct load_kernel *const kernels[] = {
		&kernel_fma,
		&kernel_copy,
		&kernel_gemm,
		&kernel_spin,
	};

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (strcmp(kernels[i]->name, name) == 0)
			return kernels[i];
	return NULL;
}

uint32_t kernel_groups(const struct load_kernel *kernel, uint32_t items)
{
	uint32_t threads = kernel->threads(items);

	return (threads + kernel->group_size - 1) / kernel->group_size;
}

void kernel_check_init(struct load_check *check,
		       const struct load_kernel *kernel,
		       const struct load_work *work, uint32_t seed,
		       uint32_t nonce)
{
	*check = (struct load_check){
		.work = *work,
		.seed = seed,
		.nonce = nonce,
	};
	if (kernel->prepare)
		kernel->prepare(check);
}

uint64_t kernel_verify(const struct load_kernel *kernel,
		       const struct load_check *check, uint64_t first,
		       const uint32_t *words, uint64_t count,
		       struct load_mismatch *mismatchp)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t expected = kernel->expect(check, first + i);

		if (words[i] == expected)
			continue;
		if (!wrong++)
			*mismatchp = (struct load_mismatch){
				.word = first + i,
				.expected = expected,
				.found = words[i],
			};
	}
	return wrong;
}

uint32_t kernel_scramble(uint32_t x)
{
	x = (x ^ (x >> 16)) * 0x9e3779b1u;
	x = (x ^ (x >> 15)) * 0x85ebca77u;
	return x ^ (x >> 16);
}
