// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <locale.h>

#include "tools/tranche/table.h"
#include "tools/tranche/text.h"

static const struct table_column columns[] = {
	{.title = "NAME", .shrinks = true},
	{.title = "N", .right = true},
	{.title = "END"},
	{0},
};

static char *print(struct table *table, bool colour, size_t width)
{
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	assert_int_equal(table_print(table, file, colour, width), 0);
	fclose(file);
	return text;
}

static void check(struct table *table, bool colour, size_t width,
		  const char *wanted)
{
	char *text = print(table, colour, width);

	assert_string_equal(text, wanted);
	free(text);
}

static struct table *table_of(const char *name, const char *number,
			      const char *end)
{
	struct table *table = table_new(columns);

	assert_non_null(table);
	table_cell(table, TABLE_PLAIN, "%s", name);
	table_cell(table, TABLE_PLAIN, "%s", number);
	table_cell(table, TABLE_GOOD, "%s", end);
	return table;
}

static void columns_fit_their_texts(void **state)
{
	struct table *table = table_of("a longer name", "7", "x");

	(void)state;
	table_cell(table, TABLE_PLAIN, "b");
	table_cell(table, TABLE_PLAIN, "1234");
	table_cell(table, TABLE_PLAIN, "the end");
	check(table, false, 0,
	      "NAME              N  END\n"
	      "a longer name     7  x\n"
	      "b              1234  the end\n");
	table_free(table);
}

static void empty_table_has_titles(void **state)
{
	struct table *table = table_new(columns);

	(void)state;
	check(table, false, 0, "NAME  N  END\n");
	table_free(table);
}

static void colours_only_when_asked(void **state)
{
	struct table *table = table_of("a", "1", "x");

	(void)state;
	check(table, false, 0, "NAME  N  END\na     1  x\n");
	check(table, true, 0,
	      "\033[1mNAME\033[0m  \033[1mN\033[0m  \033[1mEND\033[0m\n"
	      "a     1  \033[32mx\033[0m\n");
	table_free(table);
}

static void narrow_terminal_shrinks_what_may(void **state)
{
	struct table *table = table_of("abcdefghijklmnop", "1", "x");

	(void)state;
	check(table, false, 20,
	      "NAME          N  END\n"
	      "abcdefghijk…  1  x\n");
	/* Not below what is of use. */
	check(table, false, 5,
	      "NAME      N  END\n"
	      "abcdefg…  1  x\n");
	table_free(table);
}

static void width_is_that_of_characters(void **state)
{
	struct table *table = table_of("µs", "1", "x");

	(void)state;
	check(table, false, 0, "NAME  N  END\nµs    1  x\n");
	table_free(table);
	assert_int_equal(text_width("größe"), 5);
	assert_int_equal(text_width("表"), 2);
	assert_int_equal(text_fit("größe", 3), 4);
	assert_int_equal(text_fit("表表", 3), 3);
	assert_int_equal(text_fit("abc", 9), 3);
	/* What is no UTF-8 counts by bytes. */
	assert_int_equal(text_width("\xff\xfe"), 2);
	assert_int_equal(text_fit("\xff\xfe", 1), 1);
}

/* A VM's name is chosen by whoever starts it. */
static void names_do_not_steer_terminal(void **state)
{
	struct table *table = table_of("a\033[31m\n", "\r", "\x7f");
	char text[] = "\302\233x\302\265";

	(void)state;
	check(table, false, 0, "NAME     N  END\na?[31m?  ?  ?\n");
	table_free(table);
	text_clean(text);
	assert_string_equal(text, "??x\302\265");
}

static void numbers_are_short(void **state)
{
	char text[TEXT_SIZE];

	(void)state;
	assert_string_equal(text_percent(text, 20), "20 %");
	assert_string_equal(text_percent(text, 12.5), "12.5 %");
	assert_string_equal(text_size(text, UINT64_C(3) << 29), "1.5 GiB");
	assert_string_equal(text_size_short(text, 0), "0K");
	assert_string_equal(text_size_short(text, UINT64_C(3) << 29), "1.5G");
	assert_string_equal(text_size_short(text, 512 << 20), "512M");
	assert_string_equal(text_size_short(text, (1 << 20) - 1), "1.0M");
	assert_string_equal(text_us_short(text, 0), "0us");
	assert_string_equal(text_us_short(text, 950), "950us");
	assert_string_equal(text_us_short(text, 5630), "5.6ms");
	assert_string_equal(text_us_short(text, 131072), "131ms");
	assert_string_equal(text_us_short(text, 999700), "1.0s");
	assert_true(strlen(text_us_short(text, UINT64_MAX)) < TEXT_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_fit_their_texts),
		cmocka_unit_test(empty_table_has_titles),
		cmocka_unit_test(colours_only_when_asked),
		cmocka_unit_test(narrow_terminal_shrinks_what_may),
		cmocka_unit_test(width_is_that_of_characters),
		cmocka_unit_test(names_do_not_steer_terminal),
		cmocka_unit_test(numbers_are_short),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
