/* SPDX-License-Identifier: MIT */
/*
 * A run from its calibration to its summary.
 *
 * States: set up (contexts opened one after another, the first calibrated),
 * running (a thread per context; the caller's thread reports each second and
 * watches over the time-out), summed up.
 */
#ifndef TRANCHE_LOAD_RUN_H
#define TRANCHE_LOAD_RUN_H

#include <stdbool.h>

#include "gpu.h"
#include "options.h"

/**
 * load_run() - put the load on a GPU and report
 * @options: what to do
 * @set: the GPUs to choose from
 * @stuckp: set to true when work is left on the device that can't be waited
 *          for: the process must then end without giving Vulkan objects back
 *
 * control_init() must have been called.
 *
 * Return: 0; -EBADMSG after a wrong result; another negative errno. Failures
 * are told.
 */
int load_run(const struct options *options, const struct gpu_set *set,
	     bool *stuckp);

#endif
