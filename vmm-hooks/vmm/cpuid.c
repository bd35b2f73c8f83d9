// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "vmm-hooks/vmm/vm.h"

#define ENTRIES_MAX 256

#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF1_EDX_HTT (1u << 28)
#define AMD_LEAF1_ECX_CMP_LEGACY (1u << 1)
#define AMD_LEAF1_ECX_TOPOLOGY (1u << 22)

struct kvm_cpuid2 *cpuid_host(const struct vm *vm)
{
	struct kvm_cpuid2 *table = calloc(
		1, sizeof(*table) + ENTRIES_MAX * sizeof(table->entries[0]));

	if (!table)
		return NULL;
	table->nent = ENTRIES_MAX;
	if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, table) == 0)
		return table;
	free(table);
	return NULL;
}

/* Bits that hold an index below @count. */
static unsigned int index_bits(unsigned int count)
{
	return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

static void leaf_features(struct kvm_cpuid_entry2 *entry, unsigned int index,
			  unsigned int count)
{
	entry->ebx = (entry->ebx & 0xffff) | index << 24 |
		     (1u << index_bits(count)) << 16;
	entry->ecx |= LEAF1_ECX_TSC_DEADLINE | LEAF1_ECX_HYPERVISOR;
	if (count > 1)
		entry->edx |= LEAF1_EDX_HTT;
	else
		entry->edx &= ~LEAF1_EDX_HTT;
}

/* Extended topology (leaf 0xb and 0x1f): level 0 threads, level 1 cores. */
static void leaf_topology(struct kvm_cpuid_entry2 *entry, unsigned int index,
			  unsigned int count)
{
	entry->eax = entry->ebx = 0;
	entry->ecx = entry->index;
	entry->edx = index;
	if (entry->index == 0) {
		entry->ebx = 1;
		entry->ecx |= 1 << 8;
	} else if (entry->index == 1) {
		entry->eax = index_bits(count);
		entry->ebx = count;
		entry->ecx |= 2 << 8;
	}
}

/* Intel's cache leaf: each core has its own but for the last level. */
static void leaf_caches(struct kvm_cpuid_entry2 *entry, unsigned int count)
{
	unsigned int level = entry->eax >> 5 & 7;

	if (!(entry->eax & 0x1f))
		return;
	entry->eax &= 0x3fff;
	entry->eax |= ((1u << index_bits(count)) - 1) << 26;
	if (level > 2)
		entry->eax |= ((1u << index_bits(count)) - 1) << 14;
}

void cpuid_personalise(struct kvm_cpuid2 *table, unsigned int index,
		       unsigned int count)
{
	for (unsigned int i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];

		switch (entry->function) {
		case 0x1:
			leaf_features(entry, index, count);
			break;
		case 0x4:
			leaf_caches(entry, count);
			break;
		case 0xb:
		case 0x1f:
			leaf_topology(entry, index, count);
			break;
		case 0x80000001:
			entry->ecx &= ~AMD_LEAF1_ECX_TOPOLOGY;
			if (count == 1)
				entry->ecx &= ~AMD_LEAF1_ECX_CMP_LEGACY;
			break;
		case 0x80000008:
			entry->ecx = (count - 1 < 0xff ? count - 1 : 0xff) |
				     index_bits(count) << 12;
			break;
		}
	}
}

unsigned int cpuid_address_bits(const struct kvm_cpuid2 *table)
{
	for (unsigned int i = 0; i < table->nent; i++) {
		uint32_t eax = table->entries[i].eax;
		unsigned int bits = eax >> 16 & 0xff;

		if (table->entries[i].function != 0x80000008)
			continue;
		/* AMD: what nested paging reaches, where it is less. */
		if (!bits || bits > (eax & 0xff))
			bits = eax & 0xff;
		return bits < 32 ? 32 : bits > 52 ? 52 : bits;
	}
	return 36;
}
