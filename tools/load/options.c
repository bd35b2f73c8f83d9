// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "job.h"
#include "units/units.h"

#define CONTEXTS_MAX 64
#define DURATION_DEFAULT (10 * NS_PER_S)
#define DISPATCH_DEFAULT (10 * NS_PER_MS)
#define DISPATCH_MIN (1 * NS_PER_US)
#define DISPATCH_MAX (3600 * NS_PER_S)
#define TIMEOUT_DEFAULT (60 * NS_PER_S)

enum option_code {
	OPTION_KIND = 256,
	OPTION_DISPATCH,
	OPTION_ITERATIONS,
	OPTION_ITEMS,
	OPTION_THINK,
	OPTION_POLL,
	OPTION_DEPTH,
	OPTION_DURATION,
	OPTION_SUBMISSIONS,
	OPTION_MEMORY,
	OPTION_DEVICE,
	OPTION_ENGINE,
	OPTION_CONTEXTS,
	OPTION_SEED,
	OPTION_TIMEOUT,
	OPTION_LIST,
	OPTION_CALIBRATE,
	OPTION_QUIET,
	OPTION_SUMMARY,
	OPTION_COUNT,
	OPTION_THEN,
	OPTION_OVERCOMMIT,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"kind", required_argument, NULL, OPTION_KIND},
	{"dispatch-ms", required_argument, NULL, OPTION_DISPATCH},
	{"iterations", required_argument, NULL, OPTION_ITERATIONS},
	{"items", required_argument, NULL, OPTION_ITEMS},
	{"think-ms", required_argument, NULL, OPTION_THINK},
	{"poll-ms", required_argument, NULL, OPTION_POLL},
	{"depth", required_argument, NULL, OPTION_DEPTH},
	{"duration", required_argument, NULL, OPTION_DURATION},
	{"submissions", required_argument, NULL, OPTION_SUBMISSIONS},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"device", required_argument, NULL, OPTION_DEVICE},
	{"engine", required_argument, NULL, OPTION_ENGINE},
	{"contexts", required_argument, NULL, OPTION_CONTEXTS},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"list", no_argument, NULL, OPTION_LIST},
	{"calibrate-only", no_argument, NULL, OPTION_CALIBRATE},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"json-only", no_argument, NULL, OPTION_QUIET},
	{"summary-only", no_argument, NULL, OPTION_SUMMARY},
	{"count-on-signal", no_argument, NULL, OPTION_COUNT},
	{"then", required_argument, NULL, OPTION_THEN},
	{"overcommit", no_argument, NULL, OPTION_OVERCOMMIT},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL, 0, NULL, 0},
};

