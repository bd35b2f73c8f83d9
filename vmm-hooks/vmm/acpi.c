// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/acpi.h"

#include <errno.h>
#include <string.h>

#include "vmm-hooks/vmm/aml.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/power.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/serial.h"

#define PACKED __attribute__((packed))

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} PACKED;

/* Generic address structure (§5.2.3.2). */
struct address {
	uint8_t space;
	uint8_t bits;
	uint8_t offset;
	uint8_t access;
	uint64_t addr;
} PACKED;

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} PACKED;

struct xsdt {
	struct header header;
	uint64_t tables[3];
} PACKED;

/* Only what a hardware-reduced machine has; the rest is zero (§5.2.9). */
struct fadt {
	struct header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t legacy[64];
	uint8_t century;
	uint16_t boot_flags;
	uint8_t reserved;
	uint32_t flags;
	struct address reset;
	uint8_t reset_value;
	uint16_t arm_flags;
	uint8_t minor;
	uint64_t x_facs;
	uint64_t x_dsdt;
	struct address blocks[8];
	struct address sleep_control;
	struct address sleep_status;
	uint64_t hypervisor;
} PACKED;

struct madt {
	struct header header;
	uint32_t lapic;
	uint32_t flags;
} PACKED;

struct madt_lapic {
	uint8_t type, length, processor, apic;
	uint32_t flags;
} PACKED;

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t apic, flags, processor;
} PACKED;

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t addr, gsi_base;
} PACKED;

struct mcfg {
	struct header header;
	uint64_t reserved;
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved2;
} PACKED;

_Static_assert(sizeof(struct fadt) == 276, "FADT of revision 6");
_Static_assert(sizeof(struct rsdp) == 36, "RSDP of revision 2");

/* FADT flags: no legacy devices at all. */
#define BOOT_NO_VGA (1 << 2)
#define BOOT_NO_CMOS_CLOCK (1 << 5)
#define FLAG_WBINVD (1 << 0)
#define FLAG_RESET_REGISTER (1 << 10)
#define FLAG_HARDWARE_REDUCED (1 << 20)

#define APIC_ENABLED 1
#define APIC_ID_LEGACY_MAX 254

/* Where the next table goes. */
struct writer {
	struct ram *ram;
	uint64_t next;
};

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	while (len--)
		sum += *bytes++;
	return -sum;
}

static void seal(void *table, const char *signature, uint8_t revision,
		 uint32_t length)
{
	struct header *header = table;

	memcpy(header->signature, signature, 4);
	memcpy(header->oem, "TRNCHE", 6);
	memcpy(header->oem_table, "TRANCHE ", 8);
	memcpy(header->creator, "TRNC", 4);
	header->revision = revision;
	header->oem_revision = header->creator_revision = 1;
	header->length = length;
	header->checksum = 0;
	header->checksum = checksum(table, length);
}

/* Copies a table to guest memory; 0 when there is no room. */
static uint64_t place(struct writer *writer, const void *table, size_t len)
{
	uint64_t addr = writer->next;
	void *to;

	if (len > LAYOUT_RESTART - addr)
		return 0;
	to = ram_at(writer->ram, addr, len);
	if (!to)
		return 0;
	memcpy(to, table, len);
	writer->next = (addr + len + 15) & ~15ull;
	return addr;
}

unsigned int acpi_intx_gsi(unsigned int slot, unsigned int pin)
{
	return LAYOUT_INTX_GSI + (slot + pin) % LAYOUT_INTX_COUNT;
}

static void dsdt_routing(struct aml *aml, uint32_t slots)
{
	aml_name(aml, "_PRT");
	aml_package(aml, 4 * __builtin_popcount(slots));
	for (unsigned int slot = 0; slot < 32; slot++) {
		if (!(slots & 1u << slot))
			continue;
		for (unsigned int pin = 0; pin < 4; pin++) {
			aml_package(aml, 4);
			aml_integer(aml, slot << 16 | 0xffff);
			aml_integer(aml, pin);
			aml_integer(aml, 0);
			aml_integer(aml, acpi_intx_gsi(slot, pin));
			aml_end(aml);
		}
	}
	aml_end(aml);
}

