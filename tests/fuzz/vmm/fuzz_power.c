// SPDX-License-Identifier: MIT
/* The power registers: any access between presses of the button. */
#include "tests/fuzz/vmm/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void happened(void *user)
{
	(*(unsigned int *)user)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct power_ops ops = {happened, happened, happened};
	struct input input = {data, len};
	unsigned int count = 0;
	struct power power;

	power_init(&power, &ops, &count);
	while (input.len) {
		uint8_t what = input_take(&input, 1);

		if (what & 0x80)
			power_button(&power);
		else if (what & 0x40)
			power_write(&power, what & 7, input_take(&input, 1));
		else
			power_read(&power, what & 7);
	}
	return 0;
}
