// SPDX-License-Identifier: MIT
/* tranche-sim: runs a scenario under several policies; see tranche-sim(1). */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/sim/report.h"

/* Exit status: what was asked for can't be done as asked. */
#define EXIT_USAGE 2

struct options {
	const char *scenario;
	const struct sim_policy_ops *policies[SIM_POLICIES_MAX];
	size_t n_policies;
	const char *trace;
	const char *svg;
	bool json;
	bool help;
};

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"trace", required_argument, NULL, 't'},
	{"svg", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"Usage: tranche-sim SCENARIO.json [OPTION…]\n"
	"Run a scenario on a simulated GPU under several scheduling policies "
	"and compare them.\n"
	"\n"
	"  --policy NAME  run this policy only; may be given several times\n"
	"  --trace FILE   write all holds and jobs as trace events for "
	"Perfetto\n"
	"  --svg FILE     draw a timeline\n"
	"  --json         print the figures as JSON instead of tables\n"
	"  --help         print this help\n"
	"\n"
	"Policies:\n";

__attribute__((format(printf, 1, 2))) static int usage_fail(const char *format,
							    ...)
{
	va_list args;

	fputs("tranche-sim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

static int run_fail(const char *what, int err)
{
	fprintf(stderr, "tranche-sim: %s: %s\n", what, strerror(-err));
	return EXIT_FAILURE;
}

static void print_help(void)
{
	size_t i;

	fputs(help, stdout);
	for (i = 0; sim_policies[i]; i++)
		printf("  %-13s  %s\n", sim_policies[i]->name,
		       sim_policies[i]->about);
}

static int option_policy(struct options *options, const char *name)
{
	const struct sim_policy_ops *ops = sim_policy_find(name);
	size_t i;

	if (!ops)
		return usage_fail("unknown policy \"%s\": use tranche, fifo, "
				  "rr or gvt",
				  name);
	for (i = 0; i < options->n_policies; i++)
		if (options->policies[i] == ops)
			return 0;
	options->policies[options->n_policies++] = ops;
	return 0;
}

static int option_set(struct options *options, int option, char *const *argv)
{
	switch (option) {
	case 'p':
		return option_policy(options, optarg);
	case 't':
		options->trace = optarg;
		return 0;
	case 's':
		options->svg = optarg;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case ':':
		return usage_fail("option %s lacks its value: add it",
				  argv[optind - 1]);
	default:
		return usage_fail("unknown option %s: see tranche-sim --help",
				  argv[optind - 1]);
	}
}

static int options_parse(struct options *options, int argc, char **argv)
{
	size_t i;
	int option, ret;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) >=
	       0) {
		ret = option_set(options, option, argv);
		if (ret)
			return ret;
	}
	if (options->help)
		return 0;
	if (optind == argc)
		return usage_fail("no scenario: give the path of a scenario "
				  "file");
	if (optind + 1 < argc)
		return usage_fail("unexpected \"%s\": give one scenario",
				  argv[optind + 1]);
	options->scenario = argv[optind];
	for (i = 0; options->n_policies == 0 && sim_policies[i]; i++)
		options->policies[i] = sim_policies[i];
	if (options->n_policies == 0)
		options->n_policies = i;
	return 0;
}

static int write_svg(const struct sim_report *report, FILE *file)
{
	sim_report_write_svg(report, file);
	return 0;
}

static int write_file(const struct sim_report *report, const char *path,
		      int (*write)(const struct sim_report *, FILE *))
{
	FILE *file;
	int err;

	if (!path)
		return 0;
	file = fopen(path, "we");
	if (!file)
		return usage_fail("%s: %s: give a path that can be written",
				  path, strerror(errno));
	err = write(report, file);
	if (ferror(file) && err >= 0)
		err = -EIO;
	if (fclose(file) != 0 && err >= 0)
		err = -errno;
	return err < 0 ? run_fail(path, err) : 0;
}

static int write_stdout(const struct sim_report *report, bool json)
{
	int err = 0;

	if (json)
		err = sim_report_write_json(report, stdout);
	else
		sim_report_write_table(report, stdout);
	if (fflush(stdout) != 0 && err >= 0)
		err = -errno;
	return err < 0 ? run_fail("standard output", err) : 0;
}

static int scenario_run(const struct options *options)
{
	__attribute__((cleanup(
		sim_scenario_freep))) struct sim_scenario *scenario = NULL;
	__attribute__((cleanup(sim_report_freep))) struct sim_report *report =
		NULL;
	struct sim_error error;
	int ret;

	if (sim_scenario_read_file(&scenario, options->scenario, &error) < 0)
		return usage_fail("%s", error.text);
	ret = sim_report_new(&report, scenario, options->policies,
			     options->n_policies,
			     options->trace || options->svg);
	if (ret == -EINVAL)
		return usage_fail("%s: a policy refuses the settings: keep the "
				  "sum of reservations within 90 and each "
				  "weight within 1 to 10000",
				  options->scenario);
	if (ret < 0)
		return run_fail(options->scenario, ret);
	ret = write_stdout(report, options->json);
	if (ret == 0)
		ret = write_file(report, options->trace,
				 sim_report_write_trace);
	if (ret == 0)
		ret = write_file(report, options->svg, write_svg);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	int ret = options_parse(&options, argc, argv);

	if (ret)
		return ret;
	if (options.help) {
		print_help();
		return EXIT_SUCCESS;
	}
	return scenario_run(&options);
}
