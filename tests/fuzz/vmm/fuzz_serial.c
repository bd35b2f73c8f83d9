// SPDX-License-Identifier: MIT
/* The serial port: any register access between any input. */
#include <string.h>

#include "tests/fuzz/vmm/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void output(void *user, uint8_t byte)
{
	(void)user;
	(void)byte;
}

static void interrupt(void *user, bool level)
{
	(void)user;
	(void)level;
}

static void room(void *user)
{
	(void)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct serial_ops ops = {output, interrupt, room};
	struct input input = {data, len};
	struct serial serial;

	serial_init(&serial, &ops, NULL);
	while (input.len) {
		uint8_t what = input_take(&input, 1);
		uint8_t bytes[8];

		if (what & 0x80) {
			memset(bytes, what, sizeof(bytes));
			serial_input(&serial, bytes, what & 7);
		} else if (what & 0x40) {
			serial_write(&serial, what & 7, input_take(&input, 1));
		} else {
			serial_read(&serial, what & 7);
		}
		if (serial_room(&serial) > SERIAL_FIFO)
			__builtin_trap();
	}
	serial_deinit(&serial);
	return 0;
}
