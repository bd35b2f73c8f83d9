// SPDX-License-Identifier: MIT
/* The whole of it with Mesa's lavapipe as the only driver. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "mdev/gpu/gpu.h"

static void lavapipe_is_software(void **state)
{
	const struct gpu *gpu;
	struct gpu_list list;

	(void)state;
	assert_int_equal(gpu_list_init(&list), 0);
	gpu = gpu_find(&list, "software");
	assert_non_null(gpu);
	assert_ptr_equal(gpu, &list.gpus[list.count - 1]);
	assert_true(gpu->software);
	assert_non_null(strstr(gpu->vulkan_name, "llvmpipe"));
	assert_non_null(strstr(gpu->vulkan_driver, "Mesa"));
	assert_int_equal(gpu->vulkan_library[0], '/');
	assert_int_equal(access(gpu->vulkan_library, R_OK), 0);
	assert_true(gpu->vulkan_api >> 22 == 1);
	assert_true(gpu->vram >= UINT64_C(1) << 28);
	assert_true(gpu->heaps[0] > 0);
	assert_null(gpu->driver);
	assert_null(gpu->render_node);
	assert_int_equal(gpu->iommu_group, -1);
	gpu_list_deinit(&list);
	assert_int_equal(list.count, 0);
}

static int count_drivers(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	if (strstr(info->dlpi_name, "vulkan"))
		++*(int *)count;
	return 0;
}

static void no_driver_in_this_process(void **state)
{
	struct gpu_list list;
	int count = 0;

	(void)state;
	assert_int_equal(gpu_list_init(&list), 0);
	gpu_list_deinit(&list);
	dl_iterate_phdr(count_drivers, &count);
	assert_int_equal(count, 0);
}

static void scan_asks_no_driver(void **state)
{
	struct gpu_list list;

	(void)state;
	assert_int_equal(gpu_list_scan(&list), 0);
	assert_null(gpu_find(&list, "software"));
	for (size_t i = 0; i < list.count; i++)
		assert_null(list.gpus[i].vulkan_name);
	gpu_list_deinit(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lavapipe_is_software),
		cmocka_unit_test(no_driver_in_this_process),
		cmocka_unit_test(scan_asks_no_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