/* What is being parsed, and where its one line of complaint goes. */
struct parser {
	struct options *options;
	bool has_duration;
	bool has_timeout;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int
complain(struct parser *parser, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(parser->error, parser->size, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int parse_u32(struct parser *parser, const char *name, const char *text,
		     uint32_t min, uint32_t max, uint32_t *valuep)
{
	uint64_t value;

	if (units_parse_count(text, min, max, &value) < 0)
		return complain(parser,
				"--%s '%s': give a whole number from %u to %u",
				name, text, min, max);
	*valuep = (uint32_t)value;
	return 0;
}

static int parse_kind(struct parser *parser, const char *text)
{
	parser->options->kernel = kernel_find(text);
	if (!parser->options->kernel)
		return complain(parser,
				"--kind '%s' is unknown: choose fma, copy, "
				"gemm or spin",
				text);
	return 0;
}

static int parse_dispatch(struct parser *parser, const char *text)
{
	uint64_t ns;

	if (units_parse_ms(text, &ns) < 0 || ns < DISPATCH_MIN ||
	    ns > DISPATCH_MAX)
		return complain(parser,
				"--dispatch-ms '%s': give milliseconds from "
				"0.001 to 3600000",
				text);
	parser->options->dispatch_ns = ns;
	return 0;
}

static int parse_pause(struct parser *parser, const char *name,
		       const char *text, uint64_t *nsp)
{
	if (units_parse_ms(text, nsp) < 0)
		return complain(parser,
				"--%s '%s': give milliseconds, such as 0.5",
				name, text);
	return 0;
}

static int parse_time(struct parser *parser, const char *name, const char *text,
		      uint64_t *nsp)
{
	if (units_parse_duration(text, nsp) < 0)
		return complain(parser,
				"--%s '%s': give seconds, or a number with ms, "
				"s, m, h or d; 0 for no end",
				name, text);
	return 0;
}

static int parse_submissions(struct parser *parser, const char *text)
{
	if (units_parse_count(text, 1, UINT64_MAX / 2,
			      &parser->options->submissions) < 0)
		return complain(parser,
				"--submissions '%s': give a whole number, at "
				"least 1",
				text);
	return 0;
}

static int parse_memory(struct parser *parser, const char *text)
{
	if (units_parse_size(text, &parser->options->memory) < 0 ||
	    !parser->options->memory)
		return complain(parser,
				"--memory '%s': give a size such as 64M or 2G",
				text);
	return 0;
}

static int parse_device(struct parser *parser, const char *text)
{
	if (!text[0])
		return complain(parser, "--device is empty: give an index, a "
					"name or a PCI address (see --list)");
	parser->options->device = text;
	return 0;
}

static int parse_engine(struct parser *parser, const char *text)
{
	uint32_t engine;
	int r;

	r = parse_u32(parser, "engine", text, 0, 15, &engine);
	if (r == 0)
		parser->options->engine = (int)engine;
	return r;
}

/* KIND:ITEMS:ITERATIONS:MS[:DEPTH] */
static bool read_then(const char *text, struct options_then *then)
{
	char words[64], *next = words, *word[5];
	uint64_t items, iterations, depth = 0;

	if (strlen(text) >= sizeof(words))
		return false;
	strcpy(words, text);
	for (int i = 0; i < 5; i++)
		word[i] = strsep(&next, ":");
	if (next || !word[3])
		return false;
	then->kernel = kernel_find(word[0]);
	if (!then->kernel || then->kernel->endless ||
	    units_parse_count(word[1], 1, UINT32_MAX, &items) < 0 ||
	    units_parse_count(word[2], 1, UINT32_MAX, &iterations) < 0 ||
	    units_parse_ms(word[3], &then->dispatch_ns) < 0 ||
	    (word[4] &&
	     units_parse_count(word[4], 1, JOB_DEPTH_MAX, &depth) < 0))
		return false;
	then->items = (uint32_t)items;
	then->iterations = (uint32_t)iterations;
	then->depth = (uint32_t)depth;
	return true;
}

static int parse_then(struct parser *parser, const char *text)
{
	struct options *options = parser->options;

	if (options->n_then == OPTIONS_THEN_MAX)
		return complain(parser, "--then: no more than %d may follow",
				OPTIONS_THEN_MAX);
	if (!read_then(text, &options->then[options->n_then]))
		return complain(parser,
				"--then '%s': give "
				"KIND:ITEMS:ITERATIONS:MS[:DEPTH], "
				"such as fma:65536:120:1",
				text);
	options->n_then++;
	return 0;
}

static int parse_value(struct parser *parser, int code, const char *text)
{
	struct options *options = parser->options;

	switch (code) {
	case OPTION_KIND:
		return parse_kind(parser, text);
	case OPTION_DISPATCH:
		return parse_dispatch(parser, text);
	case OPTION_ITERATIONS:
		return parse_u32(parser, "iterations", text, 1, UINT32_MAX,
				 &options->iterations);
	case OPTION_ITEMS:
		return parse_u32(parser, "items", text, 1, UINT32_MAX,
				 &options->items);
	case OPTION_THINK:
		return parse_pause(parser, "think-ms", text,
				   &options->think_ns);
	case OPTION_POLL:
		return parse_pause(parser, "poll-ms", text, &options->poll_ns);
	case OPTION_DEPTH:
		return parse_u32(parser, "depth", text, 1, JOB_DEPTH_MAX,
				 &options->depth);
	case OPTION_DURATION:
		parser->has_duration = true;
		return parse_time(parser, "duration", text,
				  &options->duration_ns);
	case OPTION_SUBMISSIONS:
		return parse_submissions(parser, text);
	case OPTION_MEMORY:
		return parse_memory(parser, text);
	case OPTION_DEVICE:
		return parse_device(parser, text);
	case OPTION_ENGINE:
		return parse_engine(parser, text);
	case OPTION_CONTEXTS:
		return parse_u32(parser, "contexts", text, 1, CONTEXTS_MAX,
				 &options->contexts);
	case OPTION_SEED:
		return parse_u32(parser, "seed", text, 0, UINT32_MAX,
				 &options->seed);
	case OPTION_THEN:
		return parse_then(parser, text);
	default:
		parser->has_timeout = true;
		return parse_time(parser, "timeout", text,
				  &options->timeout_ns);
	}
}

static bool parse_flag(struct options *options, int code)
{
	switch (code) {
	case OPTION_LIST:
		options->verb = OPTIONS_LIST;
		return true;
	case OPTION_CALIBRATE:
		options->verb = OPTIONS_CALIBRATE;
		return true;
	case OPTION_HELP:
		options->verb = OPTIONS_HELP;
		return true;
	case OPTION_VERSION:
		options->verb = OPTIONS_VERSION;
		return true;
	case OPTION_QUIET:
		options->quiet = true;
		return true;
	case OPTION_SUMMARY:
		options->summary_only = true;
		return true;
	case OPTION_COUNT:
		options->count_on_signal = true;
		return true;
	case OPTION_OVERCOMMIT:
		options->overcommit = true;
		return true;
	default:
		return false;
	}
}

/* What each option alone can't know. */
static int check_items(struct parser *parser, const struct load_kernel *kernel,
		       uint32_t items)
{
	if (!items)
		return 0;
	if (items < kernel->items_min || items > kernel->items_max)
		return complain(parser,
				"--items %u: kind %s takes from %u to %u",
				items, kernel->name, kernel->items_min,
				kernel->items_max);
	if (items % kernel->items_step)
		return complain(parser,
				"--items %u: kind %s takes multiples of %u",
				items, kernel->name, kernel->items_step);
	return 0;
}

static int check_together(struct parser *parser)
{
	const struct options *options = parser->options;
	int r;

	if (options->verb == OPTIONS_CALIBRATE && options->kernel->endless)
		return complain(parser,
				"--kind %s never ends, so it can't be "
				"calibrated: choose another kind",
				options->kernel->name);
	if (options->verb == OPTIONS_CALIBRATE && options->iterations)
		return complain(parser, "--calibrate-only finds the "
					"iterations: leave out --iterations");
	if (options->n_then && options->kernel->endless)
		return complain(parser,
				"--kind %s never ends: nothing can follow it "
				"by --then",
				options->kernel->name);
	r = check_items(parser, options->kernel, options->items);
	for (uint32_t i = 0; i < options->n_then && r == 0; i++)
		r = check_items(parser, options->then[i].kernel,
				options->then[i].items);
	return r;
}

static void set_defaults(struct parser *parser)
{
	struct options *options = parser->options;
	bool endless = options->kernel->endless;

	if (!parser->has_duration && !options->submissions && !endless)
		options->duration_ns = DURATION_DEFAULT;
	if (!parser->has_timeout)
		options->timeout_ns = TIMEOUT_DEFAULT;
	if (!options->dispatch_ns && !options->iterations && !endless)
		options->dispatch_ns = DISPATCH_DEFAULT;
	if (endless)
		options->iterations = 1;
}

static int complain_option(struct parser *parser, int code, const char *word)
{
	/* getopt_long() has moved past a long option, but not past a letter. */
	char letter[3] = {'-', (char)optopt, '\0'};

	if (optopt > 0 && optopt < OPTION_KIND)
		word = letter;
	if (code == ':')
		return complain(parser,
				"%s needs a value: see tranche-load --help",
				word);
	return complain(parser,
			"option %s is unknown, ambiguous or takes no value: "
			"see tranche-load --help",
			word);
}

static int parse_next(struct parser *parser, int code, char **argv)
{
	if (code == ':' || code == '?')
		return complain_option(parser, code, argv[optind - 1]);
	if (parse_flag(parser->options, code))
		return 0;
	return parse_value(parser, code, optarg);
}

int options_parse(struct options *options, int argc, char **argv, char *error,
		  size_t size)
{
	struct parser parser = {
		.options = options,
		.error = error,
		.size = size,
	};
	int code, r;

	*options = (struct options){
		.kernel = &kernel_fma,
		.depth = 1,
		.contexts = 1,
		.engine = -1,
		.seed = 1,
	};
	/* 0 starts getopt_long() afresh, however often it was used. */
	optind = 0;
	while ((code = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
		r = parse_next(&parser, code, argv);
		if (r < 0)
			return r;
	}
	if (optind < argc)
		return complain(&parser,
				"unexpected word '%s': options begin with --, "
				"see tranche-load --help",
				argv[optind]);
	set_defaults(&parser);
	return check_together(&parser);
}

struct options options_then(const struct options *options, uint32_t index)
{
	const struct options_then *then = &options->then[index];
	struct options next = *options;

	next.kernel = then->kernel;
	next.items = then->items;
	next.iterations = then->iterations;
	next.dispatch_ns = then->dispatch_ns;
	if (then->depth)
		next.depth = then->depth;
	return next;
}

const char *options_help(void)
{
	return "Usage: tranche-load [OPTION]...\n"
	       "\n"
	       "Puts a known, checked Vulkan compute load on a GPU and measures it.\n"
	       "JSON goes to standard output, one object per line; notes go to standard\n"
	       "error.\n"
	       "\n"
	       "The load:\n"
	       "  --kind KIND         fma (arithmetic, the default), copy (bandwidth), gemm\n"
	       "                      (matrix product) or spin (a dispatch that never ends)\n"
	       "  --dispatch-ms MS    calibrate to so many milliseconds per dispatch (10)\n"
	       "  --iterations N      do not calibrate; with --dispatch-ms, take that as the\n"
	       "                      known cost\n"
	       "  --items N           fma: work items; copy: blocks of 16 bytes; gemm: edge of\n"
	       "                      the matrices, a multiple of 16\n"
	       "  --think-ms MS       pause after each completion (0)\n"
	       "  --poll-ms MS        look for completions so often, with sleep between; 0: wait\n"
	       "                      for each as the driver does (0)\n"
	       "  --depth N           submissions in flight, 1 to 64 (1)\n"
	       "  --contexts N        as many devices, each with its own thread and queue (1)\n"
	       "  --memory SIZE       device memory that each context holds, such as 512M\n"
	       "  --overcommit        ask the driver even for more memory than the GPU has\n"
	       "  --seed N            what data and nonces are made from (1)\n"
	       "\n"
	       "The end, whichever comes first (SIGINT and SIGTERM end a run in order too):\n"
	       "  --duration TIME     such as 10 (seconds, the default), 1.5h or 2d; 0: no end\n"
	       "  --submissions N     of each context; without --duration no other end\n"
	       "  --timeout TIME      longest wait for one submission (60); 0: no bound\n"
	       "  --then KIND:ITEMS:ITERATIONS:MS[:DEPTH]\n"
	       "                      another load after that, which is known to cost so many\n"
	       "                      milliseconds; SIGUSR2 ends one and begins the next\n"
	       "\n"
	       "The GPU:\n"
	       "  --list              print the GPUs and their queue families, then end\n"
	       "  --device WHICH      index, PCI address or part of the name; without it the\n"
	       "                      first GPU that is no CPU, else the first\n"
	       "  --engine N          queue family (the first that computes)\n"
	       "\n"
	       "Output:\n"
	       "  --calibrate-only    print the calibration, then end\n"
	       "  --quiet, --json-only\n"
	       "                      no notes on standard error; errors still\n"
	       "  --summary-only      no line per second\n"
	       "  --count-on-signal   say when all contexts compute; SIGUSR1 then begins the\n"
	       "                      count, and the duration, anew\n"
	       "  --help, --version\n"
	       "\n"
	       "Exit status: 0 all results right; 1 a wrong result; 2 bad input or no such\n"
	       "GPU; 3 out of memory; 4 device lost; 5 time-out or another Vulkan failure.\n"
	       "\n"
	       "Examples:\n"
	       "  tranche-load --dispatch-ms 5 --duration 30\n"
	       "  tranche-load --calibrate-only --dispatch-ms 1\n"
	       "  tranche-load --items 65536 --iterations 120 --dispatch-ms 1 --think-ms 5\n"
	       "  tranche-load --kind copy --memory 512M --depth 2\n"
	       "  tranche-load --kind gemm --items 512 --submissions 100 --summary-only\n"
	       "  tranche-load --kind spin --duration 10\n";
}
