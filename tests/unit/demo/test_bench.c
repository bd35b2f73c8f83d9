// SPDX-License-Identifier: MIT
/*
 * The benchmark's arithmetic and its files; what processes cost is read from
 * this very machine.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <systemd/sd-json.h>

#include "tools/tranche/bench/bench.h"
#include "tools/tranche/bench/cost.h"
#include "xml.h"

#define STAT_TAIL " 20 0 4 0 100 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0"

static void test_cost_parse(void **state)
{
	pid_t parent;
	uint64_t ticks;

	(void)state;
	/* A vCPU thread's time in the guest is within its user time. */
	assert_int_equal(cost_parse("7 (a) b) c) S 3 7 7 0 -1 4 1 2 3 4 100 20 "
				    "5 6" STAT_TAIL " 90 4 0 0 0\n",
				    &parent, &ticks),
			 0);
	assert_int_equal(parent, 3);
	assert_int_equal(ticks, 100 + 20 + 5 + 6 - 90 - 4);
	assert_int_equal(cost_parse("7 (a) S 3 7 7", &parent, &ticks), -EINVAL);
	assert_int_equal(cost_parse("", &parent, &ticks), -EINVAL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t cpu_below(pid_t root)
{
	struct cost_processes processes;

	cost_find(&processes, &root, 1);
	return cost_cpu(&processes);
}

/* Below this process and below a child of it. */
static void test_cost_tree(void **state)
{
	uint64_t before = cpu_below(getpid());
	int ready[2], status;
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (fork() == 0) {
			while (now_ms() < 300)
				;
			_exit(write(ready[1], "+", 1) != 1);
		}
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	/* The grandchild is a zombie or about to be one: it counts. */
	assert_true(cpu_below(getpid()) - before >= 250000);
	assert_true(cpu_below(child) >= 250000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(cpu_below(0), 0);
	assert_int_equal(cpu_below(child), 0);
}

static void test_exits_unknown(void **state)
{
	uint64_t exits;

	(void)state;
	/* This process has no VM. */
	assert_int_equal(cost_exits(getpid(), &exits), -ENOENT);
}

static void cell_add(struct result_cell *cell, double rate)
{
	for (size_t m = 0; m < RESULT_MEASURES; m++)
		cell->samples[cell->count].values[m] = NAN;
	cell->samples[cell->count++].values[RESULT_RATE] = rate;
}

static void test_figure(void **state)
{
	struct result_cell cell = {0};
	struct result_figure figure;

	(void)state;
	assert_true(isnan(result_figure(&cell, RESULT_RATE).median));
	cell_add(&cell, 30);
	cell_add(&cell, 10);
	figure = result_figure(&cell, RESULT_RATE);
	assert_true(figure.median == 20 && figure.low == 10 &&
		    figure.high == 30);
	cell_add(&cell, 11);
	assert_true(result_figure(&cell, RESULT_RATE).median == 11);
	assert_true(isnan(result_figure(&cell, RESULT_EVEN).median));
}

static struct results *results_make(void)
{
	struct results *results = calloc(1, sizeof(*results));

	results->n_rows = 3;
	results->rows[0] = (struct result_row){"1 vGPU", ROW_VGPU, 1};
	results->rows[1] = (struct result_row){"<2> \"x\"", ROW_VGPU, 2};
	results->rows[2] = (struct result_row){"passed", ROW_PASSED, 1};
	results->n_loads = 2;
	results->loads[0] = (struct result_load){.name = "1 ms",
						 .kind = "fma",
						 .dispatch_ms = 1,
						 .against = -1,
						 .cost_ns = 1000000};
	results->loads[1] = results->loads[0];
	results->loads[1].name = "10 ms";
	results->loads[1].dispatch_ms = 10;
	cell_add(&results->cells[0][0], 90);
	cell_add(&results->cells[0][1], 50);
	cell_add(&results->cells[2][0], 100);
	strcpy(results->cells[1][0].error, "it <broke>");
	result_fact_add(results, "gpu", "a & b");
	return results;
}

static void test_percent(void **state)
{
	struct results *results = results_make();

	(void)state;
	assert_true(result_percent(results, 0, 0) == 90);
	assert_true(isnan(result_percent(results, 0, 1)));
	assert_true(isnan(result_percent(results, 1, 0)));
	assert_int_equal(result_row_find(results, ROW_VGPU, 2), 1);
	assert_int_equal(result_row_find(results, ROW_GL, 1), -1);
	free(results);
}

static char *text_of(const struct results *results,
		     void (*write)(const struct results *results, FILE *file))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	write(results, file);
	fclose(file);
	return text;
}

static void test_html(void **state)
{
	struct results *results = results_make();
	char *text = text_of(results, output_html);

	(void)state;
	assert_null(xml_check(text));
	assert_non_null(strstr(text, "it &lt;broke&gt;"));
	assert_non_null(strstr(text, "90 %"));
	assert_null(strstr(text, "nan"));
	free(text);
	free(results);
}

static void test_csv(void **state)
{
	struct results *results = results_make();
	char *text = text_of(results, output_csv);
	size_t lines = 0;

	(void)state;
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 1 + 3);
	assert_non_null(strstr(text, "\n\"1 vGPU\",1,\"1 ms\",1,90,,"));
	assert_null(strstr(text, "nan"));
	free(text);
	free(results);
}

static void json_write(const struct results *results, FILE *file)
{
	assert_int_equal(output_json(results, file), 0);
}

static void test_json(void **state)
{
	struct results *results = results_make();
	char *text = text_of(results, json_write);
	sd_json_variant *root = NULL, *cells;

	(void)state;
	assert_true(sd_json_parse(text, 0, &root, NULL, NULL) >= 0);
	cells = sd_json_variant_by_key(root, "cells");
	assert_int_equal(sd_json_variant_elements(cells), 4);
	assert_true(sd_json_variant_real(sd_json_variant_by_key(
			    sd_json_variant_by_index(cells, 0),
			    "percent_of_pass_through")) == 90);
	sd_json_variant_unref(root);
	free(text);
	free(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost_parse),
		cmocka_unit_test(test_cost_tree),
		cmocka_unit_test(test_exits_unknown),
		cmocka_unit_test(test_figure),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
