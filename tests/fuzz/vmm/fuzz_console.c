// SPDX-License-Identifier: MIT
/* The virtio console. */
#include "tests/fuzz/vmm/harness.h"
#include "vmm-hooks/vmm/console.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct options options;
	static struct console *console;
	struct input input = {data, len};

	if (!console)
		console = console_new(harness_machine(&options));
	if (!console)
		__builtin_trap();
	harness_start(&console->device, &input);
	do {
		for (unsigned int i = 0; i < 2; i++)
			if (console->queues.started)
				ready(&console->device, i);
		if (sink_room(console))
			sink_input(console, data, 1);
		harness_access(&console->device, &input);
	} while (input.len);
	virtio_pci_reset(&console->device.registers);
	return 0;
}
