// SPDX-License-Identifier: MIT
/*
 * PCI configuration space and the MSI-X table, with every kind of BAR: what is
 * read-only stays, and the two hold for any access.
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "pci/config.h"
#include "pci/msix.h"
#include "tests/fuzz/vmm/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void update(void *user, unsigned int vector,
		   const struct msix_message *message)
{
	const struct msix *msix = user;

	if (vector >= msix->count || (message && message->address & 3))
		__builtin_trap();
}

static bool pending(void *user, unsigned int vector)
{
	const struct msix *msix = user;

	return vector < msix->count && vector & 1;
}

static const struct msix_ops ops = {update, pending};

static void build(struct pci_config *config)
{
	struct pci_identity identity = {.vendor = 0x1af4, .device = 0x1050};
	uint8_t body[20] = {0};

	pci_config_init(config, &identity);
	pci_config_add_bar(config, 0, 0x4000, 0);
	pci_config_add_bar(config, 1, 0x20, PCI_BAR_IO);
	pci_config_add_bar(config, 2, 1ull << 35, PCI_BAR_64);
	pci_config_add_bar(config, PCI_BAR_ROM, 0x10000, 0);
	pci_config_add_msix(config, 7, 0, 0x1000, 0x2000);
	pci_config_add_express(config);
	pci_config_add_extended(config, PCI_EXT_CAP_ID_DSN, 1, body,
				sizeof(body));
}

static void access_config(struct pci_config *config, struct msix *msix,
			  struct input *input, uint8_t what)
{
	unsigned int len = 1u << (what & 3);
	unsigned int offset = input_take(input, 2);

	if (what & 4)
		pci_config_write(config, offset, len, input_take(input, 4));
	else
		pci_config_read(config, offset, len);
	msix_set_control(msix, pci_config_read(config, 0x42, 2));
	for (unsigned int i = 0; i < 9; i++)
		pci_config_bar(config, i);
}

static void access_table(struct msix *msix, struct input *input, uint8_t what)
{
	unsigned int len = 1u << (what & 3);
	uint64_t offset = input_take(input, what & 0x10 ? 8 : 1);

	if (what & 4)
		msix_table_write(msix, offset, len, input_take(input, 8));
	else if (what & 8)
		msix_table_read(msix, offset, len);
	else
		msix_pending_read(msix, offset, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input input = {data, len};
	struct pci_config config, before;
	struct msix msix;

	build(&config);
	before = config;
	if (msix_init(&msix, 7, &ops, &msix) < 0)
		return 0;
	while (input.len) {
		uint8_t what = input_take(&input, 1);

		if (what & 0x80)
			access_table(&msix, &input, what);
		else
			access_config(&config, &msix, &input, what);
	}
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++)
		if ((config.data[i] ^ before.data[i]) & ~config.mask[i])
			__builtin_trap();
	msix_reset(&msix);
	msix_deinit(&msix);
	return 0;
}