static void dsdt_pci(struct aml *aml, const struct acpi_setup *setup)
{
	aml_device(aml, "PCI0");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0A08");
	aml_name(aml, "_CID");
	aml_eisa_id(aml, "PNP0A03");
	aml_name(aml, "_SEG");
	aml_integer(aml, 0);
	aml_name(aml, "_BBN");
	aml_integer(aml, 0);
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_bus_numbers(aml, 0, 0);
	aml_memory_window(aml, LAYOUT_BARS_32, LAYOUT_BARS_32_SIZE);
	if (setup->bars_64_size)
		aml_memory_window(aml, setup->bars_64, setup->bars_64_size);
	aml_resources_end(aml);
	if (setup->intx_slots)
		dsdt_routing(aml, setup->intx_slots);
	aml_end(aml);
}

/* Says that the configuration space is taken (PCI firmware 3.3 §4.1.2). */
static void dsdt_board(struct aml *aml)
{
	aml_device(aml, "MBRD");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0C02");
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_memory_fixed(aml, LAYOUT_ECAM, LAYOUT_ECAM_SIZE);
	aml_ports(aml, LAYOUT_POWER_PORT, POWER_PORTS);
	aml_resources_end(aml);
	aml_end(aml);
}

static void dsdt_serial(struct aml *aml)
{
	aml_device(aml, "COM1");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0501");
	aml_name(aml, "_UID");
	aml_integer(aml, 1);
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_ports(aml, LAYOUT_SERIAL_PORT, SERIAL_PORTS);
	aml_interrupt(aml, LAYOUT_SERIAL_GSI, false);
	aml_resources_end(aml);
	aml_end(aml);
}

/*
 * The generic event device (§5.6.9) reads the pending events, which clears
 * them, and tells the power button:
 *
 *   OperationRegion (EVNT, SystemIO, port, 1)
 *   Field (EVNT, ByteAcc) { EVTS, 8 }
 *   Method (_EVT, 1) { If (EVTS & 1) { Notify (\_SB.PWRB, 0x80) } }
 */
static void dsdt_events(struct aml *aml)
{
	static const uint8_t region[] = {0x5b,
					 0x80,
					 'E',
					 'V',
					 'N',
					 'T',
					 0x01,
					 0x0b,
					 (LAYOUT_POWER_PORT + 4) & 0xff,
					 (LAYOUT_POWER_PORT + 4) >> 8,
					 0x01};
	static const uint8_t field[] = {0x5b, 0x81, 0x0b, 'E', 'V', 'N', 'T',
					0x01, 'E',  'V',  'T', 'S', 0x08};
	static const uint8_t method[] = {
		0xa0, 0x15, /* If, 21 bytes */
		0x7b, 'E',  'V', 'T', 'S',  0x01, 0x00, /* And (EVTS, 1) */
		0x86, '\\', '.', '_', 'S',  'B',  '_',
		'P',  'W',  'R', 'B', 0x0a, 0x80 /* Notify (\_SB.PWRB, 0x80) */
	};

	aml_device(aml, "GED_");
	aml_name(aml, "_HID");
	aml_string(aml, "ACPI0013");
	aml_name(aml, "_UID");
	aml_integer(aml, 0);
	aml_name(aml, "_CRS");
	aml_resources_begin(aml);
	aml_interrupt(aml, LAYOUT_POWER_GSI, false);
	aml_resources_end(aml);
	aml_bytes(aml, region, sizeof(region));
	aml_bytes(aml, field, sizeof(field));
	aml_method(aml, "_EVT", 1);
	aml_bytes(aml, method, sizeof(method));
	aml_end(aml);
	aml_end(aml);
	aml_device(aml, "PWRB");
	aml_name(aml, "_HID");
	aml_eisa_id(aml, "PNP0C0C");
	aml_end(aml);
}

static uint64_t write_dsdt(struct writer *writer,
			   const struct acpi_setup *setup)
{
	uint8_t table[16 * 1024] = {0};
	struct aml aml;

	aml_init(&aml, table + sizeof(struct header),
		 sizeof(table) - sizeof(struct header));
	aml_scope(&aml, "\\_SB_");
	dsdt_pci(&aml, setup);
	dsdt_board(&aml);
	dsdt_serial(&aml);
	dsdt_events(&aml);
	aml_end(&aml);
	aml_name(&aml, "_S5_");
	aml_package(&aml, 4);
	for (unsigned int i = 0; i < 4; i++)
		aml_integer(&aml, i == 0 ? POWER_SLEEP_S5 : 0);
	aml_end(&aml);
	if (aml_overflow(&aml))
		return 0;
	seal(table, "DSDT", 2, sizeof(struct header) + aml.len);
	return place(writer, table, sizeof(struct header) + aml.len);
}

