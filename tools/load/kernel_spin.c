// SPDX-License-Identifier: MIT
/*
 * A dispatch that never ends, to prove limits on running time: see
 * shaders/spin.comp. It ends by the release word, so that a run can be stopped
 * in order where nothing else has ended it.
 */
#include "kernel.h"

#include "spin.spv.h"

static uint32_t spin_threads(uint32_t items)
{
	return items;
}

static uint64_t spin_output_words(uint32_t items)
{
	return items;
}

static uint32_t spin_expect(const struct load_check *check, uint64_t word)
{
	return check->nonce + (uint32_t)word;
}

static uint32_t spin_expect_cost(uint32_t items)
{
	(void)items;
	return 1;
}

static uint64_t spin_units(const struct load_work *work)
{
	(void)work;
	return 1;
}

const struct load_kernel kernel_spin = {
	.name = "spin",
	.unit = "dispatch",
	.code = spin_spv,
	.code_size = sizeof(spin_spv),
	.items_default = 1,
	.items_min = 1,
	.items_max = 65535,
	.items_step = 1,
	.group_size = 1,
	.endless = true,
	.threads = spin_threads,
	.output_words = spin_output_words,
	.expect = spin_expect,
	.expect_cost = spin_expect_cost,
	.units = spin_units,
};
