// SPDX-License-Identifier: MIT
/* `tranche trace`: who had the GPU when, for Perfetto. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "units/units.h"
#include "tools/tranche/args.h"
#include "tools/tranche/broker.h"
#include "tools/tranche/json.h"
#include "tools/tranche/message.h"
#include "tools/tranche/tracks.h"

#define GPUS_MAX 64
#define SKIPS_MAX 64
/* The broker keeps the latest slices only: come often enough. */
#define POLL_MS 200
#define DURATION_DEFAULT (5 * NS_PER_S)
#define DURATION_MAX (3600 * NS_PER_S)

enum trace_code {
	TRACE_SECONDS = ARGS_FIRST,
};

/* One GPU, and up to where its slices were read. */
struct trace_gpu {
	char *address;
	uint64_t after;
};

/*
 * One recording.
 *
 * States: link is open; the trace is being written; slices counts.
 */
struct trace {
	sd_varlink *link;
	struct trace_gpu gpus[GPUS_MAX];
	size_t gpu_count;
	struct chrome chrome;
	struct tracks tracks;
	uint64_t slices;
};

struct trace_options {
	uint64_t duration_ns;
	const char *output;
	const char *gpu;
	bool json;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int gpu_add(struct trace *trace, const char *address)
{
	struct trace_gpu *gpu = &trace->gpus[trace->gpu_count];

	if (trace->gpu_count == GPUS_MAX)
		return 0;
	gpu->address = strdup(address);
	if (!gpu->address)
		return message_memory();
	trace->gpu_count++;
	return 0;
}

static int gpus_find(struct trace *trace)
{
	_json_ sd_json_variant *reply = NULL;
	sd_json_variant *gpus, *gpu;
	int r;

	r = broker_call(trace->link, "ListGpus", NULL, &reply);
	gpus = json_array(reply, "gpus");
	for (size_t i = 0; r == 0 && gpus && i < sd_json_variant_elements(gpus);
	     i++) {
		gpu = sd_json_variant_by_index(gpus, i);
		if (json_flag(gpu, "served"))
			r = gpu_add(trace, json_text(gpu, "address", ""));
	}
	if (r == 0 && !trace->gpu_count)
		r = message_bad("no GPU is served: see 'tranche gpus'");
	return r;
}

static int slices_get(struct trace *trace, struct trace_gpu *gpu,
		      sd_json_variant **slices)
{
	_json_ sd_json_variant *parameters = NULL, *reply = NULL;
	int r;

	r = sd_json_buildo(&parameters,
			   SD_JSON_BUILD_PAIR_STRING("gpu", gpu->address),
			   SD_JSON_BUILD_PAIR_UNSIGNED("after", gpu->after));
	if (r < 0)
		return message_memory();
	r = broker_call(trace->link, "GetSlices", parameters, &reply);
	if (r < 0)
		return r;
	gpu->after = json_number(reply, "after");
	if (slices)
		*slices = sd_json_variant_ref(json_array(reply, "slices"));
	return 0;
}

/* On a busy GPU there is always one more, so not for ever. */
static int gpu_skip(struct trace *trace, struct trace_gpu *gpu)
{
	size_t count = 1;
	int r = 0;

	for (int i = 0; i < SKIPS_MAX && r == 0 && count; i++) {
		_json_ sd_json_variant *slices = NULL;

		r = slices_get(trace, gpu, &slices);
		count = slices ? sd_json_variant_elements(slices) : 0;
	}
	return r;
}

/* What was before is not of this trace. */
static int slices_skip(struct trace *trace)
{
	int r = 0;

	for (size_t i = 0; i < trace->gpu_count && r == 0; i++)
		r = gpu_skip(trace, &trace->gpus[i]);
	return r;
}

static int gpu_record(struct trace *trace, struct trace_gpu *gpu,
		      sd_json_variant *vgpus)
{
	_json_ sd_json_variant *slices = NULL;
	size_t count;
	int r;

	r = slices_get(trace, gpu, &slices);
	count = slices ? sd_json_variant_elements(slices) : 0;
	for (size_t i = 0; i < count && r == 0; i++)
		if (tracks_slice(&trace->tracks, &trace->chrome, vgpus,
				 sd_json_variant_by_index(slices, i)) < 0)
			r = message_memory();
	trace->slices += count;
	return r;
}

static int trace_poll(struct trace *trace)
{
	_json_ sd_json_variant *reply = NULL;
	int r;

	r = broker_call(trace->link, "ListVgpus", NULL, &reply);
	for (size_t i = 0; i < trace->gpu_count && r == 0; i++)
		r = gpu_record(trace, &trace->gpus[i],
			       json_array(reply, "vgpus"));
	return r;
}

static int trace_record(struct trace *trace, uint64_t duration_ns)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	uint64_t end;
	int r;

	r = slices_skip(trace);
	end = now_ns() + duration_ns;
	while (r == 0 && !interrupted && now_ns() < end) {
		nanosleep(&pause, NULL);
		r = trace_poll(trace);
	}
	return r;
}

