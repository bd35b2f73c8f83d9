// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mdev/broker/vm.h"

/* Arguments as /proc shows them; sizeof() counts the last NUL. */
#define NAME_IS(arguments, expected)                          \
	do {                                                  \
		char name_[VM_NAME_SIZE];                     \
		vm_name(name_, arguments, sizeof(arguments)); \
		assert_string_equal(name_, expected);         \
	} while (0)

static void test_names(void **state)
{
	char cut[] = {'a', 'b'}, name[VM_NAME_SIZE];

	(void)state;
	NAME_IS("/usr/bin/qemu\0-name\0guest=web,debug-threads=on", "web");
	NAME_IS("qemu\0-m\0001G\0-name\0db", "db");
	NAME_IS("tranche-vmm\0run\0--name\0first", "first");
	NAME_IS("/usr/bin/qemu-system-x86_64\0-m\0001G", "qemu-system-x86_64");
	NAME_IS("qemu\0-name", "qemu");
	NAME_IS("qemu\0-name\0a\nb", "a?b");
	NAME_IS("", "");
	NAME_IS("x\0-name\0"
		"01234567890123456789012345678901234567890123456789012345678901234567",
		"012345678901234567890123456789012345678901234567890123456789012");
	/* What is said on the control socket is UTF-8. */
	NAME_IS("qemu\0-name\0b\303\274ro", "b\303\274ro");
	NAME_IS("qemu\0-name\0a\377b", "a?b");
	NAME_IS("x\0-name\0"
		"0123456789012345678901234567890123456789012345678901234567890\342\202\254z",
		"0123456789012345678901234567890123456789012345678901234567890");
	NAME_IS("x\0-name\0"
		"\377123456789012345678901234567890123456789012345678901234567890\342\202\254z",
		"?123456789012345678901234567890123456789012345678901234567890");
	NAME_IS("x\0-name\0\200\200", "??");
	vm_name(name, cut, sizeof(cut));
	assert_string_equal(name, "");
	vm_name(name, cut, 0);
	assert_string_equal(name, "");
}

static void test_nobody(void **state)
{
	struct vm vm;

	(void)state;
	assert_int_equal(vm_find(&vm, "6d2c8a70-1f0e-4c5b-9f0e-3b8a4e1c7d21"),
			 -ENOENT);
	assert_int_equal(vm.pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
