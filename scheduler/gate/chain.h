/* SPDX-License-Identifier: MIT */
/*
 * pNext chains: finding a structure, and rebuilding a chain without one.
 *
 * An application's chain is const and may lie in read-only memory or be in use
 * by another thread, so a layer that wants to pass on something else has to
 * copy. Copying needs sizes, which the chain itself does not tell; the caller
 * lists the kinds that it knows.
 *
 * Ownership: a struct chain owns the copies in it until chain_deinit().
 * Structures pushed by the caller stay the caller's. Structures that the
 * copies point to (names, arrays) stay the application's: a chain may not
 * outlive the call it was made for.
 *
 * Locking: none; a chain belongs to one thread.
 */
#ifndef TRANCHE_GATE_CHAIN_H
#define TRANCHE_GATE_CHAIN_H

#include <stddef.h>

#include <vulkan/vulkan.h>

struct chain_kind {
	VkStructureType type;
	size_t size; /* bytes, at least sizeof(VkBaseOutStructure) */
};

struct chain {
	VkBaseOutStructure *head; /* what to put in pNext */
	VkBaseOutStructure **owned; /* copies, to be freed */
	size_t count;
};

/**
 * chain_find() - The first structure of a type
 * @head:	a pNext chain, or NULL
 * @type:	its sType
 *
 * Return: the structure, or NULL when there is none.
 */
const void *chain_find(const void *head, VkStructureType type);

/**
 * chain_init_copy() - Copy those structures of a chain that are of known kinds
 * @chain:	to be initialised; chain_deinit() it even after a failure
 * @head:	a pNext chain, or NULL
 * @kinds:	what to copy
 * @count:	length of @kinds
 *
 * Return: how many structures were left out (0 or more), or -ENOMEM.
 */
int chain_init_copy(struct chain *chain, const void *head,
		    const struct chain_kind *kinds, size_t count);

/**
 * chain_push() - Put a structure of the caller's at the front
 * @chain:	the chain
 * @structure:	any extending structure; its pNext is overwritten
 */
void chain_push(struct chain *chain, void *structure);

/**
 * chain_deinit() - Free the copies
 * @chain:	from chain_init_copy(), or zeroed
 */
void chain_deinit(struct chain *chain);

#define _cleanup_chain_ __attribute__((cleanup(chain_deinit)))

#endif
