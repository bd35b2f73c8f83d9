// SPDX-License-Identifier: MIT
/* Which of the kernel's messages are about GPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mdev/broker/uevent.h"

#define IS_GPU(message) uevent_is_gpu(message, sizeof(message) - 1)

static void functions_and_nodes(void **state)
{
	(void)state;
	assert_true(IS_GPU("bind@/devices/x\0ACTION=bind\0SUBSYSTEM=pci\0"));
	assert_true(IS_GPU("add@/devices/x\0SUBSYSTEM=drm\0MAJOR=226\0"));
}

static void others(void **state)
{
	(void)state;
	assert_false(IS_GPU("add@/x\0SUBSYSTEM=pci_bus\0"));
	assert_false(IS_GPU("add@/x\0SUBSYSTEM=net\0"));
	assert_false(IS_GPU("add@/x\0DEVPATH=SUBSYSTEM=pci\0"));
	assert_false(IS_GPU(""));
	assert_false(IS_GPU("\0\0\0"));
}

/* What does not end in a zero was cut off, and nothing behind it is read. */
static void cut_off(void **state)
{
	const char message[] = "add@/x\0SUBSYSTEM=pci";

	(void)state;
	for (size_t size = 0; size < sizeof(message); size++)
		assert_false(uevent_is_gpu(message, size));
	assert_true(uevent_is_gpu(message, sizeof(message)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_and_nodes),
		cmocka_unit_test(others),
		cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
