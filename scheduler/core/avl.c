// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "avl.h"

static unsigned int subtree_height(const struct avl_node *node)
{
	return node ? node->height : 0;
}

static int node_balance(const struct avl_node *node)
{
	return (int)subtree_height(node->child[1]) -
	       (int)subtree_height(node->child[0]);
}

static void node_update(struct avl_node *node)
{
	unsigned int height = 0;
	int i;

	node->value_min = node->value;
	for (i = 0; i < 2; i++) {
		const struct avl_node *child = node->child[i];

		if (!child)
			continue;
		if (child->height > height)
			height = child->height;
		if (avl_before(child->value_min, node->value_min))
			node->value_min = child->value_min;
	}
	node->height = height + 1;
}

/* Let @to stand where @from stood below @parent. */
static void child_replace(struct avl_tree *tree, struct avl_node *parent,
			  const struct avl_node *from, struct avl_node *to)
{
	if (!parent)
		tree->root = to;
	else
		parent->child[parent->child[1] == from] = to;
	if (to)
		to->parent = parent;
}

/* Turn @node down to the side @dir; its other child takes its place. */
static struct avl_node *node_rotate(struct avl_tree *tree,
				    struct avl_node *node, int dir)
{
	struct avl_node *up = node->child[!dir];
	struct avl_node *moved = up->child[dir];

	child_replace(tree, node->parent, node, up);
	node->child[!dir] = moved;
	if (moved)
		moved->parent = node;
	up->child[dir] = node;
	node->parent = up;
	node_update(node);
	node_update(up);
	return up;
}

static struct avl_node *node_rebalance(struct avl_tree *tree,
				       struct avl_node *node)
{
	int balance = node_balance(node);
	int heavy = balance > 0;

	if (balance >= -1 && balance <= 1) {
		node_update(node);
		return node;
	}
	if (node_balance(node->child[heavy]) == (heavy ? -1 : 1))
		node_rotate(tree, node->child[heavy], heavy);
	return node_rotate(tree, node, !heavy);
}

/* Restore balance and minima upwards, as far as anything changes. */
static void tree_repair(struct avl_tree *tree, struct avl_node *node)
{
	while (node) {
		uint64_t value_min = node->value_min;
		uint8_t height = node->height;

		node = node_rebalance(tree, node);
		if (node->height == height && node->value_min == value_min)
			return;
		node = node->parent;
	}
}

void avl_insert(struct avl_tree *tree, struct avl_node *node, uint64_t key,
		uint64_t value)
{
	struct avl_node **link = &tree->root;
	struct avl_node *parent = NULL;
	bool first = true;

	while (*link) {
		int right;

		parent = *link;
		right = !avl_before(key, parent->key);
		if (right)
			first = false;
		link = &parent->child[right];
	}
	*node = (struct avl_node){
		.parent = parent,
		.key = key,
		.value = value,
		.value_min = value,
		.height = 1,
	};
	*link = node;
	if (first)
		tree->first = node;
	tree_repair(tree, parent);
}

struct avl_node *avl_next(const struct avl_node *node)
{
	struct avl_node *next = node->child[1];

	if (next) {
		while (next->child[0])
			next = next->child[0];
		return next;
	}
	next = node->parent;
	while (next && next->child[1] == node) {
		node = next;
		next = next->parent;
	}
	return next;
}

/* Put @next, the successor of @node, where @node with two children stands. */
static struct avl_node *node_substitute(struct avl_tree *tree,
					struct avl_node *node,
					struct avl_node *next)
{
	struct avl_node *dirty = next;

	if (next != node->child[1]) {
		dirty = next->parent;
		child_replace(tree, dirty, next, next->child[1]);
		next->child[1] = node->child[1];
		next->child[1]->parent = next;
	}
	next->child[0] = node->child[0];
	next->child[0]->parent = next;
	/* What those above know of this place, for the repair to compare. */
	next->height = node->height;
	next->value_min = node->value_min;
	child_replace(tree, node->parent, node, next);
	return dirty;
}

void avl_remove(struct avl_tree *tree, struct avl_node *node)
{
	struct avl_node *next = NULL;
	struct avl_node *dirty = node->parent;

	if (tree->first == node)
		tree->first = avl_next(node);
	if (node->child[0] && node->child[1]) {
		next = avl_next(node);
		dirty = node_substitute(tree, node, next);
	} else {
		child_replace(tree, dirty, node, node->child[!node->child[0]]);
	}
	tree_repair(tree, dirty);
	/*
	 * The repair below the substitute may end early; the substitute
	 * itself still carries what was true of the node it replaced.
	 */
	tree_repair(tree, next);
	node->height = 0;
}
