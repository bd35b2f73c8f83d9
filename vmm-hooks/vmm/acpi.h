/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables of a hardware-reduced machine (ACPI 6.5 §4.1): processors and
 * the I/O APIC (MADT), configuration space (MCFG), power (FADT), and the PCI
 * root, the serial port and the power button (DSDT).
 *
 * Stateless.
 */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include <stdint.h>

struct ram;

struct acpi_setup {
	unsigned int processors;
	uint64_t bars_64; /* the window of 64-bit BARs; size 0: none */
	uint64_t bars_64_size;
	uint32_t intx_slots; /* PCI slots whose device has an INTx pin */
};

/**
 * acpi_write - write the tables to guest memory
 * @ram: guest memory
 * @setup: the machine
 * @rsdp: guest address of the root pointer
 *
 * Return: 0, or -ENOSPC when they do not fit their place.
 */
int acpi_write(struct ram *ram, const struct acpi_setup *setup, uint64_t *rsdp);

/**
 * acpi_intx_gsi - where a slot's INTx pin goes
 * @slot: PCI slot, 0..31
 * @pin: 0 for INTA … 3 for INTD
 *
 * Return: the GSI.
 */
unsigned int acpi_intx_gsi(unsigned int slot, unsigned int pin);

#endif