static struct address port(unsigned int offset)
{
	return (struct address){.space = 1,
				.bits = 8,
				.access = 1,
				.addr = LAYOUT_POWER_PORT + offset};
}

static uint64_t write_fadt(struct writer *writer, uint64_t dsdt)
{
	struct fadt fadt = {
		.boot_flags = BOOT_NO_VGA | BOOT_NO_CMOS_CLOCK,
		.flags = FLAG_WBINVD | FLAG_RESET_REGISTER |
			 FLAG_HARDWARE_REDUCED,
		.reset = port(POWER_RESET),
		.reset_value = POWER_RESET_VALUE,
		.minor = 5,
		.dsdt = dsdt,
		.x_dsdt = dsdt,
		.sleep_control = port(POWER_SLEEP_CONTROL),
		.sleep_status = port(POWER_SLEEP_STATUS),
	};

	seal(&fadt, "FACP", 6, sizeof(fadt));
	return place(writer, &fadt, sizeof(fadt));
}

static size_t madt_processor(void *to, unsigned int index)
{
	struct madt_lapic lapic = {0, sizeof(lapic), index, index,
				   APIC_ENABLED};
	struct madt_x2apic x2apic = {9,	    sizeof(x2apic), 0,
				     index, APIC_ENABLED,   index};

	if (index > APIC_ID_LEGACY_MAX) {
		memcpy(to, &x2apic, sizeof(x2apic));
		return sizeof(x2apic);
	}
	memcpy(to, &lapic, sizeof(lapic));
	return sizeof(lapic);
}

static uint64_t write_madt(struct writer *writer, unsigned int processors)
{
	uint8_t table[24 * 1024] = {0};
	struct madt *madt = (struct madt *)table;
	struct madt_ioapic ioapic = {1, sizeof(ioapic), 0, 0, LAYOUT_IOAPIC, 0};
	size_t len = sizeof(*madt);

	if (processors > 1024)
		return 0;
	madt->lapic = LAYOUT_LAPIC;
	memcpy(table + len, &ioapic, sizeof(ioapic));
	len += sizeof(ioapic);
	for (unsigned int i = 0; i < processors; i++)
		len += madt_processor(table + len, i);
	seal(table, "APIC", 5, len);
	return place(writer, table, len);
}

static uint64_t write_mcfg(struct writer *writer)
{
	struct mcfg mcfg = {.base = LAYOUT_ECAM};

	seal(&mcfg, "MCFG", 1, sizeof(mcfg));
	return place(writer, &mcfg, sizeof(mcfg));
}

static void write_rsdp(void *to, uint64_t xsdt)
{
	struct rsdp rsdp = {
		.signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
		.oem = {'T', 'R', 'N', 'C', 'H', 'E'},
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};

	rsdp.checksum = checksum(&rsdp, 20);
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(to, &rsdp, sizeof(rsdp));
}

int acpi_write(struct ram *ram, const struct acpi_setup *setup, uint64_t *rsdp)
{
	struct writer writer = {ram, LAYOUT_ACPI + 64};
	struct xsdt xsdt = {0};
	uint64_t dsdt = write_dsdt(&writer, setup);
	uint64_t where;

	xsdt.tables[0] = write_fadt(&writer, dsdt);
	xsdt.tables[1] = write_madt(&writer, setup->processors);
	xsdt.tables[2] = write_mcfg(&writer);
	seal(&xsdt, "XSDT", 1, sizeof(xsdt));
	where = place(&writer, &xsdt, sizeof(xsdt));
	if (!dsdt || !where || !xsdt.tables[0] || !xsdt.tables[1] ||
	    !xsdt.tables[2])
		return -ENOSPC;
	write_rsdp(ram_at(ram, LAYOUT_ACPI, sizeof(struct rsdp)), where);
	*rsdp = LAYOUT_ACPI;
	return 0;
}
