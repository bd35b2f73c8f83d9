// SPDX-License-Identifier: MIT
#include "vmm-hooks/vmm/machine.h"
#include "vmm-hooks/vmm/options.h"

#define STATUS_BAD_INPUT 2

static int run(const struct options *options)
{
	struct machine machine = {0};
	int status = STATUS_BAD_INPUT;

	if (machine_init(&machine, options) == 0)
		status = machine_run(&machine);
	machine_deinit(&machine);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status = STATUS_BAD_INPUT;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		status = run(&options);
		break;
	case OPTIONS_DONE:
		status = 0;
		break;
	case OPTIONS_BAD:
		break;
	}
	options_deinit(&options);
	return status;
}
