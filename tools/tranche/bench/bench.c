// SPDX-License-Identifier: MIT
#include "tools/tranche/bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/tranche/args.h"
#include "tools/tranche/bench/rebind.h"
#include "tools/tranche/fleet/host.h"
#include "tools/tranche/fleet/image.h"
#include "tools/tranche/fleet/link.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/message.h"

#define SETTLE_US (2 * WAIT_SECOND_US)

static const struct result_row rows[] = {
	{"host", ROW_HOST, 1},
	{"host, gate", ROW_GATE, 1},
	{"1 vGPU", ROW_VGPU, 1},
	{"2 vGPUs", ROW_VGPU, 2},
	{"4 vGPUs", ROW_VGPU, 4},
	{"2 vGPUs, best-effort", ROW_FREE, 2},
	{"4 vGPUs, best-effort", ROW_FREE, 4},
	{"1 virtio-gpu-gl", ROW_GL, 1},
	{"2 virtio-gpu-gl", ROW_GL, 2},
	{"4 virtio-gpu-gl", ROW_GL, 4},
	{"pass-through", ROW_PASSED, 1},
	{"host, again", ROW_AGAIN, 1},
};

/* The last one has its long jobs from the load before it by index. */
static const struct result_load loads_full[] = {
	{.name = "0.1 ms", .kind = "fma", .dispatch_ms = 0.1, .against = -1},
	{.name = "0.5 ms", .kind = "fma", .dispatch_ms = 0.5, .against = -1},
	{.name = "2 ms", .kind = "fma", .dispatch_ms = 2, .against = -1},
	{.name = "10 ms", .kind = "fma", .dispatch_ms = 10, .against = -1},
	{.name = "50 ms", .kind = "fma", .dispatch_ms = 50, .against = -1},
	{.name = "copy", .kind = "copy", .dispatch_ms = 5, .against = -1},
	{.name = "gemm", .kind = "gemm", .dispatch_ms = 5, .against = -1},
	{.name = "2|50 ms", .kind = "fma", .dispatch_ms = 2, .against = 4},
};

