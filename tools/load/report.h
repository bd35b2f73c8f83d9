/* SPDX-License-Identifier: MIT */
/*
 * The JSON on standard output, one object per line, and its echo for people.
 *
 * Every object has a "type": gpu, calibration, running, second or summary. Times are
 * whole nanoseconds (names end in _ns), memory is in bytes. The names are
 * described in the man page and are an interface: they are added to, not
 * changed.
 *
 * Used by the main thread alone.
 */
#ifndef TRANCHE_LOAD_REPORT_H
#define TRANCHE_LOAD_REPORT_H

#include <stdint.h>

#include "calibrate.h"
#include "gpu.h"
#include "options.h"
#include "worker.h"

/* What stays the same for a run. */
struct report {
	const struct options *options;
	const struct gpu *gpu;
	uint32_t family;
	/* Its cost_ns is 0 when nobody knows it. */
	struct calibration calibration;
	/* Device memory of one context, in bytes. */
	uint64_t memory;
};

/**
 * report_gpus() - print the GPUs that there are
 * @set: the GPUs
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int report_gpus(const struct gpu_set *set);

/**
 * report_calibration() - print the amount of work of a dispatch
 * @report: the run
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int report_calibration(const struct report *report);

/**
 * report_running() - print that every context has completed a submission
 * @report: the run
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int report_running(const struct report *report);

/**
 * report_second() - print what a second brought
 * @report: the run
 * @second: its number, from 1
 * @elapsed_ns: how long it was
 * @in_flight: submissions in flight at its end
 * @stats: what happened in it
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int report_second(const struct report *report, uint64_t second,
		  uint64_t elapsed_ns, uint32_t in_flight,
		  const struct load_stats *stats);

/**
 * report_summary() - print what the run brought
 * @report: the run
 * @result: 0 or the negative errno that ended it
 * @elapsed_ns: how long was counted
 * @stats: what happened in it
 *
 * Return: 0 or a negative errno. Failures are told.
 */
int report_summary(const struct report *report, int result, uint64_t elapsed_ns,
		   const struct load_stats *stats);

/**
 * report_result_name() - the name of an end, as the summary has it
 * @result: 0 or a negative errno
 *
 * Return: "ok", "wrong_result", "bad_input", "out_of_memory", "device_lost",
 * "timeout" or "failed".
 */
const char *report_result_name(int result);

/**
 * report_exit_status() - the exit status of an end
 * @result: 0 or a negative errno
 *
 * Return: 0 to 5, as the man page has them.
 */
int report_exit_status(int result);

#endif
