/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An intrusive balanced tree (AVL) ordered by a 64-bit key that may wrap, in
 * which every node also knows the least `value` of its subtree. It serves the
 * run queues (key: virtual deadline, value: start tag), the due reservations,
 * the throttled entities and the jobs watched for the kill limit.
 *
 * Nodes with equal keys leave in the order they came, so every order is
 * deterministic. Keys are compared as a circle: they must lie within half the
 * number range of each other.
 *
 * A node is either out of every tree or in exactly one; key and value must
 * not change while it is in. The owner of the embedding struct owns the node.
 * Lock: none, the caller serialises.
 */
#ifndef SCHEDULER_CORE_AVL_H
#define SCHEDULER_CORE_AVL_H

#include "types.h"

struct avl_node {
	struct avl_node *child[2];
	struct avl_node *parent;
	uint64_t key;
	uint64_t value;
	uint64_t value_min;
	uint8_t height; /* 0: in no tree */
};

struct avl_tree {
	struct avl_node *root;
	struct avl_node *first;
};

/**
 * avl_before() - compare two tags that may wrap
 * @a: a tag
 * @b: another, less than 2^63 away
 *
 * Return: whether @a comes before @b.
 */
static inline bool avl_before(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/**
 * avl_is_linked() - ask whether a node is in a tree
 * @node: a node that was zeroed or removed
 *
 * Return: true while @node is in a tree.
 */
static inline bool avl_is_linked(const struct avl_node *node)
{
	return node->height;
}

/**
 * avl_first() - the node with the earliest key
 * @tree: the tree
 *
 * Return: that node, NULL if the tree is empty. O(1).
 */
static inline struct avl_node *avl_first(const struct avl_tree *tree)
{
	return tree->first;
}

/**
 * avl_insert() - put a node in, behind those with an equal key
 * @tree: the tree
 * @node: a node in no tree
 * @key: what the tree is ordered by
 * @value: what each subtree knows the least of
 *
 * O(log n).
 */
void avl_insert(struct avl_tree *tree, struct avl_node *node, uint64_t key,
		uint64_t value);

/**
 * avl_remove() - take a node out
 * @tree: the tree @node is in
 * @node: the node
 *
 * O(log n).
 */
void avl_remove(struct avl_tree *tree, struct avl_node *node);

/**
 * avl_next() - the node after one
 * @node: a node in a tree
 *
 * Return: its successor, NULL for the last.
 */
struct avl_node *avl_next(const struct avl_node *node);

#endif
