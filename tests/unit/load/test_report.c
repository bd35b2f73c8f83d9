// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report.h"
#include "vulkan_error.h"

static int status_of(VkResult result)
{
	return report_exit_status(vulkan_errno(result));
}

static void test_vulkan_results_have_a_status(void **state)
{
	(void)state;
	assert_int_equal(status_of(VK_SUCCESS), 0);
	assert_int_equal(status_of(VK_ERROR_INCOMPATIBLE_DRIVER), 2);
	assert_int_equal(status_of(VK_ERROR_OUT_OF_DEVICE_MEMORY), 3);
	assert_int_equal(status_of(VK_ERROR_OUT_OF_HOST_MEMORY), 3);
	assert_int_equal(status_of(VK_ERROR_DEVICE_LOST), 4);
	assert_int_equal(status_of(VK_TIMEOUT), 5);
	assert_int_equal(status_of(VK_ERROR_INITIALIZATION_FAILED), 5);
	assert_int_equal(status_of(VK_ERROR_UNKNOWN), 5);
}

static void test_ends_have_names(void **state)
{
	(void)state;
	assert_string_equal(report_result_name(0), "ok");
	assert_string_equal(report_result_name(-EBADMSG), "wrong_result");
	assert_int_equal(report_exit_status(-EBADMSG), 1);
	assert_string_equal(report_result_name(-EINVAL), "bad_input");
	assert_int_equal(report_exit_status(-EINVAL), 2);
	assert_string_equal(report_result_name(-ENOMEM), "out_of_memory");
	assert_string_equal(report_result_name(-ENODEV), "device_lost");
	assert_string_equal(report_result_name(-ETIMEDOUT), "timeout");
	assert_string_equal(report_result_name(-EXDEV), "failed");
	assert_int_equal(report_exit_status(-EXDEV), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vulkan_results_have_a_status),
		cmocka_unit_test(test_ends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
