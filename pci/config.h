/* SPDX-License-Identifier: MIT */
/*
 * The configuration space of one emulated PCI function: bytes, a mask of what
 * the guest may write, base address registers and capability lists.
 *
 * Built once by the device (init, add_bar, add_capability, …), then only read
 * and written on behalf of the guest. A guest can't change a byte whose mask is
 * zero, whatever it writes, and no access reaches outside the array.
 *
 * Owner: the device that embeds it. Locking: none here; the user serialises
 * accesses (the VMM: the PCI bus lock; the vGPU process: its register thread).
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define PCI_CONFIG_SIZE 4096
#define PCI_LEGACY_SIZE 256
#define PCI_BAR_COUNT 7 /* six, and the expansion ROM */
#define PCI_BAR_ROM 6

/* A BAR that the guest has not placed anywhere, or does not decode. */
#define PCI_BAR_UNMAPPED UINT64_MAX

enum pci_bar_flags {
	PCI_BAR_64 = 1 << 0,
	PCI_BAR_PREFETCH = 1 << 1,
	PCI_BAR_IO = 1 << 2,
};

struct pci_identity {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint32_t class_code; /* base class, sub-class, interface: 24 bits */
	uint8_t revision;
};

struct pci_config {
	uint8_t data[PCI_CONFIG_SIZE];
	uint8_t mask[PCI_CONFIG_SIZE];
	uint64_t bar_size[PCI_BAR_COUNT]; /* bytes; 0: no such BAR */
	uint8_t bar_flags[PCI_BAR_COUNT];
	uint16_t next_free; /* where the next capability goes */
	uint16_t last_link; /* byte that will point to the next capability */
	uint16_t last_extended; /* header of the last extended capability */
	uint16_t next_extended;
};

/**
 * pci_config_init - a type 0 header without BARs or capabilities
 * @config: what to fill
 * @identity: who the function says it is (PCI 3.0 §6.1)
 */
void pci_config_init(struct pci_config *config,
		     const struct pci_identity *identity);

/**
 * pci_config_add_bar - declare a base address register (PCI 3.0 §6.2.5.1)
 * @config: the configuration space
 * @index: 0..5, a 64-bit BAR also takes the next one; or PCI_BAR_ROM (§6.2.5.2)
 * @size: bytes, a power of two; ≥ 16 for memory, ≥ 4 for I/O, ≥ 2048 for a ROM
 * @flags: enum pci_bar_flags
 *
 * Return: 0, or -EINVAL when the BAR does not fit.
 */
int pci_config_add_bar(struct pci_config *config, unsigned int index,
		       uint64_t size, unsigned int flags);

/**
 * pci_config_set_bar - place a BAR, as firmware would
 * @config: the configuration space
 * @index: a declared BAR
 * @address: where, aligned to the BAR's size
 */
void pci_config_set_bar(struct pci_config *config, unsigned int index,
			uint64_t address);

/**
 * pci_config_bar - where the guest decodes a BAR
 * @config: the configuration space
 * @index: 0..5 or PCI_BAR_ROM
 *
 * Return: the address, or PCI_BAR_UNMAPPED when there is no such BAR or the
 * guest does not enable it. The address is the guest's: it
 * may be anything.
 */
uint64_t pci_config_bar(const struct pci_config *config, unsigned int index);

/**
 * pci_config_add_capability - append to the capability list (PCI 3.0 §6.7)
 * @config: the configuration space
 * @id: capability ID
 * @body: what follows the two bytes of ID and link
 * @len: bytes in @body
 *
 * Return: the capability's offset, or -ENOSPC.
 */
int pci_config_add_capability(struct pci_config *config, uint8_t id,
			      const void *body, size_t len);

/**
 * pci_config_find - the next capability of a kind
 * @config: the configuration space, which may be a copy of a device's own
 * @id: capability ID
 * @after: offset of the one found before, or 0 to begin
 *
 * Return: its offset, or 0. A list that loops ends.
 */
unsigned int pci_config_find(const struct pci_config *config, uint8_t id,
			     unsigned int after);

/**
 * pci_config_add_extended - append an extended capability (PCIe 4.0 §7.6)
 * @config: the configuration space
 * @id: extended capability ID
 * @version: 1..15
 * @body: what follows the four bytes of header
 * @len: bytes in @body
 *
 * Return: the capability's offset, or -ENOSPC.
 */
int pci_config_add_extended(struct pci_config *config, uint16_t id,
			    uint8_t version, const void *body, size_t len);

/**
 * pci_config_add_msix - the MSI-X capability (PCI 3.0 §6.8.2)
 * @config: the configuration space
 * @vectors: table size, 1..2048
 * @bar: BAR that holds both structures
 * @table: offset of the table in it, a multiple of 8
 * @pba: offset of the pending bits in it, a multiple of 8
 *
 * Return: the capability's offset, or -ENOSPC, -EINVAL.
 */
int pci_config_add_msix(struct pci_config *config, unsigned int vectors,
			unsigned int bar, uint32_t table, uint32_t pba);

/**
 * pci_config_add_express - the PCI Express capability, version 2, of a
 * function integrated in the root complex (PCIe 4.0 §7.5.3)
 * @config: the configuration space
 *
 * Return: the capability's offset, or -ENOSPC.
 */
int pci_config_add_express(struct pci_config *config);

/**
 * pci_config_allow - let the guest write some bits
 * @config: the configuration space
 * @offset: first byte
 * @mask: writable bits, little endian
 * @len: bytes, 1..4
 */
void pci_config_allow(struct pci_config *config, unsigned int offset,
		      uint32_t mask, unsigned int len);

/**
 * pci_config_read - a guest's read
 * @config: the configuration space
 * @offset: any value
 * @len: 1, 2 or 4
 *
 * Return: what the guest sees; all ones outside the space, which is the legacy
 * one for a function without the PCI Express capability.
 */
uint32_t pci_config_read(const struct pci_config *config, unsigned int offset,
			 unsigned int len);

/**
 * pci_config_write - a guest's write; bits it may not change stay
 * @config: the configuration space
 * @offset: any value
 * @len: 1, 2 or 4
 * @value: what it wrote
 */
void pci_config_write(struct pci_config *config, unsigned int offset,
		      unsigned int len, uint32_t value);

/**
 * pci_config_touches - whether an access meets a field
 * @offset: access offset
 * @len: access length, bytes
 * @field: field's first byte
 * @size: field's bytes
 *
 * Return: true when they share a byte.
 */
static inline bool pci_config_touches(unsigned int offset, unsigned int len,
				      unsigned int field, unsigned int size)
{
	return offset < field + size && field < offset + len;
}

#endif
