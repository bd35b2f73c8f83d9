// SPDX-License-Identifier: MIT
/* The VMM's parts that need no KVM: buses, serial, power, ACPI, initrd, vGPU. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmm-hooks/vmm/acpi.h"
#include "vmm-hooks/vmm/bus.h"
#include "vmm-hooks/vmm/initrd.h"
#include "vmm-hooks/vmm/layout.h"
#include "vmm-hooks/vmm/power.h"
#include "vmm-hooks/vmm/ram.h"
#include "vmm-hooks/vmm/serial.h"
#include "vmm-hooks/vmm/vgpu.h"

static uint64_t echo_read(void *user, uint64_t offset, unsigned int len)
{
	(void)len;
	return offset + *(uint64_t *)user;
}

static void echo_write(void *user, uint64_t offset, unsigned int len,
		       uint64_t value)
{
	(void)offset;
	(void)len;
	*(uint64_t *)user = value;
}

static void bus_finds_its_ranges(void **state)
{
	static const struct bus_ops ops = {echo_read, echo_write};
	uint64_t a = 0x100, b = 0x200;
	struct bus_range first = {0x1000, 0x10, &ops, &a};
	struct bus_range last = {UINT64_MAX - 0xf, 0x10, &ops, &b};
	struct bus_range wrong = {0x100f, 2, &ops, &a};
	struct bus bus;

	(void)state;
	assert_int_equal(bus_init(&bus), 0);
	assert_int_equal(bus_add(&bus, &last), 0);
	assert_int_equal(bus_add(&bus, &first), 0);
	assert_int_equal(bus_add(&bus, &wrong), -EEXIST);
	wrong.size = 0;
	assert_int_equal(bus_add(&bus, &wrong), -EINVAL);
	assert_int_equal(bus_read(&bus, 0x1004, 4), 0x104);
	assert_true(bus_read(&bus, UINT64_MAX, 1) == 0x20f);
	assert_true(bus_read(&bus, 0x100e, 4) == UINT64_MAX);
	assert_true(bus_read(&bus, 0x0fff, 1) == UINT64_MAX);
	bus_write(&bus, 0x1000, 4, 7);
	assert_int_equal(a, 7);
	bus_remove(&bus, 0x1000);
	assert_true(bus_read(&bus, 0x1004, 4) == UINT64_MAX);
	bus_deinit(&bus);
}

/* What the serial port told. */
struct line {
	char text[64];
	unsigned int len;
	bool level;
	unsigned int rooms;
};

static void line_output(void *user, uint8_t byte)
{
	struct line *line = user;

	line->text[line->len++ % sizeof(line->text)] = byte;
}

static void line_interrupt(void *user, bool level)
{
	((struct line *)user)->level = level;
}

static void line_room(void *user)
{
	((struct line *)user)->rooms++;
}

static const struct serial_ops line_ops = {line_output, line_interrupt,
					   line_room};

static void serial_moves_bytes(void **state)
{
	struct line line = {0};
	struct serial serial;
	uint8_t many[SERIAL_FIFO + 10] = {'x'};

	(void)state;
	serial_init(&serial, &line_ops, &line);
	serial_write(&serial, UART_TX, 'h');
	serial_write(&serial, UART_TX, 'i');
	assert_memory_equal(line.text, "hi", 2);
	assert_int_equal(serial_read(&serial, UART_LSR),
			 UART_LSR_THRE | UART_LSR_TEMT);
	serial_write(&serial, UART_IER, UART_IER_RDI);
	assert_false(line.level);
	assert_int_equal(serial_input(&serial, many, sizeof(many)),
			 SERIAL_FIFO);
	assert_true(line.level);
	assert_int_equal(serial_room(&serial), 0);
	assert_int_equal(serial_read(&serial, UART_IIR) & 0xf, UART_IIR_RDI);
	assert_int_equal(serial_read(&serial, UART_RX), 'x');
	for (unsigned int i = 1; i < SERIAL_FIFO; i++)
		serial_read(&serial, UART_RX);
	assert_int_equal(line.rooms, 1);
	assert_false(line.level);
	serial_deinit(&serial);
}

