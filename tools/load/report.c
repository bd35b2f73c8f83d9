// SPDX-License-Identifier: MIT
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-json.h>

#include "message.h"
#include "units/units.h"

typedef sd_json_variant json;

static void json_unrefp(json **vp)
{
	sd_json_variant_unref(*vp);
}

#define JSON_AUTO __attribute__((cleanup(json_unrefp))) json

static int json_failed(int r)
{
	message_error("cannot write JSON: %s", strerror(-r));
	return r;
}

/* Flushed at once: whoever reads follows a run as it goes. */
static int print_json(json *v)
{
	int r;

	r = sd_json_variant_dump(v, SD_JSON_FORMAT_NEWLINE, stdout, NULL);
	if (r < 0)
		return json_failed(r);
	if (fflush(stdout) != 0)
		return json_failed(-errno);
	return 0;
}

static int build_families(json **arrayp, const struct gpu *gpu)
{
	int r;

	for (uint32_t i = 0; i < gpu->n_families; i++) {
		VkQueueFlags flags = gpu->families[i].queueFlags;
		JSON_AUTO *family = NULL;

		r = sd_json_buildo(
			&family, SD_JSON_BUILD_PAIR_UNSIGNED("engine", i),
			SD_JSON_BUILD_PAIR_UNSIGNED(
				"queues", gpu->families[i].queueCount),
			SD_JSON_BUILD_PAIR_BOOLEAN(
				"compute", flags & VK_QUEUE_COMPUTE_BIT),
			SD_JSON_BUILD_PAIR_BOOLEAN(
				"graphics", flags & VK_QUEUE_GRAPHICS_BIT),
			SD_JSON_BUILD_PAIR_BOOLEAN(
				"transfer", flags & VK_QUEUE_TRANSFER_BIT));
		if (r < 0)
			return r;
		r = sd_json_variant_append_array(arrayp, family);
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_gpu(const struct gpu *gpu, size_t index)
{
	uint32_t version = gpu->properties.apiVersion;
	JSON_AUTO *families = NULL, *v = NULL;
	char api[32];
	int r;

	snprintf(api, sizeof(api), "%u.%u.%u", VK_API_VERSION_MAJOR(version),
		 VK_API_VERSION_MINOR(version), VK_API_VERSION_PATCH(version));
	r = build_families(&families, gpu);
	if (r < 0)
		return json_failed(r);
	r = sd_json_buildo(
		&v, SD_JSON_BUILD_PAIR_STRING("type", "gpu"),
		SD_JSON_BUILD_PAIR_UNSIGNED("index", index),
		SD_JSON_BUILD_PAIR_STRING("device", gpu->name),
		SD_JSON_BUILD_PAIR_STRING("device_type", gpu->type),
		SD_JSON_BUILD_PAIR_STRING("driver", gpu->driver),
		SD_JSON_BUILD_PAIR_STRING("driver_info", gpu->driver_info),
		SD_JSON_BUILD_PAIR_CONDITION(gpu->pci[0], "pci",
					     SD_JSON_BUILD_STRING(gpu->pci)),
		SD_JSON_BUILD_PAIR_STRING("vulkan", api),
		SD_JSON_BUILD_PAIR_UNSIGNED("memory", gpu->memory),
		SD_JSON_BUILD_PAIR_VARIANT("engines", families));
	return r < 0 ? json_failed(r) : print_json(v);
}

int report_gpus(const struct gpu_set *set)
{
	for (size_t i = 0; i < set->n_gpus; i++) {
		int r = print_gpu(&set->gpus[i], i);

		if (r < 0)
			return r;
	}
	return 0;
}

static int build_work(json **vp, const struct report *report)
{
	const struct options *options = report->options;
	const struct calibration *calibration = &report->calibration;

	return sd_json_buildo(
		vp, SD_JSON_BUILD_PAIR_STRING("kind", options->kernel->name),
		SD_JSON_BUILD_PAIR_UNSIGNED("items", calibration->work.items),
		SD_JSON_BUILD_PAIR_UNSIGNED("iterations",
					    calibration->work.iterations),
		SD_JSON_BUILD_PAIR_CONDITION(
			calibration->cost_ns != 0, "cost_ns",
			SD_JSON_BUILD_UNSIGNED(calibration->cost_ns)),
		SD_JSON_BUILD_PAIR_BOOLEAN("calibrated",
					   calibration->tries != 0),
		SD_JSON_BUILD_PAIR_STRING("device", report->gpu->name),
		SD_JSON_BUILD_PAIR_STRING("driver", report->gpu->driver),
		SD_JSON_BUILD_PAIR_STRING("driver_info",
					  report->gpu->driver_info),
		SD_JSON_BUILD_PAIR_CONDITION(
			report->gpu->pci[0], "pci",
			SD_JSON_BUILD_STRING(report->gpu->pci)),
		SD_JSON_BUILD_PAIR_UNSIGNED("engine", report->family));
}

static void note_calibration(const struct report *report)
{
	const struct calibration *calibration = &report->calibration;
	char cost[UNITS_TEXT], target[UNITS_TEXT];

	message_note("calibration: %u items x %u iterations take %s (wanted "
		     "%s%s)",
		     calibration->work.items, calibration->work.iterations,
		     units_format_ns(cost, calibration->cost_ns),
		     units_format_ns(target, report->options->dispatch_ns),
		     calibration->within ? "" : "; not reached");
}

int report_calibration(const struct report *report)
{
	const struct calibration *calibration = &report->calibration;
	JSON_AUTO *work = NULL, *v = NULL;
	int r;

	note_calibration(report);
	r = build_work(&work, report);
	if (r < 0)
		return json_failed(r);
	r = sd_json_buildo(
		&v, SD_JSON_BUILD_PAIR_STRING("type", "calibration"),
		SD_JSON_BUILD_PAIR_UNSIGNED("target_ns",
					    report->options->dispatch_ns),
		SD_JSON_BUILD_PAIR_BOOLEAN("within_tolerance",
					   calibration->within),
		SD_JSON_BUILD_PAIR_UNSIGNED("tolerance_percent",
					    CALIBRATE_TOLERANCE_PERCENT),
		SD_JSON_BUILD_PAIR_UNSIGNED("tries", calibration->tries));
	if (r >= 0)
		r = sd_json_variant_merge_object(&v, work);
	return r < 0 ? json_failed(r) : print_json(v);
}

int report_running(const struct report *report)
{
	JSON_AUTO *v = NULL;
	int r;

	message_note("all contexts compute");
	r = sd_json_buildo(&v, SD_JSON_BUILD_PAIR_STRING("type", "running"),
			   SD_JSON_BUILD_PAIR_UNSIGNED(
				   "contexts", report->options->contexts));
	return r < 0 ? json_failed(r) : print_json(v);
}

static double per_second(uint64_t count, uint64_t elapsed_ns)
{
	return elapsed_ns ? (double)count * 1e9 / (double)elapsed_ns : 0;
}

static int build_latency(json **vp, const struct histogram *h)
{
	return sd_json_buildo(
		vp, SD_JSON_BUILD_PAIR_UNSIGNED("min", h->count ? h->min : 0),
		SD_JSON_BUILD_PAIR_UNSIGNED("mean", histogram_mean(h)),
		SD_JSON_BUILD_PAIR_UNSIGNED("p50",
					    histogram_percentile(h, 500)),
		SD_JSON_BUILD_PAIR_UNSIGNED("p95",
					    histogram_percentile(h, 950)),
		SD_JSON_BUILD_PAIR_UNSIGNED("p99",
					    histogram_percentile(h, 990)),
		SD_JSON_BUILD_PAIR_UNSIGNED("max", h->max));
}

/* What seconds and the summary have in common. */
static int build_stats(json **vp, const struct report *report,
		       uint64_t elapsed_ns, const struct load_stats *stats)
{
	const struct load_kernel *kernel = report->options->kernel;
	const struct calibration *calibration = &report->calibration;
	uint64_t units = units_multiply(stats->submissions,
					kernel->units(&calibration->work));
	JSON_AUTO *latency = NULL;
	int r;

	r = build_latency(&latency, &stats->latency);
	if (r < 0)
		return r;
	return sd_json_buildo(
		vp, SD_JSON_BUILD_PAIR_UNSIGNED("elapsed_ns", elapsed_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("submissions", stats->submissions),
		SD_JSON_BUILD_PAIR_REAL(
			"submissions_per_s",
			per_second(stats->submissions, elapsed_ns)),
		SD_JSON_BUILD_PAIR_STRING("unit", kernel->unit),
		SD_JSON_BUILD_PAIR_UNSIGNED("units", units),
		SD_JSON_BUILD_PAIR_UNSIGNED(
			"units_per_s", (uint64_t)per_second(units, elapsed_ns)),
		SD_JSON_BUILD_PAIR_CONDITION(
			calibration->cost_ns != 0, "work_ns",
			SD_JSON_BUILD_UNSIGNED(units_multiply(
				stats->submissions, calibration->cost_ns))),
		SD_JSON_BUILD_PAIR_UNSIGNED("verified",
					    stats->verdict.verified),
		SD_JSON_BUILD_PAIR_UNSIGNED("wrong", stats->verdict.wrong),
		SD_JSON_BUILD_PAIR_VARIANT("latency_ns", latency));
}

static void note_stats(const struct report *report, const char *what,
		       uint64_t elapsed_ns, const struct load_stats *stats)
{
	const struct load_kernel *kernel = report->options->kernel;
	char p50[UNITS_TEXT], p99[UNITS_TEXT], max[UNITS_TEXT],
		rate[UNITS_TEXT];
	uint64_t units = units_multiply(
		stats->submissions, kernel->units(&report->calibration.work));

	message_note("%s: %llu submissions, %s%s/s, p50 %s, p99 %s, max %s",
		     what, (unsigned long long)stats->submissions,
		     units_format_rate(rate, per_second(units, elapsed_ns)),
		     kernel->unit,
		     units_format_ns(
			     p50, histogram_percentile(&stats->latency, 500)),
		     units_format_ns(
			     p99, histogram_percentile(&stats->latency, 990)),
		     units_format_ns(max, stats->latency.max));
}

int report_second(const struct report *report, uint64_t second,
		  uint64_t elapsed_ns, uint32_t in_flight,
		  const struct load_stats *stats)
{
	JSON_AUTO *common = NULL, *v = NULL;
	char what[UNITS_TEXT];
	int r;

	snprintf(what, sizeof(what), "second %llu", (unsigned long long)second);
	note_stats(report, what, elapsed_ns, stats);
	r = build_stats(&common, report, elapsed_ns, stats);
	if (r < 0)
		return json_failed(r);
	r = sd_json_buildo(&v, SD_JSON_BUILD_PAIR_STRING("type", "second"),
			   SD_JSON_BUILD_PAIR_UNSIGNED("second", second),
			   SD_JSON_BUILD_PAIR_UNSIGNED("in_flight", in_flight));
	if (r >= 0)
		r = sd_json_variant_merge_object(&v, common);
	return r < 0 ? json_failed(r) : print_json(v);
}

static int build_run(json **vp, const struct report *report, int result)
{
	const struct options *options = report->options;

	return sd_json_buildo(
		vp, SD_JSON_BUILD_PAIR_STRING("type", "summary"),
		SD_JSON_BUILD_PAIR_STRING("result", report_result_name(result)),
		SD_JSON_BUILD_PAIR_UNSIGNED("contexts", options->contexts),
		SD_JSON_BUILD_PAIR_UNSIGNED("depth", options->depth),
		SD_JSON_BUILD_PAIR_UNSIGNED("think_ns", options->think_ns),
		SD_JSON_BUILD_PAIR_UNSIGNED("memory", report->memory),
		SD_JSON_BUILD_PAIR_UNSIGNED("seed", options->seed),
		SD_JSON_BUILD_PAIR_UNSIGNED("latency_error_ppm",
					    HISTOGRAM_ERROR_PPM));
}

int report_summary(const struct report *report, int result, uint64_t elapsed_ns,
		   const struct load_stats *stats)
{
	JSON_AUTO *work = NULL, *common = NULL, *v = NULL;
	int r;

	note_stats(report, "summary", elapsed_ns, stats);
	message_note("result: %s, %llu words checked",
		     report_result_name(result),
		     (unsigned long long)stats->verdict.verified);
	r = build_run(&v, report, result);
	if (r >= 0)
		r = build_work(&work, report);
	if (r >= 0)
		r = build_stats(&common, report, elapsed_ns, stats);
	if (r >= 0)
		r = sd_json_variant_merge_object(&v, work);
	if (r >= 0)
		r = sd_json_variant_merge_object(&v, common);
	return r < 0 ? json_failed(r) : print_json(v);
}

struct ending {
	int result;
	const char *name;
	int status;
};

static const struct ending *find_ending(int result)
{
	static const struct ending endings[] = {
		{0, "ok", 0},
		{-EBADMSG, "wrong_result", 1},
		{-EINVAL, "bad_input", 2},
		{-ENOENT, "bad_input", 2},
		{-ENOTUNIQ, "bad_input", 2},
		{-ENOTSUP, "bad_input", 2},
		{-ENOMEM, "out_of_memory", 3},
		{-ENODEV, "device_lost", 4},
		{-ETIMEDOUT, "timeout", 5},
	};
	static const struct ending other = {-EIO, "failed", 5};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (endings[i].result == result)
			return &endings[i];
	return &other;
}

const char *report_result_name(int result)
{
	return find_ending(result)->name;
}

int report_exit_status(int result)
{
	return find_ending(result)->status;
}
