/* SPDX-License-Identifier: MIT */
/*
 * What the guest's processors say they are: the host's features as far as KVM
 * supports them, in one socket with one thread a core.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include <stdint.h>

struct vm;
struct kvm_cpuid2;

/**
 * cpuid_host - what this host's KVM supports; the caller frees it
 * @vm: the machine
 *
 * Return: the table, or NULL with errno.
 */
struct kvm_cpuid2 *cpuid_host(const struct vm *vm);

/**
 * cpuid_personalise - turn the host's table into one processor's
 * @table: a copy of the host's
 * @index: which processor, from 0; also its APIC ID
 * @count: how many there are
 */
void cpuid_personalise(struct kvm_cpuid2 *table, unsigned int index,
		       unsigned int count);

/**
 * cpuid_address_bits - width of guest physical addresses
 * @table: the host's table
 *
 * Return: bits, 32..52.
 */
unsigned int cpuid_address_bits(const struct kvm_cpuid2 *table);

#endif
