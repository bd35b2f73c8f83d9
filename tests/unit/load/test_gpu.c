// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gpu.h"

static struct gpu gpus[] = {
	{.name = "llvmpipe (LLVM 19)",
	 .properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU,
	 .n_families = 1,
	 .families = {{.queueFlags = VK_QUEUE_COMPUTE_BIT}}},
	{.name = "Voodoo 5",
	 .pci = "0000:01:00.0",
	 .properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
	 .n_families = 3,
	 .families = {{.queueFlags = VK_QUEUE_TRANSFER_BIT},
		      {.queueFlags = VK_QUEUE_COMPUTE_BIT},
		      {.queueFlags =
			       VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT}}},
	{.name = "Voodoo 3",
	 .pci = "0001:01:00.0",
	 .properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
	 .n_families = 1,
	 .families = {{.queueFlags = VK_QUEUE_TRANSFER_BIT}}},
};

static const struct gpu_set set = {.n_gpus = 3, .gpus = gpus};
static const struct gpu_set cpu_only = {.n_gpus = 1, .gpus = gpus};

static void test_first_choice_is_no_cpu(void **state)
{
	const struct gpu *gpu;

	(void)state;
	assert_int_equal(gpu_set_find(&set, NULL, &gpu), 0);
	assert_ptr_equal(gpu, &gpus[1]);
	assert_int_equal(gpu_set_find(&cpu_only, NULL, &gpu), 0);
	assert_ptr_equal(gpu, &gpus[0]);
}

static void test_selectors(void **state)
{
	static const struct {
		const char *selector;
		int result;
		size_t index;
	} cases[] = {
		{"0", 0, 0},
		{"2", 0, 2},
		{"3", -ENOENT, 0},
		{"llvm", 0, 0},
		{"VOODOO 3", 0, 2},
		{"voodoo", -ENOTUNIQ, 0},
		{"0001:01:00.0", 0, 2},
		{"01:00.0", -ENOTUNIQ, 0},
		{"02:00.0", -ENOENT, 0},
		{"riva", -ENOENT, 0},
	};
	const struct gpu *gpu;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(gpu_set_find(&set, cases[i].selector, &gpu),
				 cases[i].result);
		if (cases[i].result == 0)
			assert_ptr_equal(gpu, &gpus[cases[i].index]);
	}
}

static void test_families(void **state)
{
	(void)state;
	assert_int_equal(gpu_find_family(&gpus[1], -1), 1);
	assert_int_equal(gpu_find_family(&gpus[1], 2), 2);
	assert_int_equal(gpu_find_family(&gpus[1], 0), -ENOENT);
	assert_int_equal(gpu_find_family(&gpus[1], 3), -ENOENT);
	assert_int_equal(gpu_find_family(&gpus[2], -1), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_choice_is_no_cpu),
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
