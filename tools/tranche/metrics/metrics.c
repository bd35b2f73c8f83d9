// SPDX-License-Identifier: MIT
/* `tranche metrics`: an exporter for Prometheus. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "tools/tranche/args.h"
#include "tools/tranche/message.h"
#include "tools/tranche/metrics/address.h"
#include "tools/tranche/metrics/families.h"
#include "tools/tranche/metrics/server.h"
#include "tools/tranche/text.h"

enum metrics_code {
	METRICS_ONCE = ARGS_FIRST,
};

struct metrics_options {
	const char *listen; /* NULL: the default */
	bool once;
};

/* Names in it were chosen by others, and a terminal obeys what it reads. */
static void print_cleanly(char *text)
{
	char *rest, *line;

	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		text_clean(line);
		puts(line);
	}
}

static int print_once(void)
{
	_reading_ struct reading reading = {0};
	char *text;
	int r;

	r = reading_take(&reading, true);
	if (r < 0)
		return r;
	if (families_text(&reading, &text) < 0)
		return message_memory();
	if (isatty(STDOUT_FILENO))
		print_cleanly(text);
	else
		fputs(text, stdout);
	free(text);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	message_error("cannot write the output: is the disk full?");
	return STATUS_FAILED;
}

static void say_where(int fd)
{
	char address[ADDRESS_TEXT];

	if (address_format(fd, address) < 0)
		return;
	printf("http://%s/metrics\n", address);
	fflush(stdout);
}

static int serve(const char *listen)
{
	struct server *server;
	sigset_t ends;
	int fd, r, number;

	/* Before there is a second thread, so that none of them takes one. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	fd = address_listen(listen);
	if (fd < 0)
		return fd;
	say_where(fd);
	r = server_start(&server, fd);
	if (r < 0)
		return r;
	sd_notify(0, "READY=1");
	sigwait(&ends, &number);
	sd_notify(0, "STOPPING=1");
	server_stop(server);
	return STATUS_OK;
}

static int metrics_option(struct metrics_options *options, int code)
{
	switch (code) {
	case ARGS_JSON:
		return message_bad("--json: this is not made as JSON: use "
				   "'tranche top --once --json'");
	case METRICS_ONCE:
		options->once = true;
		return 0;
	default:
		options->listen = optarg;
		return 0;
	}
}

static int metrics_run(int argc, char **argv)
{
	static const struct option table[] = {
		{"listen", required_argument, NULL, 'l'},
		{"once", no_argument, NULL, METRICS_ONCE},
		ARGS_COMMON,
	};
	struct metrics_options options = {0};
	int code, r;

	while ((code = args_next(&verb_metrics, argc, argv, table, "l:")) !=
	       ARGS_END) {
		if (code < 0)
			return args_status(code);
		r = metrics_option(&options, code);
		if (r < 0)
			return r;
	}
	r = args_operands(&verb_metrics, argc, argv, 0, 0, "nothing");
	if (r < 0)
		return r;
	if (options.once && options.listen)
		return message_bad("--once listens nowhere: leave --listen "
				   "out");
	if (options.once)
		return print_once();
	return serve(options.listen ? options.listen : ADDRESS_DEFAULT);
}

const struct verb verb_metrics = {
	.name = "metrics",
	.summary = "serve metrics for Prometheus",
	.help = "Usage: tranche metrics [OPTION]...\n\n"
		"Serves metrics of all GPUs and vGPUs by HTTP, at /metrics, in Prometheus' text\n"
		"format. While there is no broker they say tranche_up 0. Needs no privilege.\n\n"
		"Options:\n"
		"  -l, --listen ADDRESS:PORT  where (127.0.0.1:12835); port 0: any that is\n"
		"                             free. There is no password: whoever can connect\n"
		"                             can read\n"
		"      --once                 print the metrics once, and end\n\n"
		"Examples:\n"
		"  tranche metrics --once\n"
		"  systemctl enable --now tranche-metrics\n"
		"  tranche metrics --listen [::1]:9999\n",
	.run = metrics_run,
};
