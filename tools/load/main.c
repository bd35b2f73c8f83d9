// SPDX-License-Identifier: MIT
/*
 * tranche-load: a known, checked Vulkan compute load.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "gpu.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "run.h"

static int run_all(const struct options *options, const struct gpu_set *set,
		   bool *stuckp)
{
	int r = load_run(options, set, stuckp);

	for (uint32_t i = 0; i < options->n_then && r == 0; i++) {
		struct options next = options_then(options, i);

		if (!control_next())
			break;
		r = load_run(&next, set, stuckp);
	}
	return r;
}

static int execute(const struct options *options, bool *stuckp)
{
	__attribute__((cleanup(gpu_set_freep))) struct gpu_set *set = NULL;
	int r;

	r = control_init();
	if (r < 0) {
		message_error("cannot handle signals: %s", strerror(-r));
		return r;
	}
	r = gpu_set_new(&set);
	if (r < 0)
		return r;
	if (options->verb == OPTIONS_LIST)
		return report_gpus(set);
	r = run_all(options, set, stuckp);
	/* The instance has a device that can't be closed. */
	if (*stuckp)
		set = NULL;
	return r;
}

int main(int argc, char **argv)
{
	struct options options;
	bool stuck = false;
	char error[512];
	int r;

	r = options_parse(&options, argc, argv, error, sizeof(error));
	if (r < 0) {
		message_error("%s", error);
		return report_exit_status(r);
	}
	if (options.verb == OPTIONS_HELP)
		return fputs(options_help(), stdout) < 0;
	if (options.verb == OPTIONS_VERSION)
		return puts("tranche-load " TRANCHE_VERSION) < 0;

	message_set_quiet(options.quiet);
	r = execute(&options, &stuck);
	if (stuck) {
		/* Exit handlers of drivers would wait for the device. */
		fflush(NULL);
		_exit(report_exit_status(r));
	}
	return report_exit_status(r);
}
