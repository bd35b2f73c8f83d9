// SPDX-License-Identifier: MIT
/* The life of a virtio device as a driver leads it (virtio 1.3 §3.1, §4.1). */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/pci.h"

#define FEATURE_OWN (1ull << 5)
#define STATUS_READY                                            \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

struct fixture {
	struct pci_config config;
	struct virtio_pci device;
	struct guest_memory memory;
	uint8_t bytes[8];
	unsigned int starts, stops, notified, changed;
	int start_result;
};

static struct fixture f;

static int start(void *user)
{
	(void)user;
	f.starts++;
	return f.start_result;
}

static void stop(void *user)
{
	(void)user;
	f.stops++;
}

static void notify(void *user, unsigned int queue)
{
	(void)user;
	f.notified |= 1u << queue;
}

static void changed(void *user, unsigned int offset, unsigned int len)
{
	(void)user;
	f.changed = offset << 8 | len;
}

static const struct virtio_pci_ops ops = {
	.start = start,
	.stop = stop,
	.notify = notify,
	.config_changed = changed,
};
static const uint8_t mask[8] = {0, 0, 0, 0, 0xff, 0x0f, 0, 0};

static int set_up(void **state)
{
	struct pci_identity identity = virtio_pci_identity(16, 0x038000);
	struct virtio_pci_setup setup = {
		.ops = &ops,
		.memory = &f.memory,
		.features = FEATURE_OWN,
		.queues = 2,
		.queue_size = 64,
		.vectors = 3,
		.device_config = f.bytes,
		.device_config_len = sizeof(f.bytes),
		.device_config_mask = mask,
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	pci_config_init(&f.config, &identity);
	return virtio_pci_init(&f.device, &setup, &f.config, 0);
}

static void put(unsigned int offset, unsigned int len, uint64_t value)
{
	virtio_pci_write(&f.device, offset, len, value);
}

static uint64_t get(unsigned int offset, unsigned int len)
{
	return virtio_pci_read(&f.device, offset, len);
}

static void accept(uint64_t features)
{
	for (unsigned int i = 0; i < 2; i++) {
		put(VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		put(VIRTIO_PCI_COMMON_GF, 4, features >> 32 * i);
	}
}

static void bring_up(void)
{
	accept(1ull << VIRTIO_F_VERSION_1 | FEATURE_OWN);
	put(VIRTIO_PCI_COMMON_STATUS, 1,
	    STATUS_READY & ~VIRTIO_CONFIG_S_DRIVER_OK);
	put(VIRTIO_PCI_COMMON_STATUS, 1, STATUS_READY);
}

static void identity_is_modern(void **state)
{
	(void)state;
	assert_int_equal(pci_config_read(&f.config, 0, 4), 0x10501af4);
	assert_int_equal(get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	assert_int_equal(get(VIRTIO_PCI_COMMON_DF, 4), 1);
	put(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	assert_int_equal(get(VIRTIO_PCI_COMMON_DF, 4), 0);
}

static void device_starts_and_stops(void **state)
{
	(void)state;
	bring_up();
	assert_int_equal(f.starts, 1);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), STATUS_READY);
	put(VIRTIO_PCI_COMMON_STATUS, 1, STATUS_READY);
	assert_int_equal(f.starts, 1);
	put(VIRTIO_PCI_AREA_NOTIFY + 4, 2, 1);
	put(VIRTIO_PCI_AREA_NOTIFY + 8, 2, 2);
	assert_int_equal(f.notified, 2);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(f.stops, 1);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(f.stops, 1);
}

static void features_not_offered_are_refused(void **state)
{
	(void)state;
	accept(1ull << VIRTIO_F_VERSION_1 | 1ull << 40);
	put(VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	accept(FEATURE_OWN); /* no VERSION_1: a legacy driver */
	put(VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	put(VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(f.starts, 0);
}

static void features_are_fixed_once_accepted(void **state)
{
	(void)state;
	accept(1ull << VIRTIO_F_VERSION_1);
	put(VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_FEATURES_OK);
	accept(1ull << VIRTIO_F_VERSION_1 | FEATURE_OWN);
	assert_false(f.device.accepted & FEATURE_OWN);
}

static void failed_start_asks_for_a_reset(void **state)
{
	(void)state;
	f.start_result = -EINVAL;
	bring_up();
	assert_true(get(VIRTIO_PCI_COMMON_STATUS, 1) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
	put(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_equal(f.stops, 0);
}

static void queue_is_set_up_once(void **state)
{
	struct virtq *queue = &f.device.queues[1];

	(void)state;
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	put(VIRTIO_PCI_COMMON_Q_SIZE, 2, 16);
	put(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x123456000);
	put(VIRTIO_PCI_COMMON_Q_AVAILLO, 4, 0x2000);
	put(VIRTIO_PCI_COMMON_Q_AVAILHI, 4, 1);
	put(VIRTIO_PCI_COMMON_Q_USEDLO, 4, 0x3000);
	put(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	put(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_true(queue->ready && !queue->broken);
	assert_true(queue->desc == 0x123456000);
	assert_true(queue->avail == 0x100002000);
	assert_int_equal(virtio_pci_vector(&f.device, 1), 2);
	put(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0);
	assert_true(queue->desc == 0x123456000);
}

static void queues_that_are_not_there_read_zero(void **state)
{
	(void)state;
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 7);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	put(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	put(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	assert_int_equal(get(VIRTIO_PCI_COMMON_Q_MSIX, 2),
			 VIRTIO_PCI_NO_VECTOR);
	assert_int_equal(virtio_pci_vector(&f.device, 9), VIRTIO_PCI_NO_VECTOR);
}

static void queue_of_wrong_size_asks_for_a_reset(void **state)
{
	(void)state;
	put(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	put(VIRTIO_PCI_COMMON_Q_SIZE, 2, 65);
	put(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_true(get(VIRTIO_PCI_COMMON_STATUS, 1) &
		    VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void device_configuration_keeps_its_mask(void **state)
{
	(void)state;
	put(VIRTIO_PCI_AREA_DEVICE + 4, 4, UINT32_MAX);
	assert_int_equal(get(VIRTIO_PCI_AREA_DEVICE, 8), 0x0fffull << 32);
	assert_int_equal(f.changed, 4 << 8 | 4);
	f.changed = 0;
	put(VIRTIO_PCI_AREA_DEVICE + 6, 4, UINT32_MAX);
	put(VIRTIO_PCI_AREA_DEVICE + 0xfff, 1, 1);
	assert_int_equal(f.changed, 0);
	assert_int_equal(get(VIRTIO_PCI_AREA_DEVICE + 6, 4), 0);
}

static void window_reaches_the_registers(void **state)
{
	unsigned int cap = f.device.window_cap;

	(void)state;
	virtio_pci_config_write(&f.device, cap + 8, 4, VIRTIO_PCI_COMMON_NUMQ);
	virtio_pci_config_write(&f.device, cap + 12, 4, 2);
	assert_int_equal(virtio_pci_config_read(&f.device, cap + 16, 2), 2);
	virtio_pci_config_write(&f.device, cap + 4, 1, 5);
	assert_int_equal(virtio_pci_config_read(&f.device, cap + 16, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(identity_is_modern, set_up),
		cmocka_unit_test_setup(device_starts_and_stops, set_up),
		cmocka_unit_test_setup(features_not_offered_are_refused,
				       set_up),
		cmocka_unit_test_setup(features_are_fixed_once_accepted,
				       set_up),
		cmocka_unit_test_setup(failed_start_asks_for_a_reset, set_up),
		cmocka_unit_test_setup(queue_is_set_up_once, set_up),
		cmocka_unit_test_setup(queues_that_are_not_there_read_zero,
				       set_up),
		cmocka_unit_test_setup(queue_of_wrong_size_asks_for_a_reset,
				       set_up),
		cmocka_unit_test_setup(device_configuration_keeps_its_mask,
				       set_up),
		cmocka_unit_test_setup(window_reaches_the_registers, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