static int trace_prepare(struct trace *trace, const char *gpu)
{
	int r;

	r = broker_connect(&trace->link);
	if (r < 0)
		return r;
	return gpu ? gpu_add(trace, gpu) : gpus_find(trace);
}

static void trace_deinit(struct trace *trace)
{
	for (size_t i = 0; i < trace->gpu_count; i++)
		free(trace->gpus[i].address);
	tracks_deinit(&trace->tracks);
	sd_varlink_close_unref(trace->link);
}

static int trace_write(struct trace *trace, const struct trace_options *options,
		       FILE *file)
{
	int r;

	chrome_open(&trace->chrome, file);
	r = trace_record(trace, options->duration_ns);
	if (r < 0)
		return r;
	r = chrome_close(&trace->chrome);
	if (r < 0)
		message_error("cannot write '%s': %s: is the disk full?",
			      options->output, strerror(-r));
	return r;
}

/* Whole or not at all: under another name until it is complete. */
static int trace_to_file(struct trace *trace,
			 const struct trace_options *options)
{
	char *partial;
	FILE *file;
	int r;

	if (asprintf(&partial, "%s.part", options->output) < 0)
		return message_memory();
	file = fopen(partial, "we");
	if (!file) {
		r = message_bad("cannot write '%s': %s: choose another place "
				"with -o",
				partial, strerror(errno));
		free(partial);
		return r;
	}
	r = trace_write(trace, options, file);
	fclose(file);
	if (r == 0 && rename(partial, options->output) < 0)
		r = message_bad("cannot write '%s': %s: choose another place "
				"with -o",
				options->output, strerror(errno));
	if (r < 0)
		unlink(partial);
	free(partial);
	return r;
}

static int trace_tell(const struct trace *trace,
		      const struct trace_options *options)
{
	_json_ sd_json_variant *summary = NULL;

	if (!options->json) {
		printf("%" PRIu64 " slices of %" PRIu64
		       " vGPUs and programs in %s: open it at "
		       "https://ui.perfetto.dev\n",
		       trace->slices, trace->tracks.processes, options->output);
		return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
	}
	if (sd_json_buildo(&summary,
			   SD_JSON_BUILD_PAIR_STRING("file", options->output),
			   SD_JSON_BUILD_PAIR_UNSIGNED("slices", trace->slices),
			   SD_JSON_BUILD_PAIR_UNSIGNED(
				   "accounts", trace->tracks.processes)) < 0)
		return message_memory();
	return json_print(summary);
}

static int trace_option(struct trace_options *options, int code)
{
	switch (code) {
	case 'g':
		options->gpu = optarg;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case TRACE_SECONDS:
		if (units_parse_duration(optarg, &options->duration_ns) < 0 ||
		    !options->duration_ns ||
		    options->duration_ns > DURATION_MAX)
			return message_bad("--seconds '%s': give a time of up "
					   "to 1h, such as 10",
					   optarg);
		return 0;
	default:
		options->json = true;
		return 0;
	}
}

static int trace_execute(const struct trace_options *options)
{
	const struct sigaction action = {.sa_handler = interrupt};
	struct trace trace = {0};
	bool to_stdout = strcmp(options->output, "-") == 0;
	int r;

	r = trace_prepare(&trace, options->gpu);
	if (r == 0) {
		/* Interrupted, it ends early with what it has. */
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		r = to_stdout ? trace_write(&trace, options, stdout)
			      : trace_to_file(&trace, options);
	}
	if (r == 0 && !to_stdout)
		r = trace_tell(&trace, options);
	trace_deinit(&trace);
	return r;
}

static int trace_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"gpu", required_argument, NULL, 'g'},
		{"output", required_argument, NULL, 'o'},
		{"seconds", required_argument, NULL, TRACE_SECONDS},
		ARGS_COMMON,
	};
	struct trace_options wanted = {
		.duration_ns = DURATION_DEFAULT,
		.output = "trace.json",
	};
	int code, r;

	while ((code = args_next(&verb_trace, argc, argv, options, "g:o:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = trace_option(&wanted, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_trace, argc, argv, 0, 0, "nothing");
	return r < 0 ? r : trace_execute(&wanted);
}

const struct verb verb_trace = {
	.name = "trace",
	.summary = "record who had the GPU when",
	.help = "Usage: tranche trace [OPTION]...\n\n"
		"Records each time slice of the GPU, and the wait before it, and writes them as\n"
		"JSON that https://ui.perfetto.dev and chrome://tracing show. Interrupted, it\n"
		"ends early and writes what it has.\n\n"
		"Options:\n"
		"      --seconds TIME   how long (5)\n"
		"  -o, --output FILE    where to (trace.json); - is standard output\n"
		"  -g, --gpu GPU        only this GPU\n"
		"      --json           tell about the trace as JSON\n\n"
		"Example:\n"
		"  tranche trace --seconds 10 -o /tmp/gpu.json\n",
	.run = trace_run,
};
