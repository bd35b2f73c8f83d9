/* SPDX-License-Identifier: MIT */
/*
 * Where things stand in a guest's address spaces.
 *
 *   0x00000500  descriptor table and start-up structures (below 640 KiB)
 *   0x000e0000  ACPI tables
 *   0x000ffff0  what a processor runs that restarts through the firmware
 *   0x00100000  memory, up to LOW_END at most; the kernel and initrd in it
 *   0xc0000000  32-bit BARs
 *   0xe0000000  PCI configuration space (ECAM), one bus
 *   0xfec00000  I/O APIC, 0xfee00000 local APICs
 *   4 GiB       the rest of memory, then 64-bit BARs
 */
#ifndef VMM_LAYOUT_H
#define VMM_LAYOUT_H

#include <stdint.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define LAYOUT_GDT 0x500
#define LAYOUT_START_INFO 0x6000 /* PVH */
#define LAYOUT_ZERO_PAGE 0x7000 /* Linux boot protocol */
#define LAYOUT_PAGE_TABLES 0x9000 /* 6 pages */
#define LAYOUT_STACK 0x8ff0
#define LAYOUT_COMMAND_LINE 0x20000
#define LAYOUT_COMMAND_LINE_SIZE 0x10000
#define LAYOUT_LOW_MEMORY_END 0x9fc00
#define LAYOUT_ACPI 0xe0000
#define LAYOUT_ACPI_SIZE 0x20000
#define LAYOUT_RESTART 0xffff0 /* 16 bytes */
#define LAYOUT_KERNEL (1 * MIB)

#define LAYOUT_LOW_END (3 * GIB)
#define LAYOUT_BARS_32 0xc0000000ull
#define LAYOUT_BARS_32_SIZE (512 * MIB)
#define LAYOUT_ECAM 0xe0000000ull
#define LAYOUT_ECAM_SIZE (1 * MIB)
#define LAYOUT_IOAPIC 0xfec00000ull
#define LAYOUT_LAPIC 0xfee00000ull
#define LAYOUT_HIGH 0x100000000ull

/* Three pages that KVM needs on some Intel processors, out of the way. */
#define LAYOUT_KVM_TSS 0xfffbd000ull
#define LAYOUT_KVM_IDENTITY 0xfffbc000ull

#define LAYOUT_SERIAL_PORT 0x3f8
#define LAYOUT_SERIAL_GSI 4
#define LAYOUT_POWER_PORT 0x600
#define LAYOUT_POWER_GSI 9
#define LAYOUT_INTX_GSI 16 /* 8 of them, shared by slots */
#define LAYOUT_INTX_COUNT 8
#define LAYOUT_MSI_GSI 24 /* and above: one for each message */

#endif
