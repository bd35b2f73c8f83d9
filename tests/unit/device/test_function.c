// SPDX-License-Identifier: MIT
/* The PCI function: what a driver finds, and how it starts and stops. */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mdev/device/function.h"
#include "mdev/device/layout.h"
#include "mdev/device/memory.h"

#define WINDOW (1ull << 28)

struct fixture {
	struct counters counters;
	struct memory memory;
	struct function function;
	unsigned int starts, stops, notifies;
	struct gpu_session session;
};

static int on_start(void *user, const struct gpu_session *session)
{
	struct fixture *f = user;

	f->starts++;
	f->session = *session;
	return 0;
}

static void on_stop(void *user)
{
	((struct fixture *)user)->stops++;
}

static void on_notify(void *user, unsigned int queue)
{
	((struct fixture *)user)->notifies += queue + 1;
}

static const struct function_ops ops = {on_start, on_stop, on_notify};

static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	memory_init(&fixture.memory, &fixture.counters);
	assert_int_equal(function_init(&fixture.function, &fixture.memory.guest,
				       WINDOW, &ops, &fixture),
			 0);
	*state = &fixture;
	return 0;
}

static uint64_t get(struct fixture *f, unsigned int region, uint64_t offset,
		    uint32_t length)
{
	uint64_t value = 0;

	function_read(&f->function, region, offset, &value, length);
	return value;
}

static void put(struct fixture *f, unsigned int region, uint64_t offset,
		uint32_t length, uint64_t value)
{
	function_write(&f->function, region, offset, &value, length);
}

static uint64_t config(struct fixture *f, uint64_t offset, uint32_t length)
{
	return get(f, VFIO_PCI_CONFIG_REGION_INDEX, offset, length);
}

static uint8_t status(struct fixture *f)
{
	return get(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_COMMON_STATUS, 1);
}

static void set_status(struct fixture *f, uint8_t value)
{
	put(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_COMMON_STATUS, 1, value);
}

static void drive(struct fixture *f)
{
	set_status(f, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	put(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	put(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_COMMON_GF, 4, 1);
	set_status(f, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK);
	put(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	set_status(f, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK |
			      VIRTIO_CONFIG_S_DRIVER_OK);
}

static void test_identity(void **state)
{
	struct fixture *f = *state;
	uint8_t whole[PCI_CONFIG_SIZE];

	assert_int_equal(config(f, PCI_VENDOR_ID, 4), 0x10501af4);
	assert_int_equal(config(f, PCI_CLASS_DEVICE, 2), 0x0380);
	assert_int_equal(config(f, PCI_INTERRUPT_PIN, 1), 0);
	assert_int_equal(config(f, PCI_BASE_ADDRESS_4, 4), 0xc);
	put(f, VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_4, 4, ~0u);
	assert_int_equal(config(f, PCI_BASE_ADDRESS_4, 4),
			 (uint32_t)~(WINDOW - 1) | 0xc);
	function_read(&f->function, VFIO_PCI_CONFIG_REGION_INDEX, 0, whole,
		      256);
	assert_int_equal(whole[0] | whole[1] << 8, 0x1af4);
}

/* As a stock driver looks for it: cap_len exactly that of the structure. */
static void test_capabilities(void **state)
{
	struct fixture *f = *state;
	unsigned int seen = 0, at = config(f, PCI_CAPABILITY_LIST, 1);
	bool msix = false, express = false;

	for (; at; at = config(f, at + 1, 1)) {
		uint8_t type = config(f, at + 3, 1);

		msix |= config(f, at, 1) == PCI_CAP_ID_MSIX;
		express |= config(f, at, 1) == PCI_CAP_ID_EXP;
		if (config(f, at, 1) != PCI_CAP_ID_VNDR)
			continue;
		seen |= 1u << type;
		if (type != VIRTIO_PCI_CAP_SHARED_MEMORY_CFG)
			continue;
		assert_int_equal(config(f, at + 2, 1), 24);
		assert_int_equal(config(f, at + 4, 1), LAYOUT_BAR_WINDOW);
		assert_int_equal(config(f, at + 5, 1), 1);
		assert_int_equal(config(f, at + 12, 4), WINDOW);
	}
	assert_true(msix && express);
	assert_int_equal(seen, 1u << VIRTIO_PCI_CAP_COMMON_CFG |
				       1u << VIRTIO_PCI_CAP_NOTIFY_CFG |
				       1u << VIRTIO_PCI_CAP_ISR_CFG |
				       1u << VIRTIO_PCI_CAP_DEVICE_CFG |
				       1u << VIRTIO_PCI_CAP_PCI_CFG |
				       1u << VIRTIO_PCI_CAP_SHARED_MEMORY_CFG);
}

static void test_device_configuration(void **state)
{
	struct fixture *f = *state;
	uint64_t base = VIRTIO_PCI_AREA_DEVICE;

	assert_int_equal(get(f, LAYOUT_BAR_REGISTERS, base + 8, 4), 0);
	assert_int_equal(get(f, LAYOUT_BAR_REGISTERS, base + 12, 4), 1);
}

static void test_start_and_stop(void **state)
{
	struct fixture *f = *state;

	drive(f);
	assert_int_equal(f->starts, 1);
	assert_int_equal(f->session.vectors[0], 1);
	assert_int_equal(f->session.vectors[1], VIRTIO_PCI_NO_VECTOR);
	put(f, LAYOUT_BAR_REGISTERS, VIRTIO_PCI_AREA_NOTIFY + 4, 2, 1);
	assert_int_equal(f->notifies, 2);
	set_status(f, 0);
	assert_int_equal(f->stops, 1);
	/* Not reset before the queues are given up, whatever is written. */
	assert_int_not_equal(status(f), 0);
	set_status(f, 0);
	drive(f);
	assert_int_equal(f->stops, 1);
	assert_int_equal(f->starts, 1);
	function_stopped(&f->function);
	assert_int_equal(status(f), 0);
	drive(f);
	assert_int_equal(f->starts, 2);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	put(f, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 2, 7);
	assert_int_equal(config(f, PCI_COMMAND, 2), 7);
	function_reset(&f->function);
	assert_false(function_stopping(&f->function));
	assert_int_equal(config(f, PCI_COMMAND, 2), 0);
	drive(f);
	function_reset(&f->function);
	assert_true(function_stopping(&f->function));
}

static void test_breaking(void **state)
{
	struct fixture *f = *state;

	drive(f);
	assert_int_equal(function_break(&f->function), VIRTIO_PCI_NO_VECTOR);
	assert_true(status(f) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_layout(void **state)
{
	struct tranche_layout layout;

	(void)state;
	assert_int_equal(layout_init(&layout, WINDOW), 0);
	assert_int_equal(layout.regions[LAYOUT_BAR_WINDOW].size, WINDOW);
	assert_int_equal(layout.irqs[VFIO_PCI_MSIX_IRQ_INDEX], LAYOUT_VECTORS);
	assert_true(layout_init(&layout, WINDOW + 1) < 0);
	assert_true(layout_init(&layout, 0) < 0);
	assert_true(layout_init(&layout, LAYOUT_WINDOW_MAX * 2) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_identity, setup),
		cmocka_unit_test_setup(test_capabilities, setup),
		cmocka_unit_test_setup(test_device_configuration, setup),
		cmocka_unit_test_setup(test_start_and_stop, setup),
		cmocka_unit_test_setup(test_reset, setup),
		cmocka_unit_test_setup(test_breaking, setup),
		cmocka_unit_test(test_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
