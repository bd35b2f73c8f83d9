/* SPDX-License-Identifier: MIT */
#include "scheduler/gate/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const void *chain_find(const void *head, VkStructureType type)
{
	const VkBaseInStructure *node = head;

	while (node && node->sType != type)
		node = node->pNext;
	return node;
}

static size_t chain_length(const void *head)
{
	const VkBaseInStructure *node;
	size_t length = 0;

	for (node = head; node; node = node->pNext)
		length++;
	return length;
}

static const struct chain_kind *kind_find(const struct chain_kind *kinds,
					  size_t count, VkStructureType type)
{
	for (size_t i = 0; i < count; i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}

/* Appends a copy of @node at @tail. */
static int chain_append(struct chain *chain, VkBaseOutStructure ***tail,
			const VkBaseInStructure *node, size_t size)
{
	VkBaseOutStructure *copy = malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, node, size);
	copy->pNext = NULL;
	chain->owned[chain->count++] = copy;
	**tail = copy;
	*tail = &copy->pNext;
	return 0;
}

int chain_init_copy(struct chain *chain, const void *head,
		    const struct chain_kind *kinds, size_t count)
{
	VkBaseOutStructure **tail = &chain->head;
	const VkBaseInStructure *node;
	int skipped = 0;

	*chain = (struct chain){};
	if (!head)
		return 0;
	chain->owned = calloc(chain_length(head), sizeof(*chain->owned));
	if (!chain->owned)
		return -ENOMEM;
	for (node = head; node; node = node->pNext) {
		const struct chain_kind *kind =
			kind_find(kinds, count, node->sType);

		if (!kind)
			skipped++;
		else if (chain_append(chain, &tail, node, kind->size) < 0)
			return -ENOMEM;
	}
	return skipped;
}

void chain_push(struct chain *chain, void *structure)
{
	VkBaseOutStructure *node = structure;

	node->pNext = chain->head;
	chain->head = node;
}

void chain_deinit(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		free(chain->owned[i]);
	free(chain->owned);
	*chain = (struct chain){};
}
