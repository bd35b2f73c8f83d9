// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tranche/json.h"
#include "tools/tranche/names.h"

static sd_json_variant *vgpus;

static int vgpus_make(void **state)
{
	static const char text[] =
		"[{\"uuid\":\"6f1c0000-0000-4000-8000-000000000001\","
		"  \"name\":\"web\"},"
		" {\"uuid\":\"6f1d0000-0000-4000-8000-000000000002\","
		"  \"name\":\"6f1c\"},"
		" {\"uuid\":\"aaaa0000-0000-4000-8000-000000000003\","
		"  \"name\":\"twin\"},"
		" {\"uuid\":\"bbbb0000-0000-4000-8000-000000000004\","
		"  \"name\":\"twin\"},"
		" {\"uuid\":\"cccc0000-0000-4000-8000-000000000005\","
		"  \"name\":\"\"}]";

	(void)state;
	return sd_json_parse(text, 0, &vgpus, NULL, NULL);
}

static int vgpus_free(void **state)
{
	(void)state;
	sd_json_variant_unref(vgpus);
	return 0;
}

static void check(const char *word, size_t wanted)
{
	assert_ptr_equal(names_find(vgpus, word),
			 sd_json_variant_by_index(vgpus, wanted));
}

static void uuid_and_beginning_and_name_find(void **state)
{
	(void)state;
	check("aaaa0000-0000-4000-8000-000000000003", 2);
	check("AAAA0000-0000-4000-8000-000000000003", 2);
	check("a", 2);
	check("6f1d", 1);
	check("web", 0);
}

static void name_wins_over_beginning(void **state)
{
	(void)state;
	check("6f1c", 1);
	check("6f1c0", 0);
}

static void unclear_and_unknown_find_nothing(void **state)
{
	(void)state;
	assert_null(names_find(vgpus, "6f1"));
	assert_null(names_find(vgpus, "twin"));
	assert_null(names_find(vgpus, "nobody"));
	assert_null(names_find(vgpus, ""));
	assert_null(names_find(NULL, "web"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_and_beginning_and_name_find),
		cmocka_unit_test(name_wins_over_beginning),
		cmocka_unit_test(unclear_and_unknown_find_nothing),
	};

	return cmocka_run_group_tests(tests, vgpus_make, vgpus_free);
}
