// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <cmocka.h>

#include "mdev/gpu/list.h"

static struct node two_nodes[2];
static struct node_list nodes = {.nodes = two_nodes, .count = 2};

/* Two PCI GPUs with drivers and render nodes, as functions_list() leaves them. */
static void list_fill(struct gpu_list *list)
{
	static const char *const addresses[] = {"0000:01:00.0", "0000:02:00.0"};

	*list = (struct gpu_list){0};
	for (unsigned int i = 0; i < 2; i++) {
		struct gpu *gpu = gpu_list_append(list, addresses[i]);

		assert_non_null(gpu);
		gpu->driver = strdup("some");
		strcpy(two_nodes[i].address, addresses[i]);
		two_nodes[i].number = makedev(226, 128 + i);
	}
}

static struct report_device device_new(const char *name)
{
	return (struct report_device){
		.name = strdup(name),
		.driver = strdup("driver"),
		.library = strdup("library"),
		.api = 1,
		.heap_count = 2,
		.heaps = {{1000, true}, {500, false}},
	};
}

static void match(struct gpu_list *list, struct report *report)
{
	assert_int_equal(gpu_list_match(list, &nodes, report, 1), 0);
	report_deinit(report);
}

static void pci_address_matches(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 1;
	report.devices[0] = device_new("second");
	report.devices[0].pci = strdup("0000:02:00.0");
	match(&list, &report);
	assert_null(list.gpus[0].vulkan_name);
	assert_string_equal(list.gpus[1].vulkan_name, "second");
	assert_true(list.gpus[1].vram == 1000);
	assert_true(list.gpus[1].heaps[0] == 1000);
	assert_true(list.gpus[1].heaps[1] == 500);
	assert_true(list.gpus[1].heaps[2] == 0);
	gpu_list_deinit(&list);
}

static void render_node_matches(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 1;
	report.devices[0] = device_new("first");
	report.devices[0].has_render = true;
	report.devices[0].render_major = 226;
	report.devices[0].render_minor = 128;
	match(&list, &report);
	assert_string_equal(list.gpus[0].vulkan_name, "first");
	assert_null(list.gpus[1].vulkan_name);
	gpu_list_deinit(&list);
}

static void first_driver_of_gpu_stays(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 2;
	for (int i = 0; i < 2; i++) {
		report.devices[i] = device_new(i ? "late" : "early");
		report.devices[i].pci = strdup("0000:01:00.0");
	}
	match(&list, &report);
	assert_string_equal(list.gpus[0].vulkan_name, "early");
	assert_int_equal(list.count, 2);
	gpu_list_deinit(&list);
}

static void nameless_device_takes_only_gpu_left(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 2;
	report.devices[0] = device_new("nameless");
	report.devices[1] = device_new("named");
	report.devices[1].pci = strdup("0000:01:00.0");
	match(&list, &report);
	assert_string_equal(list.gpus[0].vulkan_name, "named");
	assert_string_equal(list.gpus[1].vulkan_name, "nameless");
	gpu_list_deinit(&list);
}

static void nameless_device_is_not_guessed(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 1;
	report.devices[0] = device_new("nameless");
	match(&list, &report);
	assert_null(list.gpus[0].vulkan_name);
	assert_null(list.gpus[1].vulkan_name);
	gpu_list_deinit(&list);
}

static void processor_is_software_and_last(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 2;
	for (int i = 0; i < 2; i++) {
		report.devices[i] = device_new(i ? "other" : "lavapipe");
		report.devices[i].cpu = true;
	}
	match(&list, &report);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.gpus[2].address, "software");
	assert_string_equal(list.gpus[2].vulkan_name, "lavapipe");
	assert_true(list.gpus[2].software);
	assert_int_equal(list.gpus[2].iommu_group, -1);
	assert_null(list.gpus[0].vulkan_name);
	gpu_list_deinit(&list);
}

static void device_of_absent_gpu_is_left_out(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 1;
	report.devices[0] = device_new("elsewhere");
	report.devices[0].pci = strdup("0000:09:00.0");
	match(&list, &report);
	assert_int_equal(list.count, 2);
	assert_null(list.gpus[0].vulkan_name);
	assert_null(list.gpus[1].vulkan_name);
	gpu_list_deinit(&list);
}

static void full_heap_list_ends(void **state)
{
	static struct report report;
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	report.count = 1;
	report.devices[0] = device_new("many");
	report.devices[0].pci = strdup("0000:01:00.0");
	report.devices[0].heap_count = REPORT_HEAPS;
	for (int i = 0; i < REPORT_HEAPS; i++)
		report.devices[0].heaps[i] = (struct report_heap){1, true};
	match(&list, &report);
	assert_true(list.gpus[0].vram == REPORT_HEAPS);
	assert_true(list.gpus[0].heaps[REPORT_HEAPS] == 0);
	gpu_list_deinit(&list);
}

static void address_is_found_without_domain(void **state)
{
	struct gpu_list list;

	(void)state;
	list_fill(&list);
	assert_ptr_equal(gpu_find(&list, "0000:02:00.0"), &list.gpus[1]);
	assert_ptr_equal(gpu_find(&list, "02:00.0"), &list.gpus[1]);
	assert_null(gpu_find(&list, "2:00.0"));
	assert_null(gpu_find(&list, ""));
	assert_null(gpu_find(&list, "software"));
	gpu_list_deinit(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pci_address_matches),
		cmocka_unit_test(render_node_matches),
		cmocka_unit_test(first_driver_of_gpu_stays),
		cmocka_unit_test(nameless_device_takes_only_gpu_left),
		cmocka_unit_test(nameless_device_is_not_guessed),
		cmocka_unit_test(processor_is_software_and_last),
		cmocka_unit_test(device_of_absent_gpu_is_left_out),
		cmocka_unit_test(full_heap_list_ends),
		cmocka_unit_test(address_is_found_without_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
