// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mdev/broker/types.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void test_even(void **state)
{
	struct type_table table;

	(void)state;
	assert_int_equal(type_table_init(&table, 16 * GIB, 0x8b, 100), 0);
	assert_int_equal(table.count, 4);
	assert_int_equal(table.capacity, 16 * GIB);
	assert_string_equal(table.types[0].name, "1g.2gb");
	assert_string_equal(table.types[1].name, "2g.4gb");
	assert_string_equal(table.types[2].name, "4g.8gb");
	assert_string_equal(table.types[3].name, "8g.16gb");
	assert_int_equal(table.types[0].instances, 8);
	assert_int_equal(table.types[3].instances, 1);
	assert_int_equal(table.types[2].weight, 400);
	assert_int_equal(table.types[2].vram, 8 * GIB);
}

/* Whatever is lent, no type costs more than there is, and names differ. */
static void test_uneven(void **state)
{
	(void)state;
	for (uint64_t vram = 8 * MIB; vram < 80 * GIB;
	     vram = vram * 3 / 2 + 7) {
		struct type_table table;

		assert_int_equal(type_table_init(&table, vram, 0xff, 9000), 0);
		assert_int_equal(table.count, 8);
		assert_true(table.capacity <= vram);
		assert_true(vram - table.capacity < 8 * MIB);
		for (unsigned int i = 0; i < table.count; i++) {
			const struct vgpu_type *type = &table.types[i];

			assert_int_equal(type->vram % MIB, 0);
			assert_true(type->vram * type->instances <=
				    table.capacity);
			assert_true(type->weight <= 10000);
			assert_ptr_equal(type_find(&table, type->name), type);
		}
	}
}

static void test_small(void **state)
{
	struct type_table table;

	(void)state;
	assert_int_equal(type_table_init(&table, 8 * MIB - 1, 1, 100), -ENOSPC);
	assert_int_equal(type_table_init(&table, 8 * MIB, 1, 100), 0);
	assert_string_equal(table.types[0].name, "1g.1mb");
}

/* What a card lends of 16 GiB is still called 2gb. */
static void test_lent(void **state)
{
	struct type_table table;

	(void)state;
	assert_true(vram_lent(16 * GIB) < 16 * GIB);
	assert_int_equal(type_table_init(&table, vram_lent(16 * GIB), 1, 100),
			 0);
	assert_string_equal(table.types[0].name, "1g.2gb");
}

static void test_find(void **state)
{
	struct type_table table;

	(void)state;
	assert_int_equal(type_table_init(&table, 16 * GIB, 0x8b, 100), 0);
	assert_ptr_equal(type_find(&table, "2g.4gb"), &table.types[1]);
	assert_ptr_equal(type_find(&table, "virtio-pci-2g.4gb"),
			 &table.types[1]);
	assert_null(type_find(&table, "12g.4gb"));
	assert_null(type_find(&table, "g.4gb"));
	assert_null(type_find(&table, ""));
	assert_null(type_find(&table, "-"));
}

static void test_describe(void **state)
{
	struct tranche_type kernel;
	struct type_table table;

	(void)state;
	assert_int_equal(type_table_init(&table, 16 * GIB, 0x8b, 100), 0);
	assert_int_equal(type_describe(&table.types[1], 256 * MIB, &kernel), 0);
	assert_string_equal(kernel.id, "2g.4gb");
	assert_string_equal(kernel.description,
			    "vram: 4096MiB\nweight: 200\nmax_instances: 4");
	assert_int_equal(kernel.cost, 4 * GIB);
	assert_int_equal(kernel.instances, 4);
	assert_int_equal(kernel.layout.window_size, 256 * MIB);
	assert_int_equal(type_describe(&table.types[1], 3 * MIB, &kernel),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even),  cmocka_unit_test(test_uneven),
		cmocka_unit_test(test_small), cmocka_unit_test(test_lent),
		cmocka_unit_test(test_find),  cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
