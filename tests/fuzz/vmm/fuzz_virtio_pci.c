// SPDX-License-Identifier: MIT
/* A whole virtio function: configuration space, registers, MSI-X, memory. */
#include "tests/fuzz/vmm/harness.h"
#include "vmm-hooks/vmm/rng.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct options options;
	static struct rng *rng;
	struct input input = {data, len};

	if (!rng)
		rng = rng_new(harness_machine(&options));
	if (!rng)
		__builtin_trap();
	if (input_take(&input, 1) & 1)
		harness_start(&rng->device, &input);
	while (input.len) {
		harness_access(&rng->device, &input);
		if (rng->queues.started)
			ready(&rng->device, 0);
	}
	virtio_pci_reset(&rng->device.registers);
	return 0;
}
