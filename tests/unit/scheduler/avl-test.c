// SPDX-License-Identifier: MIT
#include "scheduler/core/avl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NODES 200

static unsigned int subtree_check(const struct avl_node *node,
				  const struct avl_node *parent)
{
	unsigned int left, right;

	if (!node)
		return 0;
	assert_ptr_equal(node->parent, parent);
	left = subtree_check(node->child[0], node);
	right = subtree_check(node->child[1], node);
	assert_true(left <= right + 1 && right <= left + 1);
	assert_int_equal(node->height, 1 + (left > right ? left : right));
	return node->height;
}

static uint64_t subtree_least(const struct avl_node *node)
{
	uint64_t least = node->value;
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t below;

		if (!node->child[i])
			continue;
		below = subtree_least(node->child[i]);
		assert_int_equal(below, node->child[i]->value_min);
		if (avl_before(below, least))
			least = below;
	}
	return least;
}

static void tree_check(const struct avl_tree *tree, unsigned int count)
{
	const struct avl_node *node = avl_first(tree);
	const struct avl_node *before = NULL;

	subtree_check(tree->root, NULL);
	if (tree->root)
		assert_int_equal(subtree_least(tree->root),
				 tree->root->value_min);
	for (; node; node = avl_next(node)) {
		if (before)
			assert_false(avl_before(node->key, before->key));
		before = node;
		count--;
	}
	assert_int_equal(count, 0);
}

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void stays_balanced_and_ordered(void **unused)
{
	struct avl_node nodes[NODES] = {0};
	struct avl_tree tree = {0};
	unsigned int count = 0, i;
	uint32_t state = 1;

	(void)unused;
	for (i = 0; i < 5000; i++) {
		struct avl_node *node = &nodes[random_next(&state) % NODES];

		if (avl_is_linked(node)) {
			avl_remove(&tree, node);
			count--;
		} else {
			avl_insert(&tree, node, random_next(&state) % 64,
				   random_next(&state));
			count++;
		}
		tree_check(&tree, count);
	}
}

static void equal_keys_leave_in_order_of_arrival(void **unused)
{
	struct avl_node nodes[NODES] = {0};
	struct avl_tree tree = {0};
	unsigned int i;

	(void)unused;
	for (i = 0; i < NODES; i++)
		avl_insert(&tree, &nodes[i], i % 2, 0);
	for (i = 0; i < NODES; i++) {
		unsigned int want = i < NODES / 2 ? 2 * i : 2 * i - NODES + 1;

		assert_ptr_equal(avl_first(&tree), &nodes[want]);
		avl_remove(&tree, avl_first(&tree));
	}
	assert_null(avl_first(&tree));
}

static void keys_may_wrap(void **unused)
{
	struct avl_node early = {0}, late = {0};
	struct avl_tree tree = {0};

	(void)unused;
	avl_insert(&tree, &late, 5, 5);
	avl_insert(&tree, &early, UINT64_MAX - 5, UINT64_MAX - 5);
	assert_ptr_equal(avl_first(&tree), &early);
	assert_int_equal(tree.root->value_min, UINT64_MAX - 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stays_balanced_and_ordered),
		cmocka_unit_test(equal_keys_leave_in_order_of_arrival),
		cmocka_unit_test(keys_may_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
