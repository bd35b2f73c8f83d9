/* SPDX-License-Identifier: MIT */
/*
 * The PCI root: bus 0 with up to 31 functions, one a slot, reached through
 * memory-mapped configuration space (PCIe 4.0 §7.2.2). It places BARs before
 * the guest starts, as firmware would, and follows when the guest moves them.
 *
 * Owner: the machine; functions belong to their devices and stay until all
 * processors have stopped. Locking: each function has a lock that covers its
 * configuration space and its bar_at; configuration operations are called with
 * it held, BAR accesses without.
 */
#ifndef VMM_PCI_BUS_H
#define VMM_PCI_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pci/config.h"

#define PCI_SLOTS 32

struct bus;
struct pci_bus;
struct pci_function;

struct pci_function_ops {
	uint32_t (*config_read)(struct pci_function *function,
				unsigned int offset, unsigned int len);
	void (*config_write)(struct pci_function *function, unsigned int offset,
			     unsigned int len, uint32_t value);
	uint64_t (*bar_read)(struct pci_function *function, unsigned int bar,
			     uint64_t offset, unsigned int len);
	void (*bar_write)(struct pci_function *function, unsigned int bar,
			  uint64_t offset, unsigned int len, uint64_t value);
	/* A BAR is now at @addr, or nowhere (PCI_BAR_UNMAPPED). May be NULL. */
	void (*bar_moved)(struct pci_function *function, unsigned int bar,
			  uint64_t addr);
};

struct pci_bar_range {
	struct pci_function *function;
	unsigned int index;
	uint64_t at; /* where it is served, or PCI_BAR_UNMAPPED */
};

struct pci_function {
	const struct pci_function_ops *ops;
	struct pci_bus *bus;
	unsigned int slot;
	pthread_mutex_t lock; /* config and bars */
	struct pci_config config;
	struct pci_bar_range bars[PCI_BAR_COUNT];
};

struct pci_bus {
	struct bus *registers;
	struct pci_function *slots[PCI_SLOTS]; /* fixed once processors run */
	struct pci_function host; /* slot 0: the bridge to the host */
	uint64_t next_32;
	uint64_t next_64;
	uint64_t bars_64; /* the window of 64-bit BARs */
	uint64_t bars_64_size;
};

/**
 * pci_bus_init - an empty bus, served in the register space
 * @bus: what to fill
 * @registers: the machine's memory-mapped registers
 * @bars_64: first address for 64-bit BARs
 * @bars_64_size: bytes of that window
 *
 * Return: 0 or negative errno.
 */
int pci_bus_init(struct pci_bus *bus, struct bus *registers, uint64_t bars_64,
		 uint64_t bars_64_size);
void pci_bus_deinit(struct pci_bus *bus);

/**
 * pci_bus_add - put a function into the next free slot and place its BARs
 * @bus: the bus
 * @function: ops and config are filled
 *
 * Return: 0, -ENOSPC when slots or addresses ran out (reported).
 */
int pci_bus_add(struct pci_bus *bus, struct pci_function *function);

/**
 * pci_function_init, pci_function_deinit - the lock and the ranges
 * @function: ops is what to fill in
 * @ops: how it is accessed
 */
void pci_function_init(struct pci_function *function,
		       const struct pci_function_ops *ops);
void pci_function_deinit(struct pci_function *function);

/**
 * pci_function_follow - serve BARs where the configuration space has them now
 * @function: with its lock held, after config changed
 */
void pci_function_follow(struct pci_function *function);

#endif
