// SPDX-License-Identifier: MIT
/* PCI configuration space and MSI-X: sizing, placing, capabilities, masks. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pci/config.h"
#include "pci/msix.h"

static const struct pci_identity identity = {
	.vendor = 0x1af4, .device = 0x1050, .class_code = 0x038000};

static void bars_are_sized_and_placed(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_add_bar(&config, 0, 0x4000, 0), 0);
	assert_int_equal(pci_config_add_bar(&config, 2, 1ull << 36,
					    PCI_BAR_64 | PCI_BAR_PREFETCH),
			 0);
	pci_config_write(&config, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	assert_int_equal(pci_config_read(&config, PCI_BASE_ADDRESS_0, 4),
			 0xffffc000);
	pci_config_write(&config, PCI_BASE_ADDRESS_2, 4, UINT32_MAX);
	pci_config_write(&config, PCI_BASE_ADDRESS_3, 4, UINT32_MAX);
	assert_int_equal(pci_config_read(&config, PCI_BASE_ADDRESS_2, 4), 0xc);
	assert_int_equal(pci_config_read(&config, PCI_BASE_ADDRESS_3, 4),
			 0xfffffff0);

	pci_config_set_bar(&config, 2, 1ull << 40);
	assert_true(pci_config_bar(&config, 2) == PCI_BAR_UNMAPPED);
	pci_config_write(&config, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(pci_config_bar(&config, 2) == 1ull << 40);
	assert_true(pci_config_bar(&config, 3) == PCI_BAR_UNMAPPED);
}

static void impossible_bars_are_refused(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_add_bar(&config, 0, 0x3000, 0), -EINVAL);
	assert_int_equal(pci_config_add_bar(&config, 0, 1ull << 33, 0),
			 -EINVAL);
	assert_int_equal(pci_config_add_bar(&config, 5, 0x1000, PCI_BAR_64),
			 -EINVAL);
	assert_int_equal(pci_config_add_bar(&config, 9, 0x1000, 0), -EINVAL);
}

static void rom_has_its_own_enable(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_add_bar(&config, PCI_BAR_ROM, 0x10000, 0),
			 0);
	pci_config_write(&config, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_config_write(&config, PCI_ROM_ADDRESS, 4, 0xc0010000);
	assert_true(pci_config_bar(&config, PCI_BAR_ROM) == PCI_BAR_UNMAPPED);
	pci_config_write(&config, PCI_ROM_ADDRESS, 4, 0xc0010001);
	assert_true(pci_config_bar(&config, PCI_BAR_ROM) == 0xc0010000);
}

static void capabilities_are_linked(void **state)
{
	uint8_t body[8] = {0};
	struct pci_config config;
	int msix, extended;

	(void)state;
	pci_config_init(&config, &identity);
	assert_false(pci_config_read(&config, PCI_STATUS, 2) &
		     PCI_STATUS_CAP_LIST);
	msix = pci_config_add_msix(&config, 3, 2, 0, 0x800);
	assert_int_equal(msix, 0x40);
	assert_true(pci_config_add_express(&config) > 0x40);
	assert_int_equal(pci_config_read(&config, PCI_CAPABILITY_LIST, 1),
			 0x40);
	assert_int_equal(pci_config_read(&config, 0x41, 1), 0x4c);
	assert_int_equal(pci_config_read(&config, 0x42, 2), 2);

	extended = pci_config_add_extended(&config, PCI_EXT_CAP_ID_DSN, 1, body,
					   sizeof(body));
	assert_int_equal(extended, 0x100);
	extended = pci_config_add_extended(&config, PCI_EXT_CAP_ID_VNDR, 1,
					   body, sizeof(body));
	assert_int_equal(PCI_EXT_CAP_NEXT(pci_config_read(&config, 0x100, 4)),
			 extended);
}

static void capabilities_are_found(void **state)
{
	uint8_t body[4] = {0};
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_find(&config, PCI_CAP_ID_VNDR, 0), 0);
	for (unsigned int i = 0; i < 2; i++) {
		pci_config_add_capability(&config, PCI_CAP_ID_VNDR, body, 2);
		pci_config_add_capability(&config, PCI_CAP_ID_PM, body, 2);
	}
	assert_int_equal(pci_config_find(&config, PCI_CAP_ID_VNDR, 0), 0x40);
	assert_int_equal(pci_config_find(&config, PCI_CAP_ID_VNDR, 0x40), 0x48);
	assert_int_equal(pci_config_find(&config, PCI_CAP_ID_VNDR, 0x48), 0);
	config.data[0x4d] = 0x40; /* a list that loops */
	assert_int_equal(pci_config_find(&config, PCI_CAP_ID_MSI, 0), 0);
}