static const struct result_load loads_quick[] = {
	{.name = "0.5 ms", .kind = "fma", .dispatch_ms = 0.5, .against = -1},
	{.name = "2 ms", .kind = "fma", .dispatch_ms = 2, .against = -1},
	{.name = "10 ms", .kind = "fma", .dispatch_ms = 10, .against = -1},
	{.name = "2|10 ms", .kind = "fma", .dispatch_ms = 2, .against = 2},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool row_wanted(const struct bench_options *options,
		       const struct result_row *row)
{
	enum row_kind kind = row->kind;

	if (row->guests > options->guests)
		return false;
	if (kind == ROW_PASSED || kind == ROW_AGAIN)
		return options->pass_through;
	if (kind == ROW_FREE)
		return options->best_effort;
	return kind != ROW_GL || options->gl;
}

static void results_plan(struct bench *bench)
{
	struct results *results = &bench->results;
	bool quick = bench->options->quick;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (row_wanted(bench->options, &rows[i]))
			results->rows[results->n_rows++] = rows[i];
	results->n_loads = quick ? COUNT(loads_quick) : COUNT(loads_full);
	memcpy(results->loads, quick ? loads_quick : loads_full,
	       results->n_loads * sizeof(results->loads[0]));
}

static void facts_add(struct bench *bench)
{
	const struct bench_options *options = bench->options;
	struct results *results = &bench->results;
	char processor[HOST_PATH];
	struct utsname name;

	uname(&name);
	host_processor(processor);
	result_fact_add(results, "machine", "%s, %ld processor(s)", processor,
			sysconf(_SC_NPROCESSORS_ONLN));
	result_fact_add(results, "kernel", "%s %s", name.release, name.version);
	result_fact_add(results, "gpu", "%s %s, driver %s", bench->gpu.address,
			bench->gpu.name, bench->gpu.driver);
	result_fact_add(results, "vulkan", "%s, %s", bench->gpu.vulkan,
			bench->gpu.vulkan_driver);
	result_fact_add(results, "policy",
			"%s; in the rows of best-effort that one",
			bench->gpu.policy);
	result_fact_add(results, "guests", "%s, %u MiB, one processor",
			options->kernel, options->memory_mib);
	result_fact_add(results, "tranche", TRANCHE_VERSION);
	result_fact_add(results, "samples",
			"%" PRIu64 " of %" PRIu64 " s, %d jobs in flight, "
			"more of short ones that contend with long ones, "
			"set-ups in turns, every other turn backwards",
			options->repeats, options->seconds, BENCH_DEPTH);
	result_fact_add(results, "pass-through",
			"in turns with itself alone: the GPU is away from the "
			"host meanwhile; \"host, again\" was measured after "
			"it");
}

/* Whether a row is measured in turns with the others. */
static bool takes_turns(enum row_kind kind)
{
	return kind != ROW_PASSED && kind != ROW_AGAIN;
}

/* Whether its guests stand still while others are measured. */
static bool is_held(enum row_kind kind)
{
	return kind == ROW_VGPU || kind == ROW_FREE || kind == ROW_GL;
}

/* With the link the GPU's own policy comes back in any case. */
static int free_measure(struct bench *bench, size_t row)
{
	int r = lend_policy(&bench->link, bench->gpu.address, "best-effort");
	int error;

	if (r == 0)
		r = sample_row(bench, row);
	error = lend_policy(&bench->link, bench->gpu.address,
			    bench->gpu.policy);
	return r == 0 ? error : r;
}

static int row_measure(struct bench *bench, size_t row)
{
	const struct result_row *what = &bench->results.rows[row];
	struct bench_guest *guests = sample_guests(bench, row);
	int r;

	printf("%s\n", what->name);
	fflush(stdout);
	if (is_held(what->kind))
		set_up_hold(guests, what->guests, false);
	r = what->kind == ROW_FREE ? free_measure(bench, row)
				   : sample_row(bench, row);
	if (is_held(what->kind))
		set_up_hold(guests, what->guests, true);
	return r;
}

/* There and back, so that a drift of the machine cancels out. */
static int turn(struct bench *bench, uint64_t number)
{
	size_t n = bench->results.n_rows;
	int r = 0;

	printf("\n== turn %" PRIu64 " of %" PRIu64 "\n", number + 1,
	       bench->options->repeats);
	for (size_t i = 0; i < n && r == 0; i++) {
		size_t row = number % 2 ? n - 1 - i : i;

		if (takes_turns(bench->results.rows[row].kind))
			r = row_measure(bench, row);
	}
	return r;
}

static int rows_alone(struct bench *bench, enum row_kind kind)
{
	int row = result_row_find(&bench->results, kind, 1), r = 0;

	for (uint64_t i = 0; row >= 0 && i < bench->options->repeats && r == 0;
	     i++)
		r = row_measure(bench, (size_t)row);
	return r;
}

static int shared_measure(struct bench *bench)
{
	int r = set_up_gate(bench);

	if (r == 0)
		r = set_up_vgpus(bench);
	set_up_hold(bench->vgpus, BENCH_GUESTS, true);
	if (r == 0 && bench->options->gl)
		r = set_up_gls(bench);
	for (uint64_t i = 0; i < bench->options->repeats && r == 0; i++)
		r = turn(bench, i);
	set_up_end(bench, bench->gls, BENCH_GUESTS);
	set_up_end(bench, bench->vgpus, BENCH_GUESTS);
	set_up_end(bench, &bench->gate, 1);
	bench->enrolled = sd_varlink_close_unref(bench->enrolled);
	return r;
}

static int passed_measure(struct bench *bench)
{
	struct rebind rebind;
	int r, error;

	printf("\n== the GPU passed through\n");
	r = rebind_take(&rebind, bench->gpu.address);
	if (r < 0)
		return r;
	r = set_up_passed(bench);
	if (r == 0)
		r = rows_alone(bench, ROW_PASSED);
	set_up_end(bench, &bench->passed, 1);
	error = rebind_return(&rebind);
	if (r == 0)
		r = error;
	if (r < 0)
		return r;
	r = wait_until(bench->event, SETTLE_US, NULL, NULL);
	printf("\n== the GPU is back\n");
	return r == -ETIMEDOUT ? rows_alone(bench, ROW_AGAIN) : r;
}

static int measure(struct bench *bench)
{
	int r = set_up_host(bench);

	if (r == 0)
		r = sample_calibrate(bench);
	if (r == 0)
		r = shared_measure(bench);
	if (r == 0 && bench->options->pass_through)
		r = passed_measure(bench);
	set_up_end(bench, &bench->host, 1);
	return r;
}

static int prepare(struct bench *bench)
{
	int r = host_check_files(bench->options->kernel,
				 bench->options->initrd);

	if (r == 0)
		r = link_open(&bench->link);
	if (r == 0)
		r = lend_gpu_find(&bench->link, bench->options->gpu,
				  &bench->gpu);
	if (r < 0)
		return r;
	bench->image = image_open(bench->options->initrd);
	if (bench->image < 0)
		return message_bad("cannot make an image of '%s': %s: name "
				   "another with --initrd",
				   bench->options->initrd,
				   strerror(-bench->image));
	r = sd_event_new(&bench->event);
	return r < 0 ? r : wait_take_signals(bench->event);
}

static bool results_hold(const struct results *results)
{
	for (size_t row = 0; row < results->n_rows; row++)
		for (size_t load = 0; load < results->n_loads; load++)
			if (results->cells[row][load].wrong ||
			    results->cells[row][load].error[0])
				return false;
	return true;
}

/* What was measured until something failed is told all the same. */
static int finish(struct bench *bench, int r)
{
	int error;

	if (r < 0)
		message_error("the benchmark broke off: %s", strerror(-r));
	error = output_print(&bench->results);
	if (error == 0)
		error = output_write(&bench->results, bench->options->output);
	if (error < 0 || r < 0)
		return STATUS_FAILED;
	return results_hold(&bench->results) ? STATUS_OK : STATUS_FAILED;
}

static int execute(const struct bench_options *options)
{
	/* Too large for a stack that others share. */
	static struct bench bench;
	int r;

	bench.options = options;
	bench.image = -1;
	r = prepare(&bench);
	if (r == 0) {
		results_plan(&bench);
		facts_add(&bench);
		r = finish(&bench, measure(&bench));
	}
	sd_event_unref(bench.event);
	link_close(&bench.link);
	if (bench.image >= 0)
		close(bench.image);
	return r;
}

enum bench_code {
	BENCH_KERNEL = ARGS_FIRST,
	BENCH_INITRD,
	BENCH_AT_ONCE,
	BENCH_BEST_EFFORT,
	BENCH_MEMORY,
	BENCH_NO_GL,
	BENCH_NO_PASS_THROUGH,
	BENCH_QUICK,
	BENCH_REPEATS,
	BENCH_SECONDS,
};

static int take_option(struct bench_options *options, int code)
{
	uint64_t number = 0;
	int r;

	switch (code) {
	case 'g':
		options->gpu = optarg;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case BENCH_KERNEL:
		options->kernel = optarg;
		return 0;
	case BENCH_INITRD:
		options->initrd = optarg;
		return 0;
	case BENCH_AT_ONCE:
		return host_take_number("--guests", 1, BENCH_GUESTS,
					&options->guests);
	case BENCH_BEST_EFFORT:
		options->best_effort = true;
		return 0;
	case BENCH_MEMORY:
		r = host_take_number("--memory", 128, 65536, &number);
		options->memory_mib = (unsigned int)number;
		return r;
	case BENCH_NO_GL:
		options->gl = false;
		return 0;
	case BENCH_NO_PASS_THROUGH:
		options->pass_through = false;
		return 0;
	case BENCH_QUICK:
		options->quick = true;
		return 0;
	case BENCH_REPEATS:
		return host_take_number("--repeats", 1, RESULT_REPEATS,
					&options->repeats);
	case BENCH_SECONDS:
		return host_take_number("--seconds", 1, 600, &options->seconds);
	default:
		return message_bad("--json: the figures are in bench.json: see "
				   "--output");
	}
}

static void defaults_set(struct bench_options *options)
{
	options->best_effort |= !options->quick;
	if (!options->repeats)
		options->repeats = options->quick ? 1 : 5;
	if (!options->seconds)
		options->seconds = options->quick ? 2 : 5;
}

static int bench_run(int argc, char **argv)
{
	static const struct option table[] = {
		{"gpu", required_argument, NULL, 'g'},
		{"output", required_argument, NULL, 'o'},
		{"kernel", required_argument, NULL, BENCH_KERNEL},
		{"initrd", required_argument, NULL, BENCH_INITRD},
		{"guests", required_argument, NULL, BENCH_AT_ONCE},
		{"best-effort", no_argument, NULL, BENCH_BEST_EFFORT},
		{"memory", required_argument, NULL, BENCH_MEMORY},
		{"no-gl", no_argument, NULL, BENCH_NO_GL},
		{"no-pass-through", no_argument, NULL, BENCH_NO_PASS_THROUGH},
		{"quick", no_argument, NULL, BENCH_QUICK},
		{"repeats", required_argument, NULL, BENCH_REPEATS},
		{"seconds", required_argument, NULL, BENCH_SECONDS},
		ARGS_COMMON,
	};
	char kernel[HOST_PATH];
	struct bench_options options = {
		.pass_through = true,
		.gl = true,
		.guests = BENCH_GUESTS,
		.kernel = kernel,
		.initrd = HOST_INITRD,
		.output = ".",
		.memory_mib = 512,
	};
	int code, r;

	host_kernel(kernel);
	while ((code = args_next(&verb_bench, argc, argv, table, "g:o:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = take_option(&options, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_bench, argc, argv, 0, 0, "nothing");
	if (r < 0)
		return r;
	defaults_set(&options);
	return execute(&options);
}

const struct verb verb_bench = {
	.name = "bench",
	.summary = "compare pass-through, vGPUs and virtio-gpu-gl here",
	.help = "Usage: tranche bench [OPTION]...\n\n"
		"Runs the same checked jobs on the host, on the host under the gate, in 1, 2 and\n"
		"4 guests with vGPUs, by shares and by the policy best-effort, in as many with\n"
		"QEMU's own virtio-gpu-gl, and in a guest that has the GPU to itself, in turns.\n"
		"The GPU leaves its driver for that, and it and its policy come back whatever\n"
		"happens. Writes bench.json, bench.csv and bench.html.\n\n"
		"Options:\n"
		"      --quick            fewer loads, one short turn, no best-effort\n"
		"      --best-effort      with best-effort all the same\n"
		"      --repeats N        samples of each (5)\n"
		"      --seconds N        length of a sample (5)\n"
		"      --guests N         no set-up with more guests at once (4)\n"
		"      --no-gl            without virtio-gpu-gl\n"
		"      --no-pass-through  the GPU stays with its driver\n"
		"  -g, --gpu GPU          this GPU (the first that is served)\n"
		"      --kernel FILE      the guests' kernel (the running one)\n"
		"      --initrd FILE      their initial file system\n"
		"                         (" HOST_INITRD ")\n"
		"      --memory MIB       of each guest (512)\n"
		"  -o, --output DIR       where the files go (here)\n\n"
		"Exit status: 0 all results were right; 1 one was not, or something failed;\n"
		"2 bad input.\n\n"
		"Example:\n"
		"  tranche bench --quick --output /tmp\n",
	.run = bench_run,
};
