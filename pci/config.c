// SPDX-License-Identifier: MIT
#include "pci/config.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#define FIRST_CAPABILITY 0x40
#define FIRST_EXTENDED 0x100

/* As many as fit, four bytes each. */
#define CAPABILITIES_MAX ((PCI_LEGACY_SIZE - FIRST_CAPABILITY) / 4)

static void put(struct pci_config *config, unsigned int offset, uint32_t value,
		unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		config->data[offset + i] = value >> (8 * i);
}

static uint32_t get(const struct pci_config *config, unsigned int offset,
		    unsigned int len)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < len; i++)
		value |= (uint32_t)config->data[offset + i] << (8 * i);
	return value;
}

void pci_config_allow(struct pci_config *config, unsigned int offset,
		      uint32_t mask, unsigned int len)
{
	assert(len <= 4 && offset + len <= PCI_CONFIG_SIZE);
	for (unsigned int i = 0; i < len; i++)
		config->mask[offset + i] |= mask >> (8 * i);
}

void pci_config_init(struct pci_config *config,
		     const struct pci_identity *identity)
{
	memset(config, 0, sizeof(*config));
	put(config, PCI_VENDOR_ID, identity->vendor, 2);
	put(config, PCI_DEVICE_ID, identity->device, 2);
	put(config, PCI_CLASS_REVISION,
	    identity->class_code << 8 | identity->revision, 4);
	put(config, PCI_SUBSYSTEM_VENDOR_ID, identity->subsystem_vendor, 2);
	put(config, PCI_SUBSYSTEM_ID, identity->subsystem, 2);
	pci_config_allow(config, PCI_COMMAND,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				 PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
				 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
			 2);
	pci_config_allow(config, PCI_CACHE_LINE_SIZE, 0xff, 1);
	pci_config_allow(config, PCI_INTERRUPT_LINE, 0xff, 1);
	config->next_free = FIRST_CAPABILITY;
	config->last_link = PCI_CAPABILITY_LIST;
	config->next_extended = FIRST_EXTENDED;
}

static unsigned int bar_offset(unsigned int index)
{
	return index == PCI_BAR_ROM ? PCI_ROM_ADDRESS
				    : PCI_BASE_ADDRESS_0 + 4 * index;
}