static void list_that_is_full_says_so(void **state)
{
	uint8_t body[60] = {0};
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(pci_config_add_capability(&config, 9, body,
						      sizeof(body)) > 0);
	assert_int_equal(
		pci_config_add_capability(&config, 9, body, sizeof(body)),
		-ENOSPC);
}

static void accesses_outside_read_ones(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_read(&config, 4094, 4), UINT32_MAX);
	assert_int_equal(pci_config_read(&config, 1u << 31, 1), UINT32_MAX);
	assert_int_equal(pci_config_read(&config, 0, 3), UINT32_MAX);
	pci_config_write(&config, 4095, 2, 0xffff);
	pci_config_write(&config, 0, 4, 0);
	assert_int_equal(pci_config_read(&config, 0, 4), 0x10501af4);
}

static void only_express_functions_have_an_extended_space(void **state)
{
	struct pci_config config;

	(void)state;
	pci_config_init(&config, &identity);
	assert_int_equal(pci_config_read(&config, 0x100, 4), UINT32_MAX);
	assert_int_equal(pci_config_read(&config, 0xfe, 4), UINT32_MAX);
	assert_int_equal(pci_config_read(&config, 0xfc, 4), 0);
	assert_true(pci_config_add_express(&config) > 0);
	assert_int_equal(pci_config_read(&config, 0x100, 4), 0);
	assert_int_equal(pci_config_read(&config, 0xffc, 4), 0);
}

/* What the table told its user last. */
struct seen {
	unsigned int updates;
	unsigned int on;
	struct msix_message last;
};

static void update(void *user, unsigned int vector,
		   const struct msix_message *message)
{
	struct seen *seen = user;

	seen->updates++;
	if (message) {
		seen->on |= 1u << vector;
		seen->last = *message;
	} else {
		seen->on &= ~(1u << vector);
	}
}

static bool pending(void *user, unsigned int vector)
{
	(void)user;
	return vector == 2;
}

static const struct msix_ops ops = {update, pending};

static void vectors_are_on_when_nothing_masks_them(void **state)
{
	struct seen seen = {0};
	struct msix msix;

	(void)state;
	assert_int_equal(msix_init(&msix, 4, &ops, &seen), 0);
	msix_table_write(&msix, 16, 4, 0xfee01000);
	msix_table_write(&msix, 24, 4, 0x41);
	msix_table_write(&msix, 28, 4, 0);
	assert_int_equal(seen.updates, 0);
	msix_set_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(seen.on, 2);
	assert_int_equal(seen.last.data, 0x41);
	msix_set_control(&msix, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(seen.on, 0);
	msix_set_control(&msix, PCI_MSIX_FLAGS_ENABLE);
	msix_table_write(&msix, 24, 8, 0x42);
	assert_int_equal(seen.last.data, 0x42);
	msix_table_write(&msix, 28, 4, 1);
	assert_int_equal(seen.on, 0);
	assert_int_equal(msix_table_read(&msix, 16, 8), 0xfee01000);
	msix_reset(&msix);
	assert_int_equal(msix_table_read(&msix, 28, 4), 1);
	msix_deinit(&msix);
}

static void table_keeps_to_its_bounds(void **state)
{
	struct seen seen = {0};
	struct msix msix;

	(void)state;
	assert_int_equal(msix_init(&msix, 0, &ops, &seen), -EINVAL);
	assert_int_equal(msix_init(&msix, 3, &ops, &seen), 0);
	msix_table_write(&msix, 48, 4, 1);
	msix_table_write(&msix, UINT64_MAX - 3, 4, 1);
	msix_table_write(&msix, 2, 4, 1);
	assert_int_equal(msix_table_read(&msix, 48, 4), 0);
	assert_int_equal(msix_pending_read(&msix, 0, 8), 4);
	assert_int_equal(msix_pending_read(&msix, UINT64_MAX, 8), 0);
	msix_deinit(&msix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_are_sized_and_placed),
		cmocka_unit_test(impossible_bars_are_refused),
		cmocka_unit_test(rom_has_its_own_enable),
		cmocka_unit_test(capabilities_are_linked),
		cmocka_unit_test(capabilities_are_found),
		cmocka_unit_test(list_that_is_full_says_so),
		cmocka_unit_test(accesses_outside_read_ones),
		cmocka_unit_test(only_express_functions_have_an_extended_space),
		cmocka_unit_test(vectors_are_on_when_nothing_masks_them),
		cmocka_unit_test(table_keeps_to_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
