/* SPDX-License-Identifier: MIT */
/* Layer plumbing: the map from handles to state, and pNext chains. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>

#include "scheduler/gate/chain.h"
#include "scheduler/gate/dispatch.h"

#define NODES 1000

struct thing {
	int number;
	struct dispatch_node node;
};

static void test_map(void **state)
{
	static struct dispatch_map map = DISPATCH_MAP_INITIALIZER;
	struct thing *things = calloc(NODES, sizeof(*things));
	struct dispatch_node *node;

	(void)state;
	assert_non_null(things);
	for (int i = 0; i < NODES; i++) {
		things[i].number = i;
		dispatch_map_insert(&map, &things[i], &things[i].node);
	}
	for (int i = 0; i < NODES; i += 2)
		assert_ptr_equal(dispatch_map_remove(&map, &things[i]),
				 &things[i].node);
	for (int i = 0; i < NODES; i++) {
		node = dispatch_map_find(&map, &things[i]);
		if (i % 2)
			assert_int_equal(
				dispatch_entry(node, struct thing, node)
					->number,
				i);
		else
			assert_null(node);
	}
	assert_null(dispatch_map_remove(&map, &things[0]));
	free(things);
}

static void test_links(void **state)
{
	VkLayerInstanceLink layer = {};
	VkLayerInstanceCreateInfo link = {
		.sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO,
		.function = VK_LAYER_LINK_INFO,
	};
	VkLayerInstanceCreateInfo other = {
		.sType = VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO,
		.pNext = &link,
		.function = VK_LOADER_DATA_CALLBACK,
	};
	VkInstanceCreateInfo instance = {.pNext = &other};
	VkDeviceCreateInfo device = {.pNext = &other};

	(void)state;
	assert_null(dispatch_instance_link(&instance));
	link.u.pLayerInfo = &layer;
	assert_ptr_equal(dispatch_instance_link(&instance), &link);
	assert_null(dispatch_device_link(&device));
}

static void test_chain(void **state)
{
	static const struct chain_kind kinds[] = {
		{VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
		 sizeof(VkExportMemoryAllocateInfo)},
	};
	VkExportMemoryAllocateInfo export = {
		.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
		.handleTypes = 5,
	};
	VkBaseOutStructure other = {.sType = 1, .pNext = (void *)&export};
	VkBaseOutStructure pushed = {.sType = 2};
	const VkExportMemoryAllocateInfo *copy;
	struct chain chain;

	(void)state;
	assert_int_equal(chain_init_copy(&chain, &other, kinds, 1), 1);
	chain_push(&chain, &pushed);
	assert_ptr_equal(chain.head, &pushed);
	copy = chain_find(chain.head, export.sType);
	assert_non_null(copy);
	assert_ptr_not_equal(copy, &export);
	assert_int_equal(copy->handleTypes, 5);
	assert_null(copy->pNext);
	assert_null(chain_find(chain.head, other.sType));
	chain_deinit(&chain);
	assert_int_equal(chain_init_copy(&chain, NULL, kinds, 1), 0);
	assert_null(chain.head);
	chain_deinit(&chain);
	chain_deinit(&chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
