// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/pci_bus.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm-hooks/vmm/bus.h"
#include "vmm-hooks/vmm/cleanup.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/report.h"

/* Configuration space: 4 KiB a function, 8 functions a slot. */
#define SLOT_SHIFT 15
#define FUNCTION_SHIFT 12

/* A bridge that is nobody's: Red Hat's generic PCIe host bridge. */
static const struct pci_identity host_identity = {
	.vendor = 0x1b36,
	.device = 0x0008,
	.subsystem_vendor = 0x1b36,
	.class_code = 0x060000,
};

static uint64_t bar_read(void *user, uint64_t offset, unsigned int len)
{
	struct pci_bar_range *range = user;
	struct pci_function *function = range->function;

	return function->ops->bar_read(function, range->index, offset, len);
}

static void bar_write(void *user, uint64_t offset, unsigned int len,
		      uint64_t value)
{
	struct pci_bar_range *range = user;
	struct pci_function *function = range->function;

	function->ops->bar_write(function, range->index, offset, len, value);
}

static const struct bus_ops bar_ops = {bar_read, bar_write};

/* Ports are not served: no device here needs them, and few guests place them */
static void move(struct pci_bar_range *range, uint64_t addr)
{
	struct pci_function *function = range->function;
	struct bus_range served = {
		.base = addr,
		.size = function->config.bar_size[range->index],
		.ops = &bar_ops,
		.user = range,
	};

	if (range->at != PCI_BAR_UNMAPPED)
		bus_remove(function->bus->registers, range->at);
	/* A BAR laid over another one is not served: the first one stays. */
	if (addr != PCI_BAR_UNMAPPED &&
	    bus_add(function->bus->registers, &served) < 0)
		addr = PCI_BAR_UNMAPPED;
	range->at = addr;
	if (function->ops->bar_moved)
		function->ops->bar_moved(function, range->index, addr);
}

void pci_function_follow(struct pci_function *function)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		uint64_t addr = pci_config_bar(&function->config, i);

		if (function->config.bar_flags[i] & PCI_BAR_IO)
			continue;
		if (addr != function->bars[i].at)
			move(&function->bars[i], addr);
	}
}

/* Address bits 20.. are the bus; the window covers bus 0 only. */
static struct pci_function *target(struct pci_bus *bus, uint64_t offset)
{
	unsigned int slot = offset >> SLOT_SHIFT;

	if (slot >= PCI_SLOTS || (offset >> FUNCTION_SHIFT & 7))
		return NULL;
	return bus->slots[slot];
}

static uint64_t ecam_read(void *user, uint64_t offset, unsigned int len)
{
	struct pci_function *function = target(user, offset);

	if (!function || len > 4)
		return UINT64_MAX;
	MUTEX_GUARD(&function->lock);
	return function->ops->config_read(function,
					  offset & (PCI_CONFIG_SIZE - 1), len);
}

static void ecam_write(void *user, uint64_t offset, unsigned int len,
		       uint64_t value)
{
	struct pci_function *function = target(user, offset);

	if (!function || len > 4)
		return;
	MUTEX_GUARD(&function->lock);
	function->ops->config_write(function, offset & (PCI_CONFIG_SIZE - 1),
				    len, value);
	pci_function_follow(function);
}

static const struct bus_ops ecam_ops = {ecam_read, ecam_write};

static uint32_t host_read(struct pci_function *function, unsigned int offset,
			  unsigned int len)
{
	return pci_config_read(&function->config, offset, len);
}

static void host_write(struct pci_function *function, unsigned int offset,
		       unsigned int len, uint32_t value)
{
	pci_config_write(&function->config, offset, len, value);
}

static const struct pci_function_ops host_ops = {
	.config_read = host_read,
	.config_write = host_write,
};

void pci_function_init(struct pci_function *function,
		       const struct pci_function_ops *ops)
{
	function->ops = ops;
	pthread_mutex_init(&function->lock, NULL);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		function->bars[i] =
			(struct pci_bar_range){function, i, PCI_BAR_UNMAPPED};
}

void pci_function_deinit(struct pci_function *function)
{
	pthread_mutex_destroy(&function->lock);
}

int pci_bus_init(struct pci_bus *bus, struct bus *registers, uint64_t bars_64,
		 uint64_t bars_64_size)
{
	struct bus_range ecam = {LAYOUT_ECAM, LAYOUT_ECAM_SIZE, &ecam_ops, bus};

	*bus = (struct pci_bus){
		.registers = registers,
		.next_32 = LAYOUT_BARS_32,
		.next_64 = bars_64,
		.bars_64 = bars_64,
		.bars_64_size = bars_64_size,
	};
	pci_function_init(&bus->host, &host_ops);
	pci_config_init(&bus->host.config, &host_identity);
	bus->slots[0] = &bus->host;
	return bus_add(registers, &ecam);
}

void pci_bus_deinit(struct pci_bus *bus)
{
	if (bus->registers)
		pci_function_deinit(&bus->host);
}

/* Takes the next aligned range of a window that ends at @end. */
static int allocate(uint64_t *next, uint64_t end, uint64_t size, uint64_t *addr)
{
	uint64_t at = (*next + size - 1) & ~(size - 1);

	if (at < *next || at > end || size > end - at)
		return -ENOSPC;
	*addr = at;
	*next = at + size;
	return 0;
}

static int place(struct pci_bus *bus, struct pci_config *config,
		 unsigned int index)
{
	uint64_t size = config->bar_size[index];
	uint64_t addr;
	int r;

	if (!size || config->bar_flags[index] & PCI_BAR_IO)
		return 0;
	if (config->bar_flags[index] & PCI_BAR_64)
		r = allocate(&bus->next_64, bus->bars_64 + bus->bars_64_size,
			     size, &addr);
	else
		r = allocate(&bus->next_32,
			     LAYOUT_BARS_32 + LAYOUT_BARS_32_SIZE, size, &addr);
	if (r < 0)
		return report(r,
			      "no address space for a BAR of %" PRIu64
			      " MiB: this processor's physical addresses are "
			      "too short; attach fewer devices",
			      size / MIB);
	pci_config_set_bar(config, index, addr);
	return 0;
}

int pci_bus_add(struct pci_bus *bus, struct pci_function *function)
{
	unsigned int slot = 1;
	int r;

	while (slot < PCI_SLOTS && bus->slots[slot])
		slot++;
	if (slot == PCI_SLOTS)
		return report(-ENOSPC,
			      "a guest has room for %d devices: "
			      "attach fewer",
			      PCI_SLOTS - 1);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		r = place(bus, &function->config, i);
		if (r < 0)
			return r;
	}
	function->bus = bus;
	function->slot = slot;
	bus->slots[slot] = function;
	return 0;
}