static uint32_t bar_type_bits(unsigned int flags)
{
	if (flags & PCI_BAR_IO)
		return PCI_BASE_ADDRESS_SPACE_IO;
	return (flags & PCI_BAR_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
	       (flags & PCI_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
}

static bool bar_fits(const struct pci_config *config, unsigned int index,
		     uint64_t size, unsigned int flags)
{
	unsigned int last = index + (flags & PCI_BAR_64 ? 1 : 0);
	uint64_t least = flags & PCI_BAR_IO ? 4 : 16;

	if (index == PCI_BAR_ROM)
		return !flags && size >= 2048 && size <= 1ull << 31 &&
		       !(size & (size - 1));
	if (last >= PCI_BAR_ROM || config->bar_size[index])
		return false;
	if (size < least || (size & (size - 1)))
		return false;
	return flags & PCI_BAR_64 || size <= 1ull << 31;
}

int pci_config_add_bar(struct pci_config *config, unsigned int index,
		       uint64_t size, unsigned int flags)
{
	if (!bar_fits(config, index, size, flags))
		return -EINVAL;
	config->bar_size[index] = size;
	config->bar_flags[index] = flags;
	put(config, bar_offset(index), bar_type_bits(flags), 4);
	pci_config_allow(config, bar_offset(index), ~(size - 1), 4);
	if (flags & PCI_BAR_64)
		pci_config_allow(config, bar_offset(index + 1),
				 ~(size - 1) >> 32, 4);
	if (index == PCI_BAR_ROM)
		pci_config_allow(config, PCI_ROM_ADDRESS,
				 PCI_ROM_ADDRESS_ENABLE, 4);
	return 0;
}

void pci_config_set_bar(struct pci_config *config, unsigned int index,
			uint64_t address)
{
	unsigned int flags = config->bar_flags[index];

	put(config, bar_offset(index), address | bar_type_bits(flags), 4);
	if (flags & PCI_BAR_64)
		put(config, bar_offset(index + 1), address >> 32, 4);
}

static bool decodes(const struct pci_config *config, unsigned int flags)
{
	uint32_t command = get(config, PCI_COMMAND, 2);

	return command &
	       (flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

uint64_t pci_config_bar(const struct pci_config *config, unsigned int index)
{
	unsigned int flags;
	uint64_t address;

	if (index >= PCI_BAR_COUNT || !config->bar_size[index])
		return PCI_BAR_UNMAPPED;
	flags = config->bar_flags[index];
	if (!decodes(config, flags))
		return PCI_BAR_UNMAPPED;
	address = get(config, bar_offset(index), 4);
	if (index == PCI_BAR_ROM)
		return address & PCI_ROM_ADDRESS_ENABLE
			       ? address & PCI_ROM_ADDRESS_MASK
			       : PCI_BAR_UNMAPPED;
	if (flags & PCI_BAR_IO)
		return address & PCI_BASE_ADDRESS_IO_MASK;
	address &= PCI_BASE_ADDRESS_MEM_MASK;
	if (flags & PCI_BAR_64)
		address |= (uint64_t)get(config, bar_offset(index + 1), 4)
			   << 32;
	return address;
}

int pci_config_add_capability(struct pci_config *config, uint8_t id,
			      const void *body, size_t len)
{
	unsigned int offset = config->next_free;

	if (offset + 2 + len > PCI_LEGACY_SIZE)
		return -ENOSPC;
	config->data[config->last_link] = offset;
	config->data[offset] = id;
	memcpy(&config->data[offset + 2], body, len);
	config->last_link = offset + 1;
	config->next_free = (offset + 2 + len + 3) & ~3u;
	config->data[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	return offset;
}

unsigned int pci_config_find(const struct pci_config *config, uint8_t id,
			     unsigned int after)
{
	unsigned int at = config->data[PCI_CAPABILITY_LIST];
	bool passed = !after;

	for (unsigned int i = 0; i < CAPABILITIES_MAX; i++) {
		at &= ~3u;
		if (at < FIRST_CAPABILITY)
			return 0;
		if (passed && config->data[at] == id)
			return at;
		passed |= at == after;
		at = config->data[at + 1];
	}
	return 0;
}

int pci_config_add_extended(struct pci_config *config, uint16_t id,
			    uint8_t version, const void *body, size_t len)
{
	unsigned int offset = config->next_extended;

	if (offset + 4 + len > PCI_CONFIG_SIZE)
		return -ENOSPC;
	if (config->last_extended)
		put(config, config->last_extended + 2,
		    get(config, config->last_extended + 2, 2) | offset << 4, 2);
	put(config, offset, id | (uint32_t)version << 16, 4);
	memcpy(&config->data[offset + 4], body, len);
	config->last_extended = offset;
	config->next_extended = (offset + 4 + len + 3) & ~3u;
	return offset;
}

int pci_config_add_msix(struct pci_config *config, unsigned int vectors,
			unsigned int bar, uint32_t table, uint32_t pba)
{
	uint8_t body[PCI_CAP_MSIX_SIZEOF - 2] = {0};
	int offset;

	if (!vectors || vectors > 2048 || bar >= PCI_BAR_COUNT ||
	    (table | pba) & 7)
		return -EINVAL;
	offset = pci_config_add_capability(config, PCI_CAP_ID_MSIX, body,
					   sizeof(body));
	if (offset < 0)
		return offset;
	put(config, offset + PCI_MSIX_FLAGS, vectors - 1, 2);
	put(config, offset + PCI_MSIX_TABLE, table | bar, 4);
	put(config, offset + PCI_MSIX_PBA, pba | bar, 4);
	pci_config_allow(config, offset + PCI_MSIX_FLAGS,
			 PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	return offset;
}

int pci_config_add_express(struct pci_config *config)
{
	uint8_t body[PCI_CAP_EXP_ENDPOINT_SIZEOF_V2 - 2] = {0};
	int offset = pci_config_add_capability(config, PCI_CAP_ID_EXP, body,
					       sizeof(body));

	if (offset < 0)
		return offset;
	put(config, offset + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_RC_END << 4, 2);
	put(config, offset + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER, 4);
	return offset;
}

/* Only a PCI Express function has an extended space (PCIe 4.0 §7.2.2). */
static bool in_space(const struct pci_config *config, unsigned int offset,
		     unsigned int len)
{
	if (len != 1 && len != 2 && len != 4)
		return false;
	if (offset < PCI_LEGACY_SIZE && len <= PCI_LEGACY_SIZE - offset)
		return true;
	return offset < PCI_CONFIG_SIZE && len <= PCI_CONFIG_SIZE - offset &&
	       pci_config_find(config, PCI_CAP_ID_EXP, 0);
}

uint32_t pci_config_read(const struct pci_config *config, unsigned int offset,
			 unsigned int len)
{
	if (!in_space(config, offset, len))
		return UINT32_MAX;
	return get(config, offset, len);
}

void pci_config_write(struct pci_config *config, unsigned int offset,
		      unsigned int len, uint32_t value)
{
	if (!in_space(config, offset, len))
		return;
	for (unsigned int i = 0; i < len; i++) {
		uint8_t mask = config->mask[offset + i];
		uint8_t byte = value >> (8 * i);

		config->data[offset + i] =
			(config->data[offset + i] & ~mask) | (byte & mask);
	}
}
