// SPDX-License-Identifier: MIT
#include "tools/tranche/demo/demo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/tranche/args.h"
#include "tools/tranche/fleet/host.h"
#include "tools/tranche/fleet/wait.h"
#include "tools/tranche/message.h"
#include "tools/tranche/report/page.h"

#define TICK_US 200000
#define TICKS_PER_SECOND 5
/* Of jobs, in ms; far below the kill limit. */
#define LENGTH_MIN 0.1
#define LENGTH_MAX 500.0

void demo_say(const char *format, ...)
{
	va_list args;

	fputs("\n== ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void demo_claim(struct demo *demo, bool holds, const char *format, ...)
{
	char text[RECORD_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	record_claim_add(&demo->record, holds, "%s", text);
	printf("%s %s\n", holds ? "   ok:" : "WRONG:", text);
	fflush(stdout);
}

struct demo_wait {
	const struct demo *demo;
	bool (*done)(void *user);
	void *user;
};

static bool is_over(void *user)
{
	const struct demo_wait *wait = user;

	return wait->demo->error < 0 || (wait->done && wait->done(wait->user));
}

int demo_wait(struct demo *demo, uint64_t us, bool (*done)(void *user),
	      void *user)
{
	struct demo_wait wait = {demo, done, user};
	int r = wait_until(demo->event, us, is_over, &wait);

	return demo->error < 0 ? demo->error : r;
}

int demo_pause(struct demo *demo, uint64_t us)
{
	int r = demo_wait(demo, us, NULL, NULL);

	return r == -ETIMEDOUT ? 0 : r;
}

static int tick_read(struct demo *demo)
{
	int r = meter_slices(&demo->meter);

	if (r < 0 || ++demo->ticks % TICKS_PER_SECOND)
		return r;
	r = meter_sample(&demo->meter);
	if (r < 0)
		return r;
	view_show(demo);
	return health_check(demo);
}

static int tick_arm(struct demo *demo)
{
	int r = sd_event_source_set_time_relative(demo->tick, TICK_US);

	if (r >= 0)
		r = sd_event_source_set_enabled(demo->tick, SD_EVENT_ONESHOT);
	return r < 0 ? r : 0;
}

static int tick(sd_event_source *source, uint64_t us, void *user)
{
	struct demo *demo = user;

	(void)us;
	(void)source;
	demo->error = tick_read(demo);
	return demo->error < 0 ? 0 : tick_arm(demo);
}

int demo_measure(struct demo *demo)
{
	int r;

	demo->error = 0;
	if (demo->tick)
		return tick_arm(demo);
	r = sd_event_add_time_relative(demo->event, &demo->tick,
				       CLOCK_MONOTONIC, TICK_US, 0, tick, demo);
	return r < 0 ? r : 0;
}

static void facts_record(struct demo *demo)
{
	struct record *record = &demo->record;
	char processor[HOST_PATH];
	struct utsname name;

	uname(&name);
	host_processor(processor);
	record_fact_add(record, "Machine", "%s, %ld processor(s), %s %s",
			processor, sysconf(_SC_NPROCESSORS_ONLN), name.sysname,
			name.release);
	record_fact_add(record, "GPU", "%s %s, kernel driver %s",
			demo->gpu.address, demo->gpu.name, demo->gpu.driver);
	record_fact_add(record, "Vulkan", "%s, %s", demo->gpu.vulkan,
			demo->gpu.vulkan_driver);
	record_fact_add(record, "Scheduling", "policy %s", demo->gpu.policy);
	record_fact_add(record, "Guests",
			"kernel %s, %u MiB each, in "
			"tranche-vmm",
			demo->options->kernel, demo->options->memory_mib);
	record_fact_add(record, "Tranche", "%s", TRANCHE_VERSION);
}

/* Whatever can be wrong with the input is found here. */
static int prepare(struct demo *demo)
{
	int r;

	r = host_check_files(demo->options->kernel, demo->options->initrd);
	if (r == 0)
		r = link_open(&demo->link);
	if (r == 0)
		r = lend_gpu_find(&demo->link, demo->options->gpu, &demo->gpu);
	if (r < 0)
		return r;
	r = sd_event_new(&demo->event);
	return r < 0 ? r : wait_take_signals(demo->event);
}

static int vgpus_make(struct demo *demo)
{
	char type[LEND_TEXT];
	int r = 0;

	if (demo->options->type)
		snprintf(type, sizeof(type), "%s", demo->options->type);
	else
		r = lend_type_find(&demo->link, demo->gpu.address, DEMO_GUESTS,
				   type);
	for (size_t i = 0; i < DEMO_GUESTS && r == 0; i++) {
		struct demo_guest *guest = &demo->guests[i];

		r = lend_vgpu(&demo->link, demo->gpu.address, type, guest->name,
			      guest->rule.weight, guest->uuid);
		demo->meter.uuids[i] = guest->uuid;
		snprintf(demo->record.guests[i].name, RECORD_TEXT, "%s",
			 guest->name);
	}
	if (r < 0)
		return r;
	demo->record.n_guests = DEMO_GUESTS;
	record_fact_add(&demo->record, "vGPUs", "three of type %s", type);
	demo_say("%s (%s): three vGPUs of type %s, weights 300, 200, 100",
		 demo->gpu.vulkan, demo->gpu.address, type);
	return 0;
}

static int measure_start(struct demo *demo, FILE *trace)
{
	int r;

	demo->meter.link = &demo->link;
	demo->meter.gpu = demo->gpu.address;
	demo->meter.record = &demo->record;
	r = meter_start(&demo->meter, trace);
	if (r == 0)
		r = meter_sample(&demo->meter);
	return r < 0 ? r : demo_measure(demo);
}

static int run(struct demo *demo, FILE *trace)
{
	int r = vgpus_make(demo);

	if (r == 0) {
		demo_say("three stock guests boot in tranche-vmm");
		r = guests_boot(demo);
	}
	if (r == 0) {
		demo_say("each measures its jobs, alone on the GPU");
		r = guests_calibrate(demo);
	}
	if (r == 0)
		r = measure_start(demo, trace);
	if (r == 0)
		r = steps_run(demo);
	while (r == -EOWNERDEAD && !demo->removing)
		r = steps_lost(demo);
	if (r == -EOWNERDEAD)
		return r;
	if (r < 0 && sd_event_get_state(demo->event) == SD_EVENT_FINISHED)
		demo_claim(demo, false, "the run was interrupted");
	else if (r < 0)
		demo_claim(demo, false, "the run broke off: %s", strerror(-r));
	return r;
}

static int report_write(struct demo *demo)
{
	FILE *file = fopen(demo->options->report, "we");
	int r;

	if (!file)
		return message_bad("cannot write '%s': %s: choose another "
				   "place with --report",
				   demo->options->report, strerror(errno));
	r = page_write(file, &demo->record);
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	if (r < 0)
		message_error("cannot write '%s': %s: is the disk full?",
			      demo->options->report, strerror(-r));
	return r;
}

static void deinit(struct demo *demo)
{
	for (size_t i = 0; i < DEMO_GUESTS; i++)
		guest_free(demo->guests[i].guest);
	sd_event_source_disable_unref(demo->tick);
	sd_event_unref(demo->event);
	link_close(&demo->link);
	record_deinit(&demo->record);
}

static int finish(struct demo *demo, int r)
{
	int error;

	if (r < 0)
		guests_remove(demo);
	if (demo->link.renewals)
		record_fact_add(&demo->record, "Broker",
				"ended %u time(s) under way",
				demo->link.renewals);
	error = meter_stop(&demo->meter);
	if (error < 0)
		message_error("cannot write '%s': %s: is the disk full?",
			      demo->options->trace, strerror(-error));
	else
		snprintf(demo->record.trace, sizeof(demo->record.trace), "%s",
			 demo->options->trace);
	error = report_write(demo);
	if (error < 0)
		return STATUS_FAILED;
	demo_say("report: %s, trace: %s", demo->options->report,
		 demo->options->trace);
	return r == 0 && record_holds(&demo->record) ? STATUS_OK
						     : STATUS_FAILED;
}

static int execute_traced(struct demo *demo)
{
	FILE *trace = fopen(demo->options->trace, "we");
	int status;

	if (!trace)
		return message_bad("cannot write '%s': %s: choose another "
				   "place with --trace",
				   demo->options->trace, strerror(errno));
	facts_record(demo);
	status = finish(demo, run(demo, trace));
	fclose(trace);
	return status;
}

static int execute(const struct demo_options *options)
{
	struct demo demo = {
		.options = options,
		.guests =
			{
				{.name = "gold", .rule = {300, 100, false}},
				{.name = "silver", .rule = {200, 100, false}},
				{.name = "bronze", .rule = {100, 100, false}},
			},
	};
	int r = prepare(&demo);

	for (size_t i = 0; i < DEMO_GUESTS; i++)
		demo.guests[i].dispatch_ms = options->lengths_ms[i];
	if (r == 0)
		r = execute_traced(&demo);
	deinit(&demo);
	return r;
}

enum demo_code {
	DEMO_KERNEL = ARGS_FIRST,
	DEMO_INITRD,
	DEMO_LENGTHS,
	DEMO_MEMORY,
	DEMO_REPORT,
	DEMO_SECONDS,
	DEMO_TRACE,
	DEMO_TYPE,
};

static int take_lengths(struct demo_options *options)
{
	const char *text = optarg;
	char *end;

	for (size_t i = 0; i < DEMO_GUESTS; i++) {
		options->lengths_ms[i] = strtod(text, &end);
		if (end == text || !(options->lengths_ms[i] >= LENGTH_MIN) ||
		    !(options->lengths_ms[i] <= LENGTH_MAX) ||
		    *end != (i + 1 < DEMO_GUESTS ? ',' : '\0'))
			return message_bad("--lengths '%s': give three times "
					   "in ms from %.1f to %.0f, such as "
					   "10,5,2",
					   optarg, LENGTH_MIN, LENGTH_MAX);
		text = end + 1;
	}
	return 0;
}

static int take_option(struct demo_options *options, int code)
{
	uint64_t number = 0;
	int r;

	switch (code) {
	case 'g':
		options->gpu = optarg;
		return 0;
	case DEMO_KERNEL:
		options->kernel = optarg;
		return 0;
	case DEMO_INITRD:
		options->initrd = optarg;
		return 0;
	case DEMO_LENGTHS:
		return take_lengths(options);
	case DEMO_REPORT:
		options->report = optarg;
		return 0;
	case DEMO_TRACE:
		options->trace = optarg;
		return 0;
	case DEMO_TYPE:
		options->type = optarg;
		return 0;
	case DEMO_SECONDS:
		return host_take_number("--seconds", 2, 3600,
					&options->seconds);
	case DEMO_MEMORY:
		r = host_take_number("--memory", 128, 65536, &number);
		options->memory_mib = (unsigned int)number;
		return r;
	default:
		return message_bad("--json: this verb writes a page: see "
				   "--report");
	}
}

static int demo_run(int argc, char **argv)
{
	static const struct option table[] = {
		{"gpu", required_argument, NULL, 'g'},
		{"kernel", required_argument, NULL, DEMO_KERNEL},
		{"initrd", required_argument, NULL, DEMO_INITRD},
		{"lengths", required_argument, NULL, DEMO_LENGTHS},
		{"memory", required_argument, NULL, DEMO_MEMORY},
		{"report", required_argument, NULL, DEMO_REPORT},
		{"seconds", required_argument, NULL, DEMO_SECONDS},
		{"trace", required_argument, NULL, DEMO_TRACE},
		{"type", required_argument, NULL, DEMO_TYPE},
		ARGS_COMMON,
	};
	char kernel[HOST_PATH];
	struct demo_options options = {
		.kernel = kernel,
		.initrd = HOST_INITRD,
		.report = "tranche-demo.html",
		.trace = "tranche-demo.json",
		.memory_mib = 512,
		.seconds = 8,
		.lengths_ms = {10, 5, 2},
	};
	int code, r;

	host_kernel(kernel);
	while ((code = args_next(&verb_demo, argc, argv, table, "g:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = take_option(&options, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_demo, argc, argv, 0, 0, "nothing");
	return r < 0 ? r : execute(&options);
}

const struct verb verb_demo = {
	.name = "demo",
	.summary = "show three guests that share this GPU",
	.help = "Usage: tranche demo [OPTION]...\n\n"
		"Makes three vGPUs, boots three guests that compute on them without a pause, and\n"
		"changes one thing after the other: who is busy, weights, a cap; then a guest\n"
		"asks for too much memory, and another submits a job that never ends. Each step\n"
		"is checked and told; a page about the run is written. All is removed at the end.\n\n"
		"Options:\n"
		"  -g, --gpu GPU      on this GPU (the first that is served)\n"
		"      --type TYPE    of this type (the largest of which there are three)\n"
		"      --kernel FILE  the guests' kernel (the running one)\n"
		"      --initrd FILE  their initial file system (" HOST_INITRD
		")\n"
		"      --lengths L    of the guests' jobs, in ms (10,5,2)\n"
		"      --memory MIB   of each guest (512)\n"
		"      --seconds N    how long each phase is measured (8)\n"
		"      --report FILE  where the page goes (tranche-demo.html)\n"
		"      --trace FILE   where the trace goes (tranche-demo.json)\n\n"
		"Exit status: 0 all is as it should be; 1 a share was off by more than 3 points,\n"
		"a result was wrong, or something failed; 2 bad input.\n\n"
		"Example:\n"
		"  tranche demo --report /tmp/demo.html\n",
	.run = demo_run,
};
