// SPDX-License-Identifier: MIT
/*
 * transport-test.c - what is the same for every transport, over one that only
 * records what it is asked
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mdev/transport/transport.h"

#define MIB (1024UL * 1024)

static struct tranche_copy copies[8];
static unsigned int nr_copies;
static unsigned int fail_at;
static const int *dispatches;

static int record_copy(struct tranche_transport *transport,
		       const struct tranche_copy *copy, unsigned int count,
		       unsigned int *done)
{
	(void)transport;
	assert_int_equal(count, 1);
	assert_in_range(nr_copies, 0, 7);
	copies[nr_copies++] = *copy;
	*done = nr_copies != fail_at;
	return *done ? 0 : -EFAULT;
}

static int record_dispatch(struct tranche_transport *transport, bool wait)
{
	(void)transport;
	assert_true(wait);
	return *dispatches++;
}

static const struct tranche_transport_ops ops = {
	.copy = record_copy,
	.dispatch = record_dispatch,
};

static struct tranche_transport transport = {.ops = &ops};

static int setup(void **state)
{
	(void)state;
	nr_copies = 0;
	fail_at = 0;
	return 0;
}

static void test_small_copy_is_one(void **state)
{
	char data[16];

	(void)state;
	assert_int_equal(tranche_memory_read(&transport, 0x1000, data, 16), 0);
	assert_int_equal(nr_copies, 1);
	assert_int_equal(copies[0].iova, 0x1000);
	assert_ptr_equal(copies[0].data, data);
	assert_int_equal(copies[0].length, 16);
	assert_false(copies[0].write);
}

static void test_large_copy_is_cut(void **state)
{
	char *data = malloc(2 * MIB + 5);

	(void)state;
	assert_non_null(data);
	assert_int_equal(
		tranche_memory_write(&transport, 0x1000, data, 2 * MIB + 5), 0);
	assert_int_equal(nr_copies, 3);
	assert_int_equal(copies[1].iova, 0x1000 + MIB);
	assert_ptr_equal(copies[1].data, data + MIB);
	assert_int_equal(copies[2].length, 5);
	assert_true(copies[2].write);
	free(data);
}

static void test_empty_copy_is_none(void **state)
{
	(void)state;
	assert_int_equal(tranche_memory_read(&transport, 0, NULL, 0), 0);
	assert_int_equal(nr_copies, 0);
}

static void test_failed_copy_stops(void **state)
{
	char *data = malloc(3 * MIB);

	(void)state;
	assert_non_null(data);
	fail_at = 2;
	assert_int_equal(tranche_memory_read(&transport, 0, data, 3 * MIB),
			 -EFAULT);
	assert_int_equal(nr_copies, 2);
	free(data);
}

static void test_run_ends_well(void **state)
{
	static const int results[] = {0, -EINTR, 0, -ESHUTDOWN};

	(void)state;
	dispatches = results;
	assert_int_equal(tranche_transport_run(&transport), 0);
	assert_ptr_equal(dispatches, results + 4);
}

static void test_run_tells_errors(void **state)
{
	static const int results[] = {0, -EPROTO};

	(void)state;
	dispatches = results;
	assert_int_equal(tranche_transport_run(&transport), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_small_copy_is_one, setup),
		cmocka_unit_test_setup(test_large_copy_is_cut, setup),
		cmocka_unit_test_setup(test_empty_copy_is_none, setup),
		cmocka_unit_test_setup(test_failed_copy_stops, setup),
		cmocka_unit_test_setup(test_run_ends_well, setup),
		cmocka_unit_test_setup(test_run_tells_errors, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
