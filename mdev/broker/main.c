// SPDX-License-Identifier: MIT
/*
 * tranched: finds GPUs, makes vGPUs of them, supervises what serves these, and
 * arbitrates. See tranched(8).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "mdev/broker/broker.h"
#include "mdev/broker/log.h"

#define EXIT_USAGE 2

static const char usage_text[] =
	"Usage: tranched [--config FILE]\n"
	"\n"
	"The broker of Tranche: finds GPUs, offers vGPUs of them, starts what\n"
	"serves these, and gives each its share. Runs in the foreground, as root.\n"
	"\n"
	"Options:\n"
	"  --config FILE  configuration (default " CONFIG_PATH ",\n"
	"                 which may be missing; see tranched.conf(5))\n"
	"  --check        read the configuration and end\n"
	"  --version      print the version\n"
	"  --help         print this\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 when it can't serve, 2 for a\n"
	"wrong option or configuration.\n";

struct options {
	const char *config;
	bool check;
};

static int bad_option(const char *text)
{
	fprintf(stderr,
		"tranched: '%s' is no option, or lacks its value: see --help\n",
		text);
	return -1;
}

/* Return: 0 to go on, 1 when there is nothing more to do, -1 for bad input. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'v':
			puts("tranched " TRANCHE_VERSION);
			return 1;
		case 'h':
			fputs(usage_text, stdout);
			return 1;
		default:
			return bad_option(argv[optind - 1]);
		}
	}
	return optind == argc ? 0 : bad_option(argv[optind]);
}

/* Each vGPU and each gate takes descriptors. */
static void files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(const struct config *config)
{
	/* Its arbiters outlive it: see broker_deinit(). */
	static struct broker broker;
	int r = broker_init(&broker, config);

	if (r == 0)
		r = broker_run(&broker);
	broker_deinit(&broker);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	char error[CONFIG_ERROR_SIZE];
	struct config config;
	int r = parse_options(argc, argv, &options);

	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0)
		return EXIT_USAGE;
	log_init();
	r = config_init(&config, options.config, error);
	if (r < 0) {
		log_line(LOG_ERR, NULL, NULL, "%s", error);
		return EXIT_USAGE;
	}
	files_raise();
	r = options.check ? EXIT_SUCCESS : serve(&config);
	config_deinit(&config);
	return r;
}