static void serial_loops_back(void **state)
{
	struct line line = {0};
	struct serial serial;

	(void)state;
	serial_init(&serial, &line_ops, &line);
	serial_write(&serial, UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
	serial_write(&serial, UART_TX, 'l');
	assert_int_equal(line.len, 0);
	assert_int_equal(serial_read(&serial, UART_RX), 'l');
	assert_int_equal(serial_read(&serial, UART_MSR), UART_MSR_CTS);
	serial_write(&serial, UART_LCR, UART_LCR_DLAB);
	serial_write(&serial, UART_DLM, 3);
	assert_int_equal(serial_read(&serial, UART_DLM), 3);
	serial_deinit(&serial);
}

static void count(void *user)
{
	(*(unsigned int *)user)++;
}

static void power_goes_off_on_s5_only(void **state)
{
	static const struct power_ops ops = {count, NULL, count};
	unsigned int calls = 0;
	struct power power;

	(void)state;
	power_init(&power, &ops, &calls);
	power_write(&power, POWER_SLEEP_CONTROL, POWER_SLEEP_S5 << 2);
	power_write(&power, POWER_SLEEP_CONTROL, 1 << 5 | 3 << 2);
	power_write(&power, POWER_RESET, 7);
	assert_int_equal(calls, 0);
	power_write(&power, POWER_SLEEP_CONTROL, 1 << 5 | POWER_SLEEP_S5 << 2);
	assert_int_equal(calls, 1);
	power_button(&power);
	assert_int_equal(power_read(&power, POWER_EVENTS), POWER_EVENT_BUTTON);
	assert_int_equal(power_read(&power, POWER_EVENTS), 0);
}

static uint8_t sum(const uint8_t *data, size_t len)
{
	uint8_t total = 0;

	while (len--)
		total += *data++;
	return total;
}

static void acpi_tables_add_up(void **state)
{
	struct acpi_setup setup = {.processors = 255,
				   .bars_64 = LAYOUT_HIGH,
				   .bars_64_size = GIB,
				   .intx_slots = UINT32_MAX};
	uint64_t rsdp, xsdt, table;
	struct ram ram;
	uint8_t *at;
	uint32_t len;

	(void)state;
	assert_int_equal(ram_init(&ram, 64 * MIB, false), 0);
	assert_int_equal(acpi_write(&ram, &setup, &rsdp), 0);
	at = ram_at(&ram, rsdp, 36);
	assert_memory_equal(at, "RSD PTR ", 8);
	assert_int_equal(sum(at, 20), 0);
	assert_int_equal(sum(at, 36), 0);
	memcpy(&xsdt, at + 24, sizeof(xsdt));
	at = ram_at(&ram, xsdt, 36 + 24);
	assert_memory_equal(at, "XSDT", 4);
	for (unsigned int i = 0; i < 3; i++) {
		memcpy(&table, at + 36 + 8 * i, sizeof(table));
		memcpy(&len, (uint8_t *)ram_at(&ram, table, 8) + 4, 4);
		assert_int_equal(sum(ram_at(&ram, table, len), len), 0);
	}
	ram_deinit(&ram);
}

static void ram_has_its_hole(void **state)
{
	struct guest_span spans[] = {{0, 8}, {LAYOUT_HIGH, 8}};
	struct iovec iov[2];
	struct ram ram;

	(void)state;
	assert_int_equal(ram_init(&ram, 4 * GIB, false), 0);
	assert_non_null(ram_at(&ram, LAYOUT_LOW_END - 1, 1));
	assert_null(ram_at(&ram, LAYOUT_LOW_END - 1, 2));
	assert_null(ram_at(&ram, LAYOUT_LOW_END, 1));
	assert_non_null(ram_at(&ram, LAYOUT_HIGH, GIB));
	assert_null(ram_at(&ram, LAYOUT_HIGH, GIB + 1));
	assert_null(ram_at(&ram, UINT64_MAX, 2));
	assert_int_equal(ram_iov(&ram, spans, 2, iov), 0);
	spans[0].len = UINT32_MAX;
	assert_int_equal(ram_iov(&ram, spans, 2, iov), -EFAULT);
	assert_true(ram_end(&ram) == LAYOUT_HIGH + GIB);
	ram_deinit(&ram);
}

/* An archive with one file of four bytes, and its trailer. */
static size_t make_cpio(uint8_t *data)
{
	int len = sprintf((char *)data,
			  "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
			  "%08x%08xa",
			  1, 0100644, 0, 0, 1, 0, 4, 0, 0, 0, 0, 2, 0);

	data[len] = data[len + 1] = 0;
	memcpy(data + 112, "body", 4);
	sprintf((char *)data + 116,
		"070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
		"TRAILER!!!",
		0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0);
	return 116 + 110 + 11;
}

static void initrd_cuts_are_found(void **state)
{
	static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x04, 0x21,
				       0,    0,	   'a',	 'b',  'c',  'd'};
	uint8_t data[1024] = {0};
	size_t len = make_cpio(data);

	(void)state;
	assert_int_equal(initrd_check(data, len), 0);
	assert_int_equal(initrd_check(data, len + 64), 0);
	for (size_t cut = 1; cut < len; cut++)
		assert_int_equal(initrd_check(data, cut),
				 cut < 5 ? -EINVAL : -ENODATA);
	memcpy(data + 512, zstd, sizeof(zstd));
	assert_int_equal(initrd_check(data, 512 + sizeof(zstd)), 0);
	assert_int_equal(initrd_check(data, 512 + sizeof(zstd) - 1), -ENODATA);
	memcpy(data + 512,
	       "\xfd"
	       "7zXZ\0\0\0",
	       8);
	assert_int_equal(initrd_check(data, 600), -ENODATA);
	assert_int_equal(initrd_check((const uint8_t *)"hello", 5), -EINVAL);
}

