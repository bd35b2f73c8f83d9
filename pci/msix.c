// SPDX-License-Identifier: MIT
#include "pci/msix.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

static bool is_on(const struct msix *msix, const struct msix_entry *entry)
{
	return msix->enabled && !msix->masked &&
	       !(entry->control & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void tell(struct msix *msix, unsigned int vector)
{
	const struct msix_entry *entry = &msix->table[vector];
	struct msix_message message = {entry->address, entry->data};

	msix->ops->update(msix->user, vector,
			  is_on(msix, entry) ? &message : NULL);
}

static void mask_all(struct msix *msix)
{
	for (unsigned int i = 0; i < msix->count; i++)
		msix->table[i] = (struct msix_entry){
			.control = PCI_MSIX_ENTRY_CTRL_MASKBIT};
}

int msix_init(struct msix *msix, unsigned int count, const struct msix_ops *ops,
	      void *user)
{
	if (!count || count > MSIX_VECTORS_MAX)
		return -EINVAL;
	*msix = (struct msix){.ops = ops, .user = user, .count = count};
	msix->table = calloc(count, sizeof(*msix->table));
	if (!msix->table)
		return -ENOMEM;
	mask_all(msix);
	return 0;
}

void msix_deinit(struct msix *msix)
{
	free(msix->table);
	msix->table = NULL;
	msix->count = 0;
}

void msix_reset(struct msix *msix)
{
	msix_set_control(msix, 0);
	mask_all(msix);
}

void msix_set_control(struct msix *msix, uint16_t control)
{
	bool enabled = control & PCI_MSIX_FLAGS_ENABLE;
	bool masked = control & PCI_MSIX_FLAGS_MASKALL;
	bool was = msix->enabled && !msix->masked;

	msix->enabled = enabled;
	msix->masked = masked;
	if (was == (enabled && !masked))
		return;
	for (unsigned int i = 0; i < msix->count; i++)
		if (!(msix->table[i].control & PCI_MSIX_ENTRY_CTRL_MASKBIT))
			tell(msix, i);
}

static uint32_t entry_word(const struct msix_entry *entry, unsigned int word)
{
	switch (word) {
	case 0:
		return entry->address;
	case 1:
		return entry->address >> 32;
	case 2:
		return entry->data;
	default:
		return entry->control;
	}
}

static bool in_table(const struct msix *msix, uint64_t offset, unsigned int len)
{
	uint64_t size = (uint64_t)msix->count * MSIX_ENTRY_SIZE;

	return (len == 4 || len == 8) && !(offset & (len - 1)) &&
	       offset < size && len <= size - offset;
}

uint64_t msix_table_read(const struct msix *msix, uint64_t offset,
			 unsigned int len)
{
	const struct msix_entry *entry;
	unsigned int word = offset % MSIX_ENTRY_SIZE / 4;

	if (!in_table(msix, offset, len))
		return 0;
	entry = &msix->table[offset / MSIX_ENTRY_SIZE];
	if (len == 4)
		return entry_word(entry, word);
	return entry_word(entry, word) | (uint64_t)entry_word(entry, word + 1)
						 << 32;
}

static void entry_set_word(struct msix_entry *entry, unsigned int word,
			   uint32_t value)
{
	switch (word) {
	case 0:
		entry->address =
			(entry->address & ~0xffffffffull) | (value & ~3u);
		break;
	case 1:
		entry->address = (uint32_t)entry->address | (uint64_t)value
								    << 32;
		break;
	case 2:
		entry->data = value;
		break;
	default:
		entry->control = value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
		break;
	}
}

void msix_table_write(struct msix *msix, uint64_t offset, unsigned int len,
		      uint64_t value)
{
	unsigned int vector = offset / MSIX_ENTRY_SIZE;
	unsigned int word = offset % MSIX_ENTRY_SIZE / 4;
	struct msix_entry *entry;
	bool was;

	if (!in_table(msix, offset, len))
		return;
	entry = &msix->table[vector];
	was = is_on(msix, entry);
	entry_set_word(entry, word, value);
	if (len == 8)
		entry_set_word(entry, word + 1, value >> 32);
	/* A message that changes while it is on takes effect at once. */
	if (was || is_on(msix, entry))
		tell(msix, vector);
}

uint64_t msix_pending_read(const struct msix *msix, uint64_t offset,
			   unsigned int len)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < 8 * len && i < 64; i++) {
		uint64_t vector = offset * 8 + i;

		if (offset >= MSIX_VECTORS_MAX / 8 || vector >= msix->count)
			break;
		if (msix->ops->pending(msix->user, vector))
			bits |= 1ull << i;
	}
	return bits;
}