static void write_file(const char *root, const char *path, const char *text)
{
	char whole[PATH_MAX];
	char *slash = whole;
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_non_null(fgets(text, size, file));
	fclose(file);
}

#define TYPES "class/mdev_bus/0000:01:00.0/mdev_supported_types/"

/* In a folder that looks like sysfs, the keeper writes where sysfs would act */
static void transient_vgpu_is_made_and_removed(void **state)
{
	char root[] = "/tmp/tranche-sysfs-XXXXXX";
	char path[PATH_MAX + 32], text[64];
	struct vgpu vgpu;

	(void)state;
	assert_non_null(mkdtemp(root));
	write_file(root, TYPES "amdgpu-2g.4gb/available_instances", "0\n");
	write_file(root, TYPES "amdgpu-2g.4gb/create", "");
	write_file(root, TYPES "amdgpu-1g.2gb/available_instances", "3\n");
	write_file(root, TYPES "amdgpu-1g.2gb/create", "");
	assert_int_equal(vgpu_open(&vgpu, root, "9g.1gb"), -ENODEV);
	assert_int_equal(vgpu_open(&vgpu, root, "2g.4gb"), -ENOSPC);
	assert_int_equal(vgpu_open(&vgpu, root, "1g.2gb@0000:02:00.0"),
			 -ENODEV);
	assert_int_equal(vgpu_open(&vgpu, root, "a/b"), -EINVAL);
	assert_int_equal(vgpu_open(&vgpu, root, "1g.2gb@01:00.0"), 0);
	snprintf(path, sizeof(path), "%s/" TYPES "amdgpu-1g.2gb/create", root);
	read_file(path, text, sizeof(text));
	assert_string_equal(text, vgpu.uuid);
	snprintf(path, sizeof(path), "bus/mdev/devices/%s/remove", vgpu.uuid);
	write_file(root, path, "");
	vgpu_close(&vgpu);
	snprintf(path, sizeof(path), "%s/remove", vgpu.path);
	read_file(path, text, sizeof(text));
	assert_string_equal(text, "1");
}

static void named_vgpu_is_left_alone(void **state)
{
	const char *uuid = "12345678-1234-1234-1234-123456789abc";
	struct vgpu vgpu;

	(void)state;
	assert_int_equal(vgpu_open(&vgpu, "/sys", uuid), 0);
	assert_string_equal(vgpu.path, "/sys/bus/mdev/devices/"
				       "12345678-1234-1234-1234-123456789abc");
	assert_int_equal(vgpu.keeper, -1);
	vgpu_close(&vgpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bus_finds_its_ranges),
		cmocka_unit_test(serial_moves_bytes),
		cmocka_unit_test(serial_loops_back),
		cmocka_unit_test(power_goes_off_on_s5_only),
		cmocka_unit_test(acpi_tables_add_up),
		cmocka_unit_test(ram_has_its_hole),
		cmocka_unit_test(initrd_cuts_are_found),
		cmocka_unit_test(transient_vgpu_is_made_and_removed),
		cmocka_unit_test(named_vgpu_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
